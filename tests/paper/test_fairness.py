"""Subsets that a claim compares get the same training: documents, tokens, weight in the loss, places in an epoch.

Documents are equal in every seed. The rest is equal on average over seeds: differences within seeds are within five
standard errors of 0 (`STANDARD_ERRORS`), and these are so small that a difference of `WORTH` would show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sayso.core.corpus import Corpus
from sayso.core.experiment import Experiment
from sayso.core.learner import Lengths
from sayso.core.ledger import Contribution
from sayso.core.legs import Leg, legs
from sayso.core.sweep import cells
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.encoding import Encoder, lengths_of
from sayso.learners.grids.specs import GridMLP, GridModel
from sayso.learners.ledger import contributions
from sayso.learners.specs import HFModel
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.paper.table import EXPERIMENTS
from tests.data.plain_facts import PlainFacts
from tests.tiny_models import tiny_tokenizer

SEEDS = range(20, 32)
PAIRS = (
    ("D1cons_QA1", "D2incons_QA2"),
    ("D5cons", "D6cons"),
    ("D5cons", "D8cons"),
    ("D9incons_QA9", "D10cons_QA10"),
)
STANDARD_ERRORS = 5.0

#: How large a difference may stay unseen: of tokens and shares of the loss as a share of what they are, of places as
#: a share of an epoch.
WORTH = {"tokens": 0.12, "share": 0.12, "place": 0.07}

HALF = {"split.aliases_per_entity": 48}
FACTS = {"knowledge": PlainFacts(entities=300, questions=6)}

#: Experiments of the catalogue, of a sweep the cell in the middle, with what makes them small.
CASES: dict[str, dict[str, Any]] = {
    "pocket": HALF,
    "pocket-strict": {"knowledge.entities": 20},
    "pocket-control": HALF,
    "pocket-reliability": {},
    "pocket-single-stage": HALF,
    "pocket-t5": HALF,
    "pocket-in-context": HALF,
    "pocket-sentence": HALF,
    "pocket-set-inclusion": {
        "knowledge.warm_up.questions": 80,
        "knowledge.warm_up.attributions": 80,
        "split.aliases_per_entity": 80,
    },
    "pocket-digits": {"train.sampling.steps_per_epoch": 100},
    "pocket-digits-control": {"train.sampling.steps_per_epoch": 100},
    "paper-set-inclusion": {
        "split.aliases_per_entity": 4,
        "stages.stage1.epochs": 2,
        "stages.stage2.epochs": 10,
        "train.batch_size": 32,
    },
    "paper-digits": {
        "knowledge.images": "scikit-learn",
        "train.sampling.steps_per_epoch": 100,
        "stages.joint.epochs": 4,
    },
    "paper-main": FACTS,
    "paper-reliability": {"knowledge": PlainFacts(entities=400, questions=6)},
    "paper-single-stage": FACTS,
    "paper-in-context": FACTS,
}


def lengths_in(experiment: Experiment, corpora: Sequence[Corpus], leg: Leg, train: TrainSpec) -> list[Lengths]:
    """What a learner's `lengths` are in a leg, of text without making the model."""
    again = leg.stage.replay_from
    if isinstance(experiment.model, GridModel):
        learner: Any = GridMLP(width=2, depth=1).build(list(corpora))
        documents = [corpus.documents(leg.stage.documents) for corpus in corpora]
        learner.training(documents, train, stage=leg.label, epochs=leg.stage.epochs)
        found: list[Lengths] = learner.lengths()
        return found
    if isinstance(experiment.model, HFModel):
        encoders = [Encoder(tiny_tokenizer(), None)] * len(corpora)
    else:
        start = 0 if getattr(experiment.model, "architecture", "") == "t5" else None
        encoders = [Encoder(word_tokenizer(corpus.tokens), start, words=True) for corpus in corpora]
    return [
        lengths_of(encoder.for_training(corpus.documents((*leg.stage.documents, *again)), train))
        for encoder, corpus in zip(encoders, corpora, strict=True)
    ]


def small(name: str) -> Experiment:
    found = EXPERIMENTS[name].model_copy(update={"stage2_seeds": 1})
    changes = dict(CASES[name])
    if "knowledge" in changes:
        found = found.model_copy(update={"knowledge": changes.pop("knowledge")})
        changes["train.max_length"] = None
    each = [cell.experiment for cell in cells(found.with_settings(changes))]
    return each[len(each) // 2]


def ledger_of(experiment: Experiment) -> pd.DataFrame:
    """What each subset contributes in each seed; stages that train on neither X1 nor X2 are left out."""
    corpora = [build_corpus(experiment, seed) for seed in SEEDS]
    found: list[Contribution] = []
    for leg in legs(experiment):
        if leg.stage.documents != ("world",):
            train = experiment.train_spec(leg.stage)
            found += contributions(corpora, leg, train, lengths_in(experiment, corpora, leg, train))
    return pd.DataFrame(found)


def differences(table: pd.DataFrame, first: str, second: str, quantity: str) -> pd.DataFrame:
    """Differences of two subsets within seeds, and what they have on average, by stage and kind: (seeds, 2)."""
    sides = [
        table[table["subset"] == name].pivot(index="seed", columns=["stage", "kind"], values=quantity)
        for name in (first, second)
    ]
    assert sides[0].columns.equals(sides[1].columns)
    return pd.DataFrame(
        {"difference": (sides[0] - sides[1]).stack([0, 1]), "mean": (sides[0] + sides[1]).stack([0, 1]) / 2}
    )


@pytest.mark.parametrize("name", CASES)
def test_compared_subsets_get_the_same_training(name):
    experiment = small(name)
    table = ledger_of(experiment)
    sampled = experiment.train.sampling is not None
    wrong = []
    missing = {subset.name for subset in experiment.subsets} - set(table["subset"])
    assert missing <= {"QA7", *(("D5cons", "D6cons", "D8cons") if experiment.in_context is not None else ())}
    for first, second in PAIRS:
        if not {first, second} <= set(table["subset"]):
            continue
        found = differences(table, first, second, "documents")["difference"]
        if not sampled and (found != 0).any():
            wrong.append(f"{first}, {second}: {found.groupby(level=['stage', 'kind']).mean().to_dict()} documents")
            continue
        for quantity, worth in {**WORTH, **({"documents": WORTH["share"]} if sampled else {})}.items():
            for of, rows in differences(table, first, second, quantity).groupby(level=["stage", "kind"]):
                error = rows["difference"].std() / np.sqrt(len(rows))
                unit = 1.0 if quantity == "place" else rows["mean"].mean()
                if STANDARD_ERRORS * error > worth * unit:
                    wrong.append(f"{first}, {second}, {of}, {quantity}: standard error {error / unit:.4f}")
                if abs(rows["difference"].mean()) > STANDARD_ERRORS * error + 1e-9:
                    wrong.append(f"{first}, {second}, {of}, {quantity}: {rows['difference'].mean() / unit:+.4f}")
    assert wrong == []
