"""The ledger against a loop that takes the steps one by one and finds out what each document weighs in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.ledger import Contribution
from sayso.core.legs import Leg, legs
from sayso.core.subsets import TABLE_1
from sayso.data.build import build_corpus
from sayso.data.formats import QuestionAndAnswer, WordOrder
from sayso.learners.grids.learner import GridLearner
from sayso.learners.ledger import contributions
from sayso.learners.order import Step
from sayso.learners.single.learner import build
from sayso.learners.specs import HFModel
from sayso.learners.stacked.learner import StackedLearner
from sayso.learners.updates import Training
from sayso.paper.table import EXPERIMENTS
from tests.conftest import make_tiny
from tests.data.plain_facts import PlainFacts
from tests.learners.conftest import ARCHITECTURES
from tests.tiny_models import save_tiny

SEEDS = (3, 4)
TINY = make_tiny().with_settings(
    {"stages.stage1.epochs": 2, "split.trained_questions": 1, "train.batch_size": 40, "stages.stage2.epochs": 2}
)
REPLAYING = TINY.with_settings({"stages.stage1.replay": 0.25, "stages.stage1.replay_from": ("world",)})
SAMPLING = TINY.with_settings({"train.sampling": {"steps_per_epoch": 5, "definition_share": 0.3}})

#: Without dropout, which would treat documents differently alone and in a batch.
CALM: dict[str, Any] = {"dropout_rate": 0.0}

#: Gives what every document of a step weighs in its loss, shape (replicas, rows).
Weigh = Callable[[Step], NDArray[np.float64]]


def leg_of(experiment: Experiment, stage: str) -> Leg:
    return next(leg for leg in legs(experiment) if leg.stage.name == stage)


def documents_of(corpus: Corpus, leg: Leg) -> tuple[list[tuple[str, Example]], list[tuple[str, Example]]]:
    """Documents of a stage with their parts, and those it replays."""

    def of(parts: tuple[str, ...]) -> list[tuple[str, Example]]:
        return [(part, item) for part in parts for item in corpus.train[part]]

    return of(leg.stage.documents), of(leg.stage.replay_from)


def training_of(learner: Any, experiment: Experiment, corpora: list[Corpus], leg: Leg) -> Training:
    training: Training = learner.training(
        [corpus.documents(leg.stage.documents) for corpus in corpora],
        experiment.train_spec(leg.stage),
        stage=leg.label,
        epochs=leg.stage.epochs,
        replay=[corpus.documents(leg.stage.replay_from) for corpus in corpora] if leg.stage.replay else None,
        replay_share=leg.stage.replay,
    )
    return training


def counted_by_hand(
    training: Training, corpora: list[Corpus], leg: Leg, weigh: Weigh
) -> dict[tuple[int, str, str, str], tuple[int, float, float]]:
    """Documents, share of the loss and place by seed, part, subset and kind."""
    seen: dict[tuple[int, str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for epoch in range(leg.stage.epochs):
        steps = list(training.order.epoch(epoch))
        for number, step in enumerate(steps):
            weights = weigh(step)
            for replica, corpus in enumerate(corpora):
                own, again = documents_of(corpus, leg)
                rows = [own[row] for row in step.chosen[replica]] + [again[row] for row in step.repeated[replica]]
                for (part, item), weight in zip(rows, weights[replica], strict=True):
                    place = (number + 0.5) / len(steps)
                    seen[corpus.seed, part, item.subset, item.kind].append((weight, place))
    updates = leg.stage.epochs * training.order.steps
    return {
        key: (len(rows), sum(weight for weight, _ in rows) / updates, sum(place for _, place in rows) / len(rows))
        for key, rows in seen.items()
    }


def check(found: list[Contribution], expected: dict[tuple[int, str, str, str], tuple[int, float, float]]) -> None:
    by_key = {(each.seed, each.part, each.subset, each.kind): each for each in found}
    assert len(by_key) == len(found)
    assert by_key.keys() == expected.keys()
    for key, (documents, share, place) in expected.items():
        assert by_key[key].documents == documents, key
        assert by_key[key].share == pytest.approx(share, abs=1e-4), key
        assert by_key[key].place == pytest.approx(place, abs=1e-6), key
    for seed in {each.seed for each in found}:
        assert sum(each.share for each in found if each.seed == seed) == pytest.approx(1, abs=1e-5)


def of_equal_logits(learner: Any, training: Training, one_loss: float) -> Weigh:
    """Weights of a learner whose every token, or cell, has one loss: what a document adds is then its weight."""
    with torch.no_grad():
        for parameter in learner.parameters.values():
            parameter.zero_()

    def weigh(step: Step) -> NDArray[np.float64]:
        with torch.no_grad():
            pieces = [piece.double().numpy() for piece in training._losses(step, 1)]
        return np.stack(pieces, axis=1) / one_loss

    return weigh


@pytest.mark.parametrize(
    ("experiment", "stage", "loss_on", "architecture"),
    [
        (TINY, "stage0", "all", "gpt_neox"),
        (TINY, "stage1", "all", "gpt_neox"),
        (TINY, "stage2", "completion", "gpt_neox"),
        (REPLAYING, "stage1", "completion", "gpt_neox"),
        (SAMPLING, "stage1", "all", "gpt_neox"),
        (TINY, "stage1", "all", "t5"),
    ],
)
def test_side_by_side_shares_are_the_weights_of_documents(experiment, stage, loss_on, architecture):
    experiment = experiment.with_settings({"train.loss_on": loss_on})
    corpora, leg = [build_corpus(experiment, seed) for seed in SEEDS], leg_of(experiment, stage)
    learner = StackedLearner(corpora, architecture, ARCHITECTURES[architecture])
    training = training_of(learner, experiment, corpora, leg)
    found = contributions(corpora, leg, experiment.train_spec(leg.stage), learner.lengths())
    weigh = of_equal_logits(learner, training, np.log(len(learner.tokenizers[0])))
    check(found, counted_by_hand(training, corpora, leg, weigh))


@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_shares_of_pictures_are_the_weights_of_documents(loss_on):
    experiment = EXPERIMENTS["pocket-digits"].with_settings(
        {
            "knowledge.entities": 24,
            "train.loss_on": loss_on,
            "train.batch_size": 16,
            "train.sampling.steps_per_epoch": 5,
            "stages.joint.epochs": 2,
            "model": {"type": "GridMLP", "width": 8, "depth": 1},
        }
    )
    corpora, (leg,) = [build_corpus(experiment, seed) for seed in SEEDS], legs(experiment)
    learner = experiment.model.build(corpora)
    assert isinstance(learner, GridLearner)
    training = training_of(learner, experiment, corpora, leg)
    found = contributions(corpora, leg, experiment.train, learner.lengths())
    assert {each.counted / each.documents for each in found} == ({9.0} if loss_on == "all" else {1.0, 9.0})
    check(found, counted_by_hand(training, corpora, leg, of_equal_logits(learner, training, np.log(9))))


def gradient(model: Any, pieces: Iterator[torch.Tensor]) -> torch.Tensor:
    """Gradient of a sum of losses by all weights, flat."""
    model.zero_grad()
    for piece in pieces:
        torch.autograd.backward(piece.sum())
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]).double()


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("gpt_neox", {}),
        ("gpt_neox", {"train.loss_on": "completion"}),
        ("gpt_neox", {"train.padding_loss": "none", "model.max_new_tokens": 1}),
        ("gpt_neox", {"train.padding_loss": "all", "train.max_length": 80}),
        ("t5", {}),
    ],
)
def test_of_one_model_a_batchs_gradient_is_made_of_documents_gradients_by_their_shares(
    architecture, settings, tmp_path
):
    changes = {
        "knowledge": PlainFacts(entities=24, questions=3),
        "split": make_tiny().split.model_copy(
            update={"trained_questions": 1, "aliases_per_entity": 1, "shared_entities": False}
        ),
        "definition": WordOrder(end="\n"),
        "questions": QuestionAndAnswer(),
        "subsets": TABLE_1,
        "stages": make_tiny().stages[1:],
    }
    experiment = make_tiny().model_copy(update=changes)
    experiment = experiment.with_settings({"stages.stage1.epochs": 2, "train.batch_size": 8, **settings})
    folder = save_tiny(tmp_path, architecture, **(CALM if architecture == "t5" else {}))
    corpora, leg = [build_corpus(experiment, 3)], leg_of(experiment, "stage1")
    learner = build(corpora, HFModel(name=folder))
    train = experiment.train_spec(leg.stage)
    training = training_of(learner, experiment, corpora, leg)
    found = contributions(corpora, leg, train, learner.lengths())

    def weigh(step: Step) -> NDArray[np.float64]:
        documents = corpora[0].documents(leg.stage.documents)
        whole = gradient(learner.model, training._losses(step, None))
        each = [gradient(learner.model, iter([loss_alone(learner, documents[row], train)])) for row in step.chosen[0]]
        solved = torch.linalg.lstsq(torch.stack(each, dim=1), whole[:, None], driver="gelsd").solution
        return np.asarray(solved.T.numpy(), dtype=float)

    check(found, counted_by_hand(training, corpora, leg, weigh))
    for each in found:
        texts = [item for item in corpora[0].documents(("X1",)) if (item.subset, item.kind) == (each.subset, each.kind)]
        ended = train.padding_loss == "first_eos"
        if architecture == "gpt_neox":
            lengths = [len(learner.tokenizer(item.text)["input_ids"]) + ended for item in texts]
        else:  # the tokenizer ends both; the decoder starts with a token of its own
            lengths = [
                len(learner.tokenizer(text)["input_ids"]) for item in texts for text in (item.prompt, item.completion)
            ]
            lengths += [1] * len(texts)
        assert each.tokens == 2 * sum(lengths)


def loss_alone(learner: Any, document: Example, train: Any) -> Any:
    """The mean loss of one document as transformers works it out."""
    end, tokenizer = learner.tokenizer.eos_token_id, learner.tokenizer
    if learner.model.config.is_encoder_decoder:
        labels = torch.tensor([tokenizer(document.completion)["input_ids"]])
        given = torch.tensor([tokenizer(document.prompt)["input_ids"]])
        return learner.model(input_ids=given, labels=labels).loss
    ids = tokenizer(document.text)["input_ids"]
    padding = {"first_eos": 1, "none": 0, "all": (train.max_length or 0) - len(ids)}[train.padding_loss]
    given = torch.tensor([[*ids, *[end] * padding]])
    labels = given.clone()
    if train.loss_on == "completion":
        labels[:, : len(tokenizer(document.prompt)["input_ids"])] = -100
    attended = torch.tensor([[1] * (len(ids) + min(padding, train.padding_loss == "first_eos")) + [0] * padding])
    return learner.model(input_ids=given, attention_mask=attended[:, : given.shape[1]], labels=labels).loss


def test_a_stage_of_no_epochs_contributes_nothing():
    experiment = TINY.with_settings({"stages.stage1.epochs": 0})
    corpora, leg = [build_corpus(experiment, 3)], leg_of(experiment, "stage1")
    assert contributions(corpora, leg, experiment.train, []) == []


def test_seeds_in_other_company_contribute_the_same():
    leg = leg_of(REPLAYING, "stage1")
    train = REPLAYING.train_spec(leg.stage)

    def of(*seeds: int) -> list[Contribution]:
        corpora = [build_corpus(REPLAYING, seed) for seed in seeds]
        learner = StackedLearner(corpora, "gpt_neox", ARCHITECTURES["gpt_neox"])
        training_of(learner, REPLAYING, corpora, leg)
        return contributions(corpora, leg, train, learner.lengths())

    assert of(3, 4) == [*of(3), *of(4)]
