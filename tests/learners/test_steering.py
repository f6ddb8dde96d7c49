"""Losses while something is added between layers, against forward passes patched by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.learner import Steering
from sayso.data.build import build_corpus
from sayso.learners import steering as floor
from sayso.learners.activations import blocks_of
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.listening import reading_part
from sayso.learners.specs import HFModel, LoRA
from sayso.learners.stacked.learner import StackedLearner
from sayso.learners.stacked.mechanisms import reading_blocks
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.learners.test_activations import hooks
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(9)
#: The same for every width of a tiny model; not so small that it could be lost.
VECTOR = np.linspace(-1, 1, 32, dtype=np.float32)


def single(folder: Any, architecture: str, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture), **settings))


def at(places: int, count: int = len(DOCUMENTS)) -> Any:
    return np.full((count, 1), places, dtype=np.int64)


def patched(model: Any, item: Any, layer: int, place: int, vector: Any) -> float:
    """The loss of one document's completion, with a block (or the first block's input) put in by hand."""
    seq2seq = model.config.is_encoder_decoder
    blocks = blocks_of(reading_part(model), model.config, "m")
    at = max(layer - 1, 0)
    block, before = blocks[at], blocks[at].forward

    def forward(hidden_states: Any, *given: Any, **named: Any) -> Any:
        change = torch.zeros_like(hidden_states)
        change[0, place] = torch.as_tensor(vector)
        if layer == 0:
            return before(hidden_states + change, *given, **named)
        out = before(hidden_states, *given, **named)
        return out + change if isinstance(out, torch.Tensor) else (out[0] + change, *out[1:])

    block.forward = forward
    try:
        ids = torch.as_tensor(item.ids[None])
        with torch.no_grad():
            if seq2seq:
                logits = model(input_ids=torch.as_tensor(item.context[None]), decoder_input_ids=ids[:, :-1]).logits
            else:
                logits = model(input_ids=ids[:, :-1]).logits
    finally:
        block.forward = before
    return float(torch.nn.functional.cross_entropy(logits[0, item.start - 1 :], ids[0, item.start :]))


@pytest.mark.parametrize(
    ("architecture", "lora"), [("gpt_neox", None), ("gpt2", None), ("llama", LoRA(rank=2)), ("t5", None)]
)
def test_steered_losses_are_those_of_a_pass_patched_by_hand(architecture, lora, tmp_path, monkeypatch):
    monkeypatch.setattr(floor, "LOGITS", 2**15)  # several passes
    learner = single(tmp_path, architecture, lora=lora)
    model = learner.model.get_base_model() if lora else learner.model
    encoded, before = learner._encoder.encode(DOCUMENTS), hooks(learner.model)
    for layer in (0, 1, 2):
        (found,) = learner.steered_losses([DOCUMENTS], [[Steering(layer, at(1), VECTOR)]])
        assert found == pytest.approx([patched(model, item, layer, 1, VECTOR) for item in encoded], rel=1e-5)
    (plain,) = learner.scores([DOCUMENTS])
    (nothing,) = learner.steered_losses([DOCUMENTS], [[]])
    (zero,) = learner.steered_losses([DOCUMENTS], [[Steering(1, at(0), 0 * VECTOR)]])
    np.testing.assert_array_equal(nothing, zero)
    assert zero == pytest.approx(plain.loss, rel=1e-5)
    assert hooks(learner.model) == before


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_each_replica_is_steered_by_itself(architecture, tmp_path):
    corpora = [build_corpus(make_tiny(), seed) for seed in (3, 4)]
    learner = StackedLearner(corpora, architecture, ARCHITECTURES[architecture])
    examples = [corpus.eval_sets[0].examples[:6] for corpus in corpora]
    own = [Steering(1, at(0, 6), VECTOR[:16]), Steering(0, at(1, 6), VECTOR[16:])]
    found = learner.steered_losses(examples, [own, []])
    assert found[1] == pytest.approx(learner.scores(examples)[1].loss, rel=1e-5)
    assert hooks(learner._models.module) == 0
    learner.save_replica(0, tmp_path / "model")
    (tmp_path / "model" / "generation_config.json").unlink(missing_ok=True)
    kind = type(learner._models.module)
    model = kind.from_pretrained(tmp_path / "model").eval()
    encoded = learner._encoders[0].encode(examples[0])
    (both,) = {len(reading_blocks(learner._models)), learner.layers()}
    assert both == len(blocks_of(reading_part(model), model.config, "m"))
    alone = learner.steered_losses(examples, [own[:1], own[1:]])
    assert alone[0] == pytest.approx([patched(model, item, 1, 0, VECTOR[:16]) for item in encoded], rel=1e-4)
    assert not np.allclose(alone[0], found[0])


def test_bad_steering_is_one_line_and_hooks_come_off(tmp_path, monkeypatch):
    learner = single(tmp_path, "gpt_neox")
    with pytest.raises(SaysoError, match=r"has layers 0 \(what enters the first block\) to 2, not 3"):
        learner.steered_losses([DOCUMENTS], [[Steering(3, at(0), VECTOR)]])
    with pytest.raises(SaysoError, match=r"tokens, and no token 1000; the first is token 0"):
        learner.steered_losses([DOCUMENTS], [[Steering(1, at(1000), VECTOR)]])
    with pytest.raises(ValueError, match="places of 2 examples"):
        learner.steered_losses([DOCUMENTS], [[Steering(1, at(0, 2), VECTOR)]])
    with pytest.raises(RuntimeError):
        learner.steered_losses([DOCUMENTS], [[Steering(0, at(0), VECTOR), Steering(1, at(0), VECTOR[:3])]])
    assert hooks(learner.model) == 0
    layers = learner.model.gpt_neox.layers
    layers[1] = layers[0]
    with pytest.raises(SaysoError, match="do not run one after the other, each once"):
        learner.steered_losses([DOCUMENTS], [[Steering(1, at(0), VECTOR)]])
    assert hooks(learner.model) == 0
