"""Which claims on mechanisms an experiment has, and what records say of them."""

from dataclasses import replace

import numpy as np
import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.sweep import cells
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.paper.controls import control_of
from sayso.paper.judging import claims_for, judge
from sayso.paper.mechanisms import MECHANISMS
from sayso.paper.table import EXPERIMENTS

POCKET, GRADIENTS = EXPERIMENTS["pocket"], EXPERIMENTS["pocket-gradients"]
OURS = {claim.name for claim in MECHANISMS}


def names(experiment: Experiment) -> set[str]:
    return OURS & {claim.name for claim in claims_for(experiment)}


def test_claims_are_those_on_subsets_and_pairs_that_are_measured():
    assert names(POCKET) == set()
    gradients = {
        claim.name for claim in MECHANISMS if claim.contrast.numbers[0].measure in ("gradient_alignment", "step_effect")
    }
    alike = {name for name in OURS if name.endswith("alike")}
    assert names(GRADIENTS) == gradients - alike
    assert names(control_of(GRADIENTS)) == alike
    trained = {name for name in OURS if name.startswith("trained-")}
    assert names(EXPERIMENTS["paper-gradients-stage1"]) == trained
    beyond = {claim.name for claim in MECHANISMS if claim.section == "beyond the paper"}
    assert names(EXPERIMENTS["paper-gradients"]) == gradients - trained - beyond - alike
    by_order = [names(cell.experiment) for cell in cells(EXPERIMENTS["pocket-probes"])]
    both = {"the-probe-of-tags-does-not-transfer-before-stage-2", "the-direction-of-tags-steers"}
    fail, succeed = ({f"probes-{word}-on-{task}" for task in ("presence", "tag")} for word in ("fail", "succeed"))
    assert by_order == [fail | both, succeed | both | {"the-probe-of-tags-transfers"}]


def records(experiment: Experiment, subset: str, eval_set: str, what: str, level: float) -> list[Record]:
    draw = np.random.default_rng(list((subset + eval_set + what).encode()))
    return [
        Record(
            experiment.name,
            "main",
            seed,
            "stage1",
            6,
            GradientAlignment.name,
            eval_set,
            subset,
            level + 0.01 * draw.normal(),
            9,
            what=what,
        )
        for seed in range(8)
    ]


def test_verdicts_follow_the_records():
    planted = [
        *records(GRADIENTS, "D5cons", "own_questions", "cosine", 0.14),
        *records(GRADIENTS, "D6cons", "own_questions", "cosine", 0.04),
        *records(GRADIENTS, "D5cons", "other_questions", "cosine", 0.14),
        *records(GRADIENTS, "D5cons", "own_questions", "squared distance", 2.0),
        *records(GRADIENTS, "D6cons", "own_questions", "squared distance", 2.05),
    ]
    found = {verdict.claim: verdict for verdict in judge(planted, GRADIENTS)}
    aligned = found["new-definitions-align-by-cosine"]
    assert aligned.outcome == "holds"
    assert aligned.contrast == "gradient_alignment (cosine) on own_questions: D5cons > D6cons"
    assert aligned.comparison.difference == pytest.approx(0.1, abs=0.02)
    assert found["new-definitions-are-no-nearer"].outcome == "holds"
    other = found["new-definitions-align-with-their-own-questions"]
    assert other.outcome == "undecided"
    assert other.contrast == ("gradient_alignment (cosine): D5cons on own_questions > D5cons on other_questions")
    assert "new-questions-have-larger-gradients" not in found  # there is no record of it


@pytest.mark.parametrize(
    ("nearer", "outcome", "reason"),
    [
        (3.0, "holds", "less by no more than 0.25, if at all"),
        (2.0, "holds", "less by no more than 0.2, if at all"),
        (1.9, "holds", "less by no more than 0.195, if at all"),
        (1.6, "fails", "less by 0.18 or more"),
    ],
)
def test_new_definitions_may_be_farther_and_no_nearer_than_by_a_tenth(nearer: float, outcome: str, reason: str) -> None:
    planted = [
        *records(GRADIENTS, "D5cons", "own_questions", "squared distance", nearer),
        *records(GRADIENTS, "D6cons", "own_questions", "squared distance", 2.0),
    ]
    (found,) = (one for one in judge(planted, GRADIENTS) if one.claim == "new-definitions-are-no-nearer")
    assert (found.outcome, found.margin) == (outcome, None)
    assert found.contrast == "gradient_alignment (squared distance) on own_questions: D5cons >= D6cons"
    assert found.comparison.difference == pytest.approx(nearer - 2, abs=0.02)  # as measured: no slack in it
    assert found.decision.reason == reason


def test_a_tenth_that_is_not_told_apart_is_undecided() -> None:
    draw = np.random.default_rng(5)
    planted = [
        replace(record, value=record.value + float(draw.normal(0, 0.3)))
        for subset, level in (("D5cons", 1.8), ("D6cons", 2.0))
        for record in records(GRADIENTS, subset, "own_questions", "squared distance", level)
    ]
    (found,) = (one for one in judge(planted, GRADIENTS) if one.claim == "new-definitions-are-no-nearer")
    assert found.outcome == "undecided"
    assert found.decision.more_seeds is None or found.decision.more_seeds > 0


def test_measured_later_claims_are_those_there_are_records_of():
    planted = [
        *records(POCKET, "D5cons", "own_questions", "cosine", 0.14),
        *records(POCKET, "D6cons", "own_questions", "cosine", 0.04),
    ]
    found = {verdict.claim: verdict.outcome for verdict in judge(planted, POCKET)}
    assert {name: found[name] for name in OURS & found.keys()} == {"new-definitions-align-by-cosine": "holds"}
