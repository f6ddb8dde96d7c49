"""What a step does elsewhere, against torch's and transformers' own steps on a copy, and against training."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from transformers.optimization import Adafactor

from sayso.core.learner import Update
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.grids.specs import GridMLP
from sayso.learners.stacked.learner import StackedLearner
from sayso.paper.pocket_settings import POCKET_DIGITS
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.learners.gradients.exact import plain_loss
from tests.learners.gradients.test_ways import DOCUMENTS, single

UPDATES = [Update(DOCUMENTS[0], DOCUMENTS[1:3]), Update(DOCUMENTS[3], DOCUMENTS[4:5]), Update(DOCUMENTS[3], [])]


def fitted(learner: Any, update: Update, train: TrainSpec) -> float:
    """The change of loss when a copy is trained on the document alone."""
    items = learner.documents.trained([update.document, *update.asked], train)
    own = copy.deepcopy(learner)
    before = [float(plain_loss(own.model, item)) for item in items[1:]]
    own.fit([[update.document]], train, stage="s", epochs=1)
    return float(np.mean([float(plain_loss(own.model, item)) for item in items[1:]]) - np.mean(before))


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_effects_of_one_model(optimizer, tmp_path):
    learner = single(tmp_path, "gpt_neox", scale=3.0)
    train = TrainSpec(
        optimizer=optimizer, learning_rate=1e-3, weight_decay=0.1, embedding_multiplier=2.0, max_grad_norm=0.5
    )
    ((found),) = learner.step_effects([UPDATES], train)
    assert np.isnan([found.predicted[2], found.real[2]]).all()
    for at, update in enumerate(UPDATES[:2]):
        items = learner.documents.trained([update.document, *update.asked], train)
        model = copy.deepcopy(learner.model)
        asked = torch.stack([plain_loss(model, item) for item in items[1:]]).mean()
        wanted = torch.autograd.grad(asked, list(model.parameters()))
        torch.autograd.backward(plain_loss(model, items[0]))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        embedding = model.get_input_embeddings().weight
        others = [one for one in model.parameters() if one is not embedding]
        groups: list[dict[str, Any]] = [
            {"params": [embedding], "lr": 2e-3, "weight_decay": 0.1},
            {"params": [one for one in others if one.dim() > 1], "lr": 1e-3, "weight_decay": 0.1},
            {"params": [one for one in others if one.dim() == 1], "lr": 1e-3, "weight_decay": 0.0},
        ]
        before = [one.detach().clone() for one in model.parameters()]
        if optimizer == "adafactor":
            Adafactor(groups, lr=1e-3, scale_parameter=False, relative_step=False, warmup_init=False).step()
        else:
            torch.optim.AdamW(groups).step()
        moved = zip(model.parameters(), before, wanted, strict=True)
        predicted = sum(float(((now - then) * own).sum()) for now, then, own in moved)
        real = float(torch.stack([plain_loss(model, item) for item in items[1:]]).mean() - asked)
        assert found.predicted[at] == pytest.approx(predicted, rel=1e-3)
        assert found.real[at] == pytest.approx(real, rel=1e-3, abs=1e-5)
        assert found.real[at] == pytest.approx(fitted(learner, update, train), rel=1e-3, abs=1e-5)


def test_small_steps_do_what_is_predicted(tmp_path):
    learner = single(tmp_path, "gpt_neox", scale=3.0)
    for rate, tolerance in ((1e-3, 1.0), (2e-5, 0.05)):
        (found,) = learner.step_effects([UPDATES[:2]], TrainSpec(learning_rate=rate, warmup_steps=7))
        np.testing.assert_allclose(found.real, found.predicted, rtol=tolerance, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_effects_of_replicas_are_those_of_training_each(optimizer):
    corpora = [build_corpus(make_tiny(), seed) for seed in (3, 4)]
    train = TrainSpec(optimizer=optimizer, learning_rate=1e-2, loss_on="completion")
    learner = StackedLearner(corpora, "gpt_neox", ARCHITECTURES["gpt_neox"])
    before = {name: tensor.detach().clone() for name, tensor in learner.parameters.items()}
    updates = [[Update(own.train["X1"][0], own.train["X1"][1:2])] for own in corpora]
    found = learner.step_effects(updates, train)
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.parameters.items())
    asked = [own[0].asked for own in updates]
    old = learner.scores(asked)
    learner.fit([[own[0].document] for own in updates], train, stage="s", epochs=1)
    new = learner.scores(asked)
    for effects, then, now in zip(found, old, new, strict=True):
        assert np.isfinite(effects.predicted).all()
        assert effects.real == pytest.approx(now.loss - then.loss, rel=1e-3)


def test_effects_of_grids_are_those_of_training_each():
    small = POCKET_DIGITS.with_settings({"knowledge.entities": 24, "knowledge.grid": 2, "split.trained_questions": 3})
    corpora = [build_corpus(small, seed) for seed in (3, 4)]
    learner: Any = GridMLP(width=24, depth=2).build(corpora)
    train = TrainSpec(optimizer="adamw", learning_rate=1e-4)
    updates = [[Update(own.documents(("X1",))[0], own.documents(("X1",))[:1])] for own in corpora]
    for effects in learner.step_effects(updates, train):
        assert effects.real[0] < 0
        np.testing.assert_allclose(effects.real, effects.predicted, rtol=0.2)
