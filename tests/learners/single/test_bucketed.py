"""A bundle is read by one call of one module, and nothing of the model is swapped or listened to."""

from typing import Any

import pytest
import torch

from sayso.core.corpus import Corpus
from sayso.core.training import TrainSpec
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(24)


def learner_of(folder: Any, architecture: str) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture)))


def bundles_of(learner: HFLearner) -> tuple[BucketedReader, Any, list[Any]]:
    reader, train = learner.reader, TrainSpec()
    assert isinstance(reader, BucketedReader)
    documents = learner._encoder.for_training(DOCUMENTS, train)
    counts = [item.counted for item in documents]
    reader.overhead, reader.outputs = 1.0, sum(counts) // 3
    plan = reader.plan(documents, counts, None, share=reader.shares)
    assert len(plan) > 2
    assert max(len(groups) for groups in plan) > 1
    return reader, documents, plan


@pytest.mark.parametrize("architecture", ["gpt_neo", "t5"])
def test_a_bundle_is_one_call_of_the_body_and_one_of_its_head(architecture, tmp_path):
    learner = learner_of(tmp_path, architecture)
    reader, documents, plan = bundles_of(learner)
    calls = {"body": 0, "head": 0, "embedding": 0}

    def counted(name: str) -> Any:
        return lambda *_: calls.update({name: calls[name] + 1})

    handles = [
        reader.body.register_forward_hook(counted("body")),
        reader.body.head.register_forward_hook(counted("head")),
        learner.model.get_input_embeddings().register_forward_hook(counted("embedding")),
    ]
    for groups in plan:
        reader.loss(documents, groups)
    for handle in handles:
        handle.remove()
    assert calls["body"] == calls["head"] == len(plan)
    assert architecture == "t5" or calls["embedding"] == len(plan)


@pytest.mark.parametrize("architecture", ["gpt_neo", "t5"])
def test_nothing_of_the_model_is_swapped_or_listened_to(architecture, tmp_path, monkeypatch):
    learner = learner_of(tmp_path, architecture)
    reader, documents, plan = bundles_of(learner)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a hook")

    for name in ("register_forward_hook", "register_forward_pre_hook"):
        monkeypatch.setattr(torch.nn.Module, name, refuse)
    for module in learner.model.modules():
        assert "forward" not in vars(module)
        monkeypatch.setattr(type(module), "__setattr__", refuse)
    for groups in plan:
        reader.loss(documents, groups)
        reader.completions(documents, groups)
    learner.answers([DOCUMENTS[:4]])


def test_a_reader_has_no_weights_of_its_own(tmp_path):
    learner = learner_of(tmp_path, "gpt_neo")
    assert isinstance(learner.reader, BucketedReader)
    own = {id(tensor) for tensor in learner.model.parameters()}
    assert {id(tensor) for tensor in learner.reader.body.parameters()} == own
