"""F1, predictions and exact match by kind of question, from what a learner says."""

import math
from dataclasses import replace

import numpy as np

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.learner import Scores
from sayso.core.measure import Measure, Moment, Score
from sayso.core.training import TrainSpec
from sayso.measures.by_attribute import ExactMatchByAttribute
from sayso.measures.f1 import F1
from sayso.measures.predictions import Predictions


def question(attribute: str, *answers: str) -> Example:
    return Example(f"{attribute}?", f" {answers[0]}\n", answers, "question", "QA3", "x", "e", attribute)


class Parrot:
    """Says 'old queen' to everything; in its second replica, nothing."""

    def __init__(self) -> None:
        self.asked = 0

    def answers(self, examples):
        self.asked += 1
        return [["" if replica else "old queen"] * len(own) for replica, own in enumerate(examples)]

    def scores(self, examples):
        return [
            Scores(
                np.full(len(own), 0.5), np.array([not replica and "old queen" in item.answers for item in own], bool)
            )
            for replica, own in enumerate(examples)
        ]


def moment() -> Moment:
    asked = (
        question("born", "queen", "king"),
        question("did", "the old queen!", "old queen"),
        question("did", "actor"),
    )
    sets = (
        EvalSet("validation", "QA3", asked),
        EvalSet("definitions", "QA3", asked[:1]),
        EvalSet("train_qa", "QA7", ()),
    )
    corpora = [Corpus(seed, {}, sets) for seed in (8, 9)]
    less = replace(corpora[1], eval_sets=(EvalSet("validation", "QA3", asked[1:]), *sets[1:]))
    return Moment(Parrot(), [corpora[0], less], TrainSpec(), "stage1", 1)  # type: ignore[arg-type]


def test_f1_is_averaged_over_questions():
    first, second, *none = F1().measure(moment(), [("validation", "QA3"), ("train_qa", "QA7")])
    assert (first.value, first.n) == ((2 / 3 + 1 + 0) / 3, 3)
    assert second == Score(1, "validation", "QA3", 0.0, 2)
    assert all(math.isnan(score.value) and score.n == 0 for score in none)


def test_predictions_hold_all_that_scores_are_made_of():
    now = moment()
    measure = Predictions()
    assert list(measure.measure(now, [("validation", "QA3")])) == []
    rows = list(measure.details(now, [("validation", "QA3"), ("definitions", "QA3")]))
    assert [replica for replica, _ in rows] == [0, 1]
    assert rows[0][1] == {
        "eval_set": "validation",
        "subset": "QA3",
        "attribute": ["born", "did", "did"],
        "alias": ["x"] * 3,
        "prompt": ["born?", "did?", "did?"],
        "answers": [["queen", "king"], ["the old queen!", "old queen"], ["actor"]],
        "said": ["old queen"] * 3,
        "match": [False, True, False],
        "f1": [0.666667, 1.0, 0.0],
        "loss": [0.5] * 3,
    }
    list(F1().measure(now, [("validation", "QA3")]))
    assert now.learner.asked == 1  # type: ignore[attr-defined]


def test_kinds_of_questions_are_taken_apart():
    found = list(ExactMatchByAttribute().measure(moment(), [("validation", "QA3"), ("definitions", "QA3")]))
    assert [(score.replica, score.eval_set, score.n) for score in found] == [
        (0, "validation.born", 1),
        (1, "validation.born", 0),
        (0, "validation.did", 2),
        (1, "validation.did", 2),
    ]
    assert [score.value for score in found if score.n] == [0.0, 0.5, 0.0]
    assert math.isnan(found[1].value)


def test_these_measures_come_back_from_their_json():
    for measure in (F1(), Predictions(eval_sets=("validation",)), ExactMatchByAttribute(when="stage")):
        assert Measure.model_validate(measure.model_dump(mode="json")) == measure
    assert (F1().when, Predictions().when, ExactMatchByAttribute().when) == ("stage", "stage", "epoch")
