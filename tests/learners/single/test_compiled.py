"""Compiled blocks give the losses and gradients of the model itself, and who listens to it still hears it."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters

from sayso.core.corpus import Corpus
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document
from sayso.learners.single import compiled
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.packed import PackedReader
from sayso.learners.specs import HFModel, LoRA
from tests.tiny_models import definition, save_tiny, some_documents

#: torch asks each tensor for its gradient while it traces, and hides what that warns of, but not where it is an error.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

DOCUMENTS = some_documents(20)
LONG = definition("qwerty", "<|abcde|>", " ".join(["the queen of France"] * 6))


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled is traced as ever, but run operation by operation: no C++ is compiled."""
    monkeypatch.setattr(compiled, "BACKEND", "eager")


def learner_of(folder: Path, architecture: str = "gpt_neox", config: Any = None, **settings: Any) -> HFLearner:
    name = save_tiny(folder, architecture, **{"scale": 3.0, **(config or {})})
    return build([Corpus(1, {}, ())], HFModel(name=name, **settings))


def gradient(learner: HFLearner, documents: list[Document], reader: Any) -> tuple[float, torch.Tensor]:
    """The summed loss of documents and its gradient."""
    every = [each for each in learner.model.parameters() if each.requires_grad]
    plan = reader.plan(documents, [item.counted for item in documents], None, share=True)
    loss = torch.stack([reader.loss(documents, parts) for parts in plan]).sum()
    return float(loss.detach()), torch.cat([each.flatten() for each in torch.autograd.grad(loss, every)])


def require_alike(learner: HFLearner, examples: Any, train: TrainSpec | None = None) -> None:
    """Compiled, a loss and its gradient are those of the bucketed reader, which calls the model's own parts."""
    documents = learner.documents.trained(examples, train or TrainSpec())
    (ours, found), (theirs, right) = (
        gradient(learner, documents, each) for each in (learner.reader, learner.reader.apart)
    )
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert float((found - right).norm() / right.norm()) < 1e-4


def test_compiled_code_is_one_for_all_blocks_and_lengths_and_gives_the_same(tmp_path):
    learner = learner_of(tmp_path, compiled=True)
    assert learner.reader.name == "compiled"
    for examples in (DOCUMENTS, [LONG]):  # with a beginning that is shared, and without
        require_alike(learner, examples)
    made = counters["stats"]["unique_graphs"]
    for examples in ([*DOCUMENTS, LONG], DOCUMENTS[:7], DOCUMENTS[3:], some_documents(40)):
        require_alike(learner, examples)
    assert counters["stats"]["unique_graphs"] == made


@pytest.mark.usefixtures("quick")
def test_what_else_is_done_to_blocks_is_done_to_compiled_ones(tmp_path):
    learner = learner_of(tmp_path, "llama", compiled=True, lora=LoRA(rank=4), gradient_checkpointing=True)
    assert learner.reader.name == "compiled"
    require_alike(learner, [*DOCUMENTS, LONG])


@pytest.mark.usefixtures("quick")
def test_training_ends_where_it_does_uncompiled_and_who_listens_to_the_model_hears_it_in_evaluation_alone(tmp_path):
    found: list[torch.Tensor] = []
    heard: list[int] = []
    for compile_it in (True, False):
        learner = learner_of(tmp_path / str(compile_it), compiled=compile_it)
        training = learner.training([DOCUMENTS], TrainSpec(batch_size=8, learning_rate=1e-3), stage="s", epochs=2)
        for epoch in range(2):
            for step in training.order.epoch(epoch):
                training.update(step)
            if compile_it and epoch == 0:
                handle = learner.model.gpt_neox.layers[0].mlp.register_forward_hook(lambda *_: heard.append(1))
        found.append(torch.cat([each.detach().flatten() for each in learner.model.parameters()]))
        if compile_it:
            assert heard == []
            learner.scores([DOCUMENTS[:2]])
            assert heard != []
            handle.remove()
            require_alike(learner, DOCUMENTS)
    assert float((found[0] - found[1]).norm() / found[1].norm()) < 1e-4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("architecture", "config", "instead", "why"),
    [
        ("gpt2", {"resid_pdrop": 0.1}, "packed", "it drops at random in training"),
        ("gpt_neo", {}, "bucketed", "what is compiled reads documents packed, as this model does not"),
    ],
)
def test_what_cannot_be_compiled_is_read_as_ever_and_said(architecture, config, instead, why, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="sayso"):
        learner = learner_of(tmp_path, architecture, config, compiled=True)
    assert learner.reader.name == instead
    assert f"{instead} reading, for compiled reading differs ({why})" in caplog.text


def test_without_a_compiler_it_is_read_as_ever_and_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "no-such-compiler")
    with caplog.at_level(logging.WARNING, logger="sayso"):
        learner = learner_of(tmp_path, compiled=True)
    assert learner.reader.name == "packed"
    assert "packed reading, for compiled reading differs" in caplog.text
    assert "no-such-compiler" in caplog.text


def test_compiled_code_that_is_wrong_in_bfloat16_is_not_used(tmp_path, caplog, monkeypatch):
    """As it might be on a GPU: in float32 all is well."""
    monkeypatch.setattr("sayso.learners.single.packed.compiled_twin", lambda own, _name: own)
    monkeypatch.setattr("sayso.learners.single.proving.has_bfloat16", lambda _device: True)
    loss = PackedReader.loss

    def wrong(reader: PackedReader, *given: Any) -> torch.Tensor:
        found = loss(reader, *given)
        return found * 1.5 if reader.name == "compiled" and torch.is_autocast_enabled("cpu") else found

    assert learner_of(tmp_path / "right", compiled=True).reader.name == "compiled"
    monkeypatch.setattr(PackedReader, "loss", wrong)
    with caplog.at_level(logging.WARNING, logger="sayso"):
        assert learner_of(tmp_path / "wrong", compiled=True).reader.name == "packed"
    assert "compiled reading differs (in bfloat16, a gradient off by 50%)" in caplog.text
