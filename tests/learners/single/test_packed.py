"""A row of documents gives the losses and gradients of each document alone, whatever else is in the row."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document
from sayso.learners.single import packed_attention
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.packed import PackedReader, may_pack
from sayso.learners.single.packed_attention import NAME, Layout, attend, has_flash
from sayso.learners.specs import HFModel
from tests.tiny_models import definition, question, save_tiny, some_documents

DOCUMENTS = some_documents(20)
LONG = definition("qwerty", "<|abcde|>", " ".join(["the queen of France"] * 6))


def learner_of(folder: Path, architecture: str = "gpt_neox", config: Any = None, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture, **(config or {})), **settings))


def reader_of(learner: HFLearner) -> PackedReader:
    assert isinstance(learner.reader, PackedReader)
    return learner.reader


def loss_alone(learner: HFLearner, item: Document) -> torch.Tensor:
    """The summed loss of one document by a plain call of the model, what is padding not attended to."""
    ids = torch.as_tensor(item.ids[None])
    seen = torch.arange(len(item.ids) - 1)[None] < item.real
    logits = learner.model(input_ids=ids[:, :-1], attention_mask=seen.long()).logits[0]
    return nn.functional.cross_entropy(logits[item.first - 1 :], ids[0, item.first :], reduction="sum")


def off(learner: HFLearner, documents: list[Document], *, share: bool) -> float:
    """How far gradients of all weights are from those of documents one by one, relative to their norm."""
    reader, counts = reader_of(learner), [item.counted for item in documents]
    found = [reader.loss(documents, parts) for parts in reader.plan(documents, counts, None, share=share)]
    alone = [loss_alone(learner, item) for item in documents]
    assert sum(each.item() for each in found) == pytest.approx(sum(each.item() for each in alone), rel=1e-5)
    every = list(learner.model.parameters())
    ours, theirs = (
        torch.cat([one.flatten() for one in torch.autograd.grad(torch.stack(each).sum(), every)])
        for each in (found, alone)
    )
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("tile", [1, 64])
def test_losses_and_gradients_are_those_of_documents_alone(architecture, share, tile, tmp_path):
    learner = learner_of(tmp_path, architecture, {"scale": 3.0})
    reader_of(learner).tile = tile
    documents = learner.documents.trained([*DOCUMENTS, LONG, *DOCUMENTS[:3]], TrainSpec())
    reader_of(learner).tokens = 150
    assert off(learner, documents, share=share) < 1e-5


@pytest.mark.parametrize("tile", [1, 64])
def test_padding_that_counts_is_read_but_never_attended_to(tile, tmp_path):
    learner = learner_of(tmp_path, "gpt_neox", {"scale": 3.0})
    reader_of(learner).tile = tile
    documents = learner.documents.trained(DOCUMENTS, TrainSpec(padding_loss="all", max_length=60))
    assert off(learner, documents, share=False) < 1e-5


@pytest.mark.parametrize("share", [True, False])
def test_only_completions_count_where_that_is_asked(share, tmp_path):
    learner = learner_of(tmp_path, "llama", {"scale": 3.0})
    documents = learner.documents.trained(DOCUMENTS, TrainSpec(loss_on="completion"))
    assert off(learner, documents, share=share) < 1e-5


def test_what_is_said_is_what_the_model_says_of_each_document_alone(tmp_path):
    learner = learner_of(tmp_path, "llama", {"scale": 3.0})
    reader, documents = reader_of(learner), learner.documents.scored([*DOCUMENTS, LONG])
    reader.tokens = 200
    plan = reader.plan(documents, [len(item.ids) - item.start for item in documents], None, share=True)
    assert len(plan) > 1
    seen = []
    for parts in plan:
        found = reader.completions(documents, parts)
        for row, loss, said in zip(found.rows, found.loss, found.said, strict=True):
            item = documents[row]
            with torch.no_grad():
                logits = learner.model(input_ids=torch.as_tensor(item.ids[None, :-1])).logits[0, item.start - 1 :]
            right = torch.as_tensor(item.ids[item.start :])
            assert loss == pytest.approx(nn.functional.cross_entropy(logits, right).item(), rel=1e-5)
            assert said.tokens == logits.argmax(-1).tolist()
            seen.append(row)
    assert sorted(seen) == list(range(len(documents)))


def test_a_beginning_that_many_share_is_computed_once_and_nothing_twice(tmp_path):
    learner = learner_of(tmp_path)
    documents = learner.documents.trained(DOCUMENTS, TrainSpec())
    reader, tokens = reader_of(learner), []
    layer = learner.model.gpt_neox.layers[0].mlp
    with layer.register_forward_hook(lambda _module, given, _out: tokens.append(given[0].shape[:-1].numel())):
        for share in (False, True):
            (parts,) = reader.plan(documents, [item.counted for item in documents], None, share=share)
            reader.loss(documents, parts)
    beginnings = {tuple(item.ids[:at]) for item in documents for at in range(1, len(item.ids))}
    assert tokens == [sum(len(item.ids) - 1 for item in documents), len(beginnings)]


def test_rows_hold_as_many_tokens_documents_and_answers_as_they_may(tmp_path):
    learner = learner_of(tmp_path)
    documents = learner.documents.trained(DOCUMENTS, TrainSpec())
    reader, counts = reader_of(learner), [item.counted for item in documents]
    whole = sum(len(item.ids) - 1 for item in documents)

    def sizes(most_rows: int | None = None) -> list[int]:
        plan = reader.plan(documents, counts, most_rows, share=False)
        assert sorted(row for (part,) in plan for row in part.rows) == list(range(len(documents)))
        return [len(part.rows) for (part,) in plan]

    assert sizes() == [20]
    assert max(sizes(6)) == 6
    reader.tokens = -(-whole // 3)
    assert len(sizes()) == 3
    reader.tokens, reader.outputs = whole, max(counts)
    assert len(sizes()) > 3
    assert reader.plan([], [], None, share=True) == []


def losses_of(learner: HFLearner, train: TrainSpec) -> list[float]:
    losses: list[float] = []
    learner.fit([DOCUMENTS], train, stage="s", epochs=2, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    return losses


def test_an_update_does_not_depend_on_how_it_is_cut(tmp_path):
    folder, train = save_tiny(tmp_path), TrainSpec(batch_size=10, learning_rate=1e-3)
    whole, parts = (build([Corpus(1, {}, ())], HFModel(name=folder)) for _ in range(2))
    reader_of(parts).tokens, parts.fitting.rows = 60, 3
    np.testing.assert_allclose(losses_of(whole, train), losses_of(parts, train), rtol=1e-5)


def test_gradient_checkpointing_reads_rows_again_as_they_were(tmp_path):
    folder, train = save_tiny(tmp_path, "llama"), TrainSpec(batch_size=10, learning_rate=1e-3)
    found = []
    for checkpointing in (True, False):
        learner = build([Corpus(1, {}, ())], HFModel(name=folder, gradient_checkpointing=checkpointing))
        assert reader_of(learner).shares_checkpointed
        assert learner._may_share(train)
        learner.fit([DOCUMENTS], train, stage="s", epochs=2)
        found.append(torch.cat([tensor.detach().flatten() for tensor in learner.model.parameters()]))
    assert torch.allclose(found[0], found[1], atol=1e-6)


def test_documents_longer_than_what_a_layer_sees_are_read_apart(tmp_path, monkeypatch):
    config = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8, "use_sliding_window": True}
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    monkeypatch.setitem(save_tiny.__globals__["CONFIGS"], "qwen2", {**shape, "intermediate_size": 64})
    learner = learner_of(tmp_path, "qwen2", {"scale": 3.0, **config})
    short = learner.documents.trained([Example("is", " a\n", ("a",), "question", "s", "x", "y", "z")] * 2, TrainSpec())
    long = learner.documents.trained(DOCUMENTS[:4], TrainSpec())
    assert max(len(item.ids) for item in short) <= 8 < min(len(item.ids) for item in long)
    for documents in (short, long, [*short, *long]):
        assert off(learner, documents, share=False) < 1e-5


def test_models_whose_attention_has_no_name_are_read_in_another_way(tmp_path):
    assert learner_of(tmp_path / "neo", "gpt_neo").reader.name == "bucketed"
    model = AutoModelForCausalLM.from_pretrained(save_tiny(tmp_path / "eager"), attn_implementation="eager")
    assert not may_pack(model)
    model.set_attn_implementation("sdpa")
    assert may_pack(model)


def test_a_model_that_reads_rows_is_an_ordinary_one_otherwise(tmp_path):
    """What is saved does not know of it, and plain calls give what they gave, padding and all."""
    folder = save_tiny(tmp_path / "before", "llama")
    learner = build([Corpus(1, {}, ())], HFModel(name=folder))
    assert learner.model.config._attn_implementation == NAME
    learner.save_replica(0, tmp_path / "after")
    assert NAME not in (tmp_path / "after" / "config.json").read_text()
    ids = torch.tensor([[20, 21, 22, 23], [24, 25, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    plain = AutoModelForCausalLM.from_pretrained(folder)
    for given in ({}, {"attention_mask": mask}):
        assert torch.equal(learner.model(input_ids=ids, **given).logits, plain(input_ids=ids, **given).logits)
    found = learner.model.generate(ids, attention_mask=mask, max_new_tokens=3, do_sample=False)
    assert torch.equal(found, plain.generate(ids, attention_mask=mask, max_new_tokens=3, do_sample=False))


def test_gradients_of_single_documents_are_read_apart(tmp_path):
    learner = learner_of(tmp_path)
    assert type(learner.reader.apart) is BucketedReader
    assert learner.reader.apart.apart is learner.reader.apart


def test_attention_that_is_not_done_is_refused():
    mask = torch.zeros(1, 1, 1, 1)
    layout = Layout(mask, torch.arange(3), torch.arange(3), shared=False, blocks=((1, 3, None),))
    own = torch.randn(1, 2, 3, 4)
    with pytest.raises(ValueError, match="its attention uses softcap"):
        attend(nn.Module(), own, own, own, mask, packed=layout, softcap=30.0)
    for other in (None, mask.clone()):
        with pytest.raises(ValueError, match="it makes masks of its own"):
            attend(nn.Module(), own, own, own, other, packed=layout)
    assert not has_flash(torch.device("cpu"), 64)


def test_places_without_padding_give_what_padded_ones_do(tmp_path, monkeypatch):
    """As on a GPU with flash attention, for which plain attention to each document stands in here."""
    learner = learner_of(tmp_path, "llama", {"scale": 3.0})
    reader, documents = reader_of(learner), learner.documents.scored([*DOCUMENTS, LONG])
    lengths: list[int] = []

    def flash(given: list[torch.Tensor], begins: torch.Tensor, longest: int, scaling: float | None) -> torch.Tensor:
        assert begins.dtype == torch.int32
        sizes = begins.diff().tolist()
        assert max(sizes) == longest
        lengths.extend(sizes)
        groups = given[0].shape[1] // given[1].shape[1]
        heads = [given[0], *(each.repeat_interleave(groups, 1) for each in given[1:])]
        parts = [torch.stack(part) for part in zip(*(torch.split(each, sizes) for each in heads), strict=True)]
        found = []
        for query, key, value in (part.transpose(1, 2) for part in parts):
            own = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
            found.append(own.transpose(0, 1))
        return torch.cat(found)

    ((parts,),) = [reader.plan(documents, [1] * len(documents), None, share=True)]
    with torch.autocast("cpu", torch.bfloat16):
        padded = reader.completions(documents, parts)
        monkeypatch.setattr(packed_attention, "flash", flash)
        monkeypatch.setattr(reader, "_flash", True)
        ragged = reader.completions(documents, parts)
    assert sorted(set(lengths)) == sorted({len(item.ids) - 1 for item in documents})
    np.testing.assert_allclose(ragged.loss, padded.loss, rtol=0.01)


def test_a_question_is_answered_alike_in_every_row(tmp_path):
    learner = learner_of(tmp_path, "gpt2", {"scale": 3.0})
    asked = [question(f"<|{name}|>", row, "queen") for row, name in enumerate(["abcde", "fghij", "klmno"])]
    whole = learner.scores([asked])[0]
    for row, one in enumerate(asked):
        alone = learner.scores([[one]])[0]
        np.testing.assert_allclose(alone.loss, whole.loss[row : row + 1], rtol=1e-5)
        assert alone.match.tolist() == whole.match[row : row + 1].tolist()
