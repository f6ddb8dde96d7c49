"""Activations against the hidden states that transformers gives."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.learners import activations as floor
from sayso.learners.activations import blocks_of, listening
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel, LoRA
from sayso.learners.stacked.learner import StackedLearner
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(9)
AT = (0, 2, -1)


def single(folder: Any, architecture: str, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture), **settings))


def hooks(module: torch.nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules())


def hidden_states(model: Any, prompt: Any) -> list[np.ndarray[Any, Any]]:
    """Transformers' own, of one prompt; the last after the last normalisation."""
    reads = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.no_grad():
        found = reads(input_ids=torch.as_tensor(prompt[None]), output_hidden_states=True).hidden_states
    return [each[0].numpy() for each in found]


def gathered(found: Any) -> dict[tuple[int, int, int], np.ndarray[Any, Any]]:
    return {
        (part.replica, part.layer, row): values
        for part in found
        for row, values in zip(part.rows, part.values, strict=True)
    }


@pytest.mark.parametrize(
    ("architecture", "lora"), [("gpt_neox", None), ("gpt2", None), ("llama", LoRA(rank=2)), ("t5", None)]
)
def test_activations_are_transformers_hidden_states(architecture, lora, tmp_path, monkeypatch):
    monkeypatch.setattr(floor, "TOKENS", 40)
    learner = single(tmp_path, architecture, lora=lora)
    before = hooks(learner.model)
    learner.model.train()
    found = gathered(learner.activations([DOCUMENTS], [0, 1, 2], AT))
    assert learner.model.training
    assert hooks(learner.model) == before
    learner.model.eval()
    norm = {"gpt_neox": "gpt_neox.final_layer_norm", "gpt2": "transformer.ln_f", "t5": "encoder.final_layer_norm"}
    last = learner.model.get_submodule(norm.get(architecture, "base_model.model.model.norm"))
    assert len(found) == 3 * len(DOCUMENTS)
    for row, item in enumerate(learner._encoder.encode(DOCUMENTS)):
        prompt = item.context if architecture == "t5" else item.ids[: item.start]
        expected = hidden_states(learner.model, prompt)
        for layer in (0, 1):
            np.testing.assert_allclose(found[0, layer, row], expected[layer][list(AT)], rtol=1e-4, atol=1e-5)
        with torch.no_grad():
            normed = last(torch.as_tensor(found[0, 2, row])).numpy()
        np.testing.assert_allclose(normed, expected[2][list(AT)], rtol=1e-4, atol=1e-5)
        assert found[0, 1, row].dtype == np.float32


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_activations_of_replicas_are_those_of_each_alone(architecture, tmp_path):
    corpora = [build_corpus(make_tiny(), seed) for seed in (3, 4)]
    learner = StackedLearner(corpora, architecture, ARCHITECTURES[architecture])
    examples = [corpus.eval_sets[0].examples[:6] for corpus in corpora]
    found = gathered(learner.activations(examples, [0], [0, -1]))
    assert hooks(learner._models.module) == 0
    for replica, own in enumerate(examples):
        learner.save_replica(replica, tmp_path / str(replica))
        kind = AutoModelForSeq2SeqLM if architecture == "t5" else AutoModelForCausalLM
        model = kind.from_pretrained(tmp_path / str(replica)).eval()
        for row, item in enumerate(learner._encoders[replica].encode(own)):
            prompt = item.context if architecture == "t5" else item.ids[: item.start]
            expected = hidden_states(model, prompt)[0][[0, -1]]
            np.testing.assert_allclose(found[replica, 0, row], expected, rtol=1e-4, atol=1e-5)


def test_layers_and_tokens_there_are_not_are_one_line(tmp_path):
    learner = single(tmp_path, "gpt_neox")
    with pytest.raises(SaysoError, match=r"has layers 0 \(what enters the first block\) to 2, not 3"):
        learner.activations([DOCUMENTS], [1, 3], [0])
    starts = [item.start for item in learner._encoder.encode(DOCUMENTS)]
    first = DOCUMENTS[starts.index(min(starts))]
    with pytest.raises(SaysoError) as error:
        learner.activations([DOCUMENTS], [1], [-1, min(starts)])
    assert str(error.value).startswith(f"{first.prompt!r} has {min(starts)} tokens, and no token {min(starts)};")
    with pytest.raises(SaysoError, match="and no token -1000; positions count from 0"):
        learner.activations([DOCUMENTS], [1], [-1000])


def test_hooks_come_off_when_something_fails(tmp_path):
    learner = single(tmp_path, "gpt_neox")
    blocks = blocks_of(learner.model.base_model, learner.model.config, "m")
    with pytest.raises(KeyError), listening(blocks, [0, 1, 2], np.zeros((1, 1), dtype=np.int64)):
        raise KeyError
    assert hooks(learner.model) == 0


def test_layers_that_cannot_be_told_are_one_line(tmp_path):
    learner = single(tmp_path, "gpt_neox")
    with pytest.raises(SaysoError, match="model m: its layers cannot be told from its parts"):
        blocks_of(torch.nn.Linear(2, 2), learner.model.config, "m")


def test_blocks_that_run_twice_are_refused(tmp_path, monkeypatch):
    learner = single(tmp_path, "gpt_neox")
    layers = learner.model.gpt_neox.layers
    layers[1] = layers[0]
    with pytest.raises(SaysoError, match="do not run one after the other, each once"):
        list(learner.activations([DOCUMENTS], [1], [0]))
