"""Every model is read as the model itself does, and it is said where that costs more."""

import dataclasses
import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from benchmarks.families import read
from benchmarks.family_configs import make
from torch import nn

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.cross_entropy import Targets, said
from sayso.learners.single import bucketed, packed, packed_attention
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.plain import PlainReader
from sayso.learners.single.proving import choose_reader
from sayso.learners.single.reader import has_own_code
from sayso.learners.single.scoring import Scorer
from sayso.learners.specs import HFModel, LoRA
from tests.foreign_models import save_foreign
from tests.tiny_models import question, save_tiny, some_documents

DOCUMENTS = some_documents(20)


@pytest.fixture
def modules(monkeypatch, tmp_path) -> None:
    """Where transformers puts the code of models, out of the user's way."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))


def learner_of(name: str | Path, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=str(name), **settings))


def gradient_of(model: Any, loss: torch.Tensor) -> torch.Tensor:
    found = torch.autograd.grad(loss, [each for each in model.parameters() if each.requires_grad])
    return torch.cat([each.flatten() for each in found])


def off_from_autograd(learner: HFLearner, examples: Any = DOCUMENTS) -> float:
    """How far the gradient of a training batch is from what plain calls of the model and autograd give."""
    train = TrainSpec()
    documents = learner._encoder.for_training(examples, train)
    learner.reader.overhead = 1.0
    plan = learner.reader.plan(documents, [item.counted for item in documents], None, share=learner._may_share(train))
    ours = gradient_of(learner.model, torch.stack([learner.reader.loss(documents, parts) for parts in plan]).sum())
    loss = torch.zeros(())
    for item in documents:
        ids = torch.as_tensor(item.ids[None])
        logits = learner.model(input_ids=ids[:, :-1]).logits[0]
        loss = loss + nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")
    theirs = gradient_of(learner.model, loss)
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize(
    ("architecture", "how"),
    [
        *[(name, "packed, shared, kept") for name in ("gpt2", "opt", "ctrl", "qwen3")],
        *[(name, "packed, shared, anew") for name in ("gemma3_text", "mistral", "mixtral")],
        *[(name, "bucketed, shared, kept") for name in ("falcon", "gpt_neo", "bloom")],
        ("doge", "bucketed, anew"),  # its attention makes a mask of its own, from what was read
        *[(name, "bucketed, kept") for name in ("t5", "bart")],
        ("mamba", "bucketed, anew"),
        *[(name, "plain") for name in ("gemma2", "cohere", "granite")],
        *[(name, "plain, kept, one length") for name in ("fsmt", "switch_transformers")],
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_losses_and_gradients_of_a_family_are_transformers_own(architecture, how):
    transformers.logging.set_verbosity_error()
    found, loss, gradient, warned = read(make(architecture))
    assert found.startswith(how)
    assert loss < 1e-5
    assert gradient < 1e-5
    assert warned.startswith("model m: plain reading, for ") == how.startswith("plain")
    assert ("bucketed reading differs (" in warned) == how.startswith("plain")


@pytest.mark.parametrize("architecture", ["xlnet", "prophetnet", "cpmant"])
def test_a_family_whose_answers_are_not_what_it_is_trained_on_is_refused(architecture):
    how, _, _, warned = read(make(architecture))
    assert how == "refused"
    assert warned.startswith("model m cannot be read: what it says after a token changes with those that follow")


def test_remote_code_whose_cache_keeps_no_gradient_trains_rightly(tmp_path, modules, caplog):
    """On the keys and values of a shared beginning its gradient stops: it was 37% off, without a word."""
    name = save_foreign(tmp_path / "own", remember="key.detach(), value.detach()")
    with caplog.at_level(logging.WARNING, "sayso"):
        learner = learner_of(name, trust_remote_code=True)
    assert [record.message for record in caplog.records if record.name == "sayso"] == [
        f"model {name}: plain reading, for it comes with code of its own"
    ]
    assert has_own_code(learner.model)
    assert learner.reader.name == "plain"
    assert not learner.reader.remembers
    alike = [question("<|abcde|>", 0, answer) for answer in ("queen", "king", "the queen of France", "actor")]
    assert off_from_autograd(learner, [*DOCUMENTS, *alike]) < 1e-5


def test_what_is_said_of_a_models_own_code_holds_for_low_rank_additions_too(tmp_path):
    learner = learner_of(save_tiny(tmp_path, "llama"), lora=LoRA(rank=2))
    assert not has_own_code(learner.model)
    assert learner.reader.name == "packed"
    assert off_from_autograd(learner) < 1e-5


@pytest.mark.parametrize(
    ("given", "company"),
    [
        ({"forward": "input_ids, past_key_values=None, use_cache=None"}, "one length"),  # it takes no mask
        ({"mask": "seen if len(query) == 1 else seen[:-1]"}, "one document"),  # it fails on several rows
    ],
)
def test_models_that_cannot_read_padding_or_several_rows_read_without(tmp_path, modules, caplog, given, company):
    name = save_foreign(tmp_path / "own", **given)
    with caplog.at_level(logging.WARNING, "sayso"):
        learner = learner_of(name, trust_remote_code=True)
    assert isinstance(learner.reader, PlainReader)
    assert f"model {name}: plain reading, {company} at a time, for it comes with code of its own; " in caplog.text
    assert off_from_autograd(learner) < 1e-5
    scores = learner.scores([DOCUMENTS])[0]
    answers = learner.answers([DOCUMENTS])[0]
    assert scores.match.tolist() == [answer in item.answers for answer, item in zip(answers, DOCUMENTS, strict=True)]


def test_a_model_that_sees_what_follows_is_refused(tmp_path, modules):
    name = save_foreign(tmp_path / "own", mask="seen | True")
    with pytest.raises(
        SaysoError, match="own cannot be read: what it says after a token changes with those that follow"
    ):
        learner_of(name, trust_remote_code=True)


def test_a_model_that_reads_no_few_tokens_is_refused_in_one_line(tmp_path, modules):
    name = save_foreign(tmp_path / "own", mask="seen if len(seen) > 3 else seen.few")
    with pytest.raises(
        SaysoError, match="own cannot be read: it fails on the first tokens of a short document "
    ) as error:
        learner_of(name, trust_remote_code=True)
    assert "\n" not in str(error.value)


def test_a_model_without_finite_losses_is_refused(tmp_path):
    name = save_tiny(tmp_path, "llama", scale=float("nan"))
    with pytest.raises(SaysoError, match="cannot be read: its loss on a short document is not finite"):
        learner_of(name)


@pytest.mark.parametrize("fault", ["a factor", "a cap", "a lost gradient", "a wrong position"])
def test_a_reader_that_is_wrong_is_found_out(tmp_path, fault, monkeypatch, caplog):
    whole = bucketed.Decoder.forward

    def wrong(body: bucketed.Decoder, passes: Any, targets: Targets | None = None) -> torch.Tensor:
        logits = logits_of(body, passes)
        return logits if targets is None else said(nn.Identity(), logits, targets)

    def logits_of(body: bucketed.Decoder, passes: Any) -> torch.Tensor:
        if fault == "a lost gradient" and passes[0].cache is not None:
            with torch.no_grad():
                first = whole(body, passes[:1])
            return torch.cat([first, whole(body, passes[1:])])
        if fault == "a wrong position":
            passes[-1].given.setdefault("position_ids", torch.arange(passes[-1].ids.shape[1])[None] + 2 * len(passes))
        logits = whole(body, passes)
        return {"a factor": 1.01 * logits, "a cap": 30 * (logits / 30).tanh()}.get(fault, logits)

    monkeypatch.setattr(bucketed.Decoder, "forward", wrong)
    with caplog.at_level(logging.WARNING, "sayso"):
        learner = learner_of(save_tiny(tmp_path, "gpt_neo"))
    assert learner.reader.name == "plain"
    (record,) = caplog.records
    assert record.message.startswith(f"model {tmp_path}: plain reading, for bucketed reading differs (")
    assert (fault == "a cap") == ("with larger logits" in record.message)
    assert off_from_autograd(learner) < 1e-5


@pytest.mark.parametrize("fault", ["", "a type that it does not take", "a lost gradient"])
@pytest.mark.parametrize("architecture", ["gpt_neox", "llama"])
def test_flash_attention_is_given_bfloat16_and_is_proven_in_it(tmp_path, architecture, fault, monkeypatch, caplog):
    """As on a GPU that has it: here a CPU's attention stands in, and takes no other type either."""

    def flash(given: list[torch.Tensor], begins: torch.Tensor, _longest: int, scaling: float | None) -> torch.Tensor:
        if fault == "a type that it does not take" or {each.dtype for each in given} != {torch.bfloat16}:
            raise RuntimeError("FlashAttention only supports fp16 and bf16")
        found = []
        for begin, end in itertools.pairwise(begins.tolist()):
            query, key, value = (each[begin:end].transpose(0, 1) for each in given)
            key, value = (each.repeat_interleave(len(query) // len(each), 0) for each in (key, value))
            own = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
            found.append(own.transpose(0, 1))
        return torch.cat(found).detach() if fault == "a lost gradient" else torch.cat(found)

    monkeypatch.setattr(packed, "has_flash", lambda *_: True)
    monkeypatch.setattr(packed_attention, "flash", flash)
    monkeypatch.setattr("sayso.learners.single.proving.has_bfloat16", lambda _device: True)
    with caplog.at_level(logging.WARNING, "sayso"):
        learner = learner_of(save_tiny(tmp_path, architecture))
    assert learner.reader.name == ("bucketed" if fault else "packed")
    assert ("packed reading differs" in caplog.text) == bool(fault)


@pytest.mark.parametrize("fault", ["wrong positions", "other documents attended to", "a lost gradient"])
def test_a_row_that_is_read_wrongly_is_found_out(tmp_path, fault, monkeypatch, caplog):
    whole, given = packed.Row.forward, packed_attention._side_by_side

    def wrong(row: packed.Row, ids: torch.Tensor, positions: torch.Tensor, *more: Any) -> torch.Tensor:
        return whole(row, ids, torch.arange(len(ids)) if fault == "wrong positions" else positions, *more)

    def attended(module: Any, own: list[torch.Tensor], layout: packed_attention.Layout, *more: Any) -> torch.Tensor:
        if fault == "other documents attended to":
            layout = dataclasses.replace(layout, blocks=((1, len(layout.places), None),))
        return given(module, [own[0], own[1], own[2].detach() if fault == "a lost gradient" else own[2]], layout, *more)

    monkeypatch.setattr(packed.Row, "forward", wrong)
    monkeypatch.setattr(packed_attention, "_uncompiled", attended)
    with caplog.at_level(logging.WARNING, "sayso"):
        learner = learner_of(save_tiny(tmp_path, "gpt2"))
    assert learner.reader.name == "bucketed"
    assert learner.model.config._attn_implementation == "sdpa"
    (record,) = caplog.records
    assert record.message.startswith(f"model {tmp_path}: bucketed reading, for packed reading differs (")
    assert off_from_autograd(learner) < 1e-5


def test_choosing_changes_nothing(tmp_path):
    learner = learner_of(save_tiny(tmp_path, "gpt2"))
    before = {name: tensor.detach().clone() for name, tensor in learner.model.state_dict().items()}
    state = torch.get_rng_state()
    choose_reader(learner.model, "m", list(range(10, 40)), learner.tokenizer.pad_token_id, learner.device)
    assert torch.equal(state, torch.get_rng_state())
    assert all(tensor.grad is None for tensor in learner.model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.model.state_dict().items())


def test_plain_reading_scores_as_bucketed_reading_does(tmp_path):
    for architecture in ("gpt_neox", "t5"):
        learner = learner_of(save_tiny(tmp_path / architecture, architecture))
        expected, answers = learner.scores([DOCUMENTS])[0], learner.answers([DOCUMENTS])
        for company in ("padded", "one length", "alone"):
            plain = PlainReader(learner.model, learner.tokenizer.pad_token_id, learner.device, company)
            learner.reader, learner.scorer = plain, Scorer(plain, learner._answers, learner._evaluation)
            found = learner.scores([DOCUMENTS])[0]
            np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-5)
            assert found.match.tolist() == expected.match.tolist()
            assert learner.answers([DOCUMENTS]) == answers
