"""Alignment against plain loops over pairs of documents."""

import itertools
from typing import Any

import numpy as np
import pytest

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.named import measure_named
from sayso.measures.step_effect import StepEffect
from sayso.measures.told import Told, told
from sayso.paper.pocket_settings import POCKET
from tests.measures.gradients_by_text import EVAL_SETS, ByText, gradient, moment

SUBSETS = ("D5cons", "D6cons")


def values(measure: GradientAlignment) -> Any:
    at = moment(3, 4)
    return {
        (score.replica, score.subset, score.eval_set, score.what): (score.value, score.n)
        for score in measure.measure(at, EVAL_SETS)
    }


def metrics(first: Any, second: Any) -> Any:
    inner = first @ second
    return {
        "cosine": inner / (np.linalg.norm(first) * np.linalg.norm(second)),
        "inner product": inner,
        "squared distance": ((first - second) ** 2).sum(),
    }


def items(replica: int, subset: str) -> list[Told]:
    return told(moment(3, 4), replica, subset, ("train_qa", "validation"))


def cosine(one: Example, other: Example) -> Any:
    return metrics(gradient(one), gradient(other))["cosine"]


@pytest.mark.parametrize("all_pairs", [False, True])
@pytest.mark.parametrize("subset", SUBSETS)
def test_own_pairs_are_averaged_as_in_the_paper(all_pairs, subset):
    found = values(GradientAlignment(all_pairs=all_pairs))
    for replica, what in itertools.product((0, 1), ("cosine", "inner product", "squared distance")):
        by_definition = [
            np.mean([metrics(gradient(item.definition), gradient(asked))[what] for asked in item.questions])
            for item in items(replica, subset)
        ]
        value, n = found[replica, subset, "own_questions", what]
        assert value == pytest.approx(np.mean(by_definition))
        assert n == 9  # three definitions have three questions each, one has none


def test_all_pairs_tell_own_questions_from_others_and_from_those_of_other_subsets():
    found = values(GradientAlignment(all_pairs=True))
    ours, theirs = items(0, "D5cons"), items(0, "D6cons")
    own = [np.mean([cosine(item.definition, asked) for asked in item.questions]) for item in ours]
    other = [
        np.mean([cosine(item.definition, asked) for each in ours if each is not item for asked in each.questions])
        for item in ours
    ]
    across = [cosine(item.definition, asked) for item in ours for each in theirs for asked in each.questions]
    assert found[0, "D5cons", "other_questions", "cosine"] == (pytest.approx(np.mean(other)), 18)
    contrast = np.mean(np.subtract(own, other))
    assert found[0, "D5cons", "own_less_other_questions", "cosine"] == (pytest.approx(contrast), 3)
    assert found[0, "D5cons", "questions_of.D6cons", "cosine"] == (pytest.approx(np.mean(across)), 27)


@pytest.mark.parametrize("all_pairs", [False, True])
def test_norms_and_covariance_are_those_of_a_subset_s_documents(all_pairs):
    found = values(GradientAlignment(all_pairs=all_pairs))
    told_of = items(1, "D6cons")
    definitions = np.array([gradient(item.definition) for item in told_of])
    questions = np.array([gradient(asked) for item in told_of for asked in item.questions])
    for eval_set, whole in (("definitions", definitions), ("questions", questions)):
        for what, order in (("L1 norm", 1), ("L2 norm", 2), ("Linf norm", np.inf)):
            expected = np.linalg.norm(whole, order, axis=1).mean()
            assert found[1, "D6cons", eval_set, what] == (pytest.approx(expected), len(whole))
    both = np.concatenate([definitions, questions])
    trace = np.trace(np.cov(both.T, bias=True))
    assert found[1, "D6cons", "documents", "covariance trace"] == (pytest.approx(trace), 12)


def test_layers_add_up():
    found = values(GradientAlignment(by_layer=True))
    for what in ("cosine", "inner product"):
        parts = [found[0, "D5cons", "own_questions", f"{what}, {layer}"][0] for layer in ("layer 1", "output")]
        assert sum(parts) == pytest.approx(found[0, "D5cons", "own_questions", what][0])


def test_most_takes_the_first_definitions():
    assert values(GradientAlignment(most=2))[0, "D5cons", "own_questions", "cosine"][1] == 6


def test_details_are_a_row_a_definition_and_cost_no_second_comparison():
    learner = ByText()
    at = moment(3, learner=learner)
    measure = GradientAlignment(all_pairs=True)
    scores = list(measure.measure(at, EVAL_SETS))
    rows = [row for _, row in measure.details(at, EVAL_SETS)]
    assert learner.calls == 1
    assert [row["subset"] for row in rows] == ["D5cons"] * 3 + ["D6cons"] * 3
    own = {(score.subset, score.what): score.value for score in scores if score.eval_set == "own_questions"}
    for subset in SUBSETS:
        mine = [row for row in rows if row["subset"] == subset]
        assert np.mean([row["cosine"] for row in mine]) == pytest.approx(own[subset, "cosine"], abs=1e-5)
        cosines = [row["cosine with the questions of"][row["alias"]] for row in mine]
        assert cosines == pytest.approx([row["cosine"] for row in mine], abs=1e-5)
        assert len(mine[0]["cosine with the questions of"]) == 6


def test_only_subsets_that_are_measured_are_taken():
    given = [pair for pair in EVAL_SETS if pair[1] == "D6cons"]
    assert {score.subset for score in GradientAlignment().measure(moment(3), given)} == {"D6cons"}


@pytest.mark.parametrize("measure", [GradientAlignment(questions=("nothing",)), StepEffect(questions=("nothing",))])
def test_a_subset_without_questions_is_one_line(measure):
    with pytest.raises(
        SaysoError, match=r"^subset D5cons has no questions in nothing; set the measure.s questions to some"
    ):
        list(measure.measure(moment(3), EVAL_SETS))


@pytest.mark.parametrize(
    ("subset", "why"), [("QA3", "has no definitions in documents of their own"), ("D7cons", "does not exist")]
)
@pytest.mark.parametrize("name", ["gradient_alignment", "step_effect"])
def test_a_subset_that_nothing_defines_is_refused_before_anything_is_trained(name, subset, why):
    with pytest.raises(SaysoError, match=f"subset {subset} {why}; set its subsets to some of D1cons_QA1, D2incons"):
        POCKET.with_settings({"measures": [{"type": type(measure_named(name)).__name__, "subsets": [subset]}]})
