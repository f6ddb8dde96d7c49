import math

import numpy as np

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.learner import Scores
from sayso.core.measure import Measure, Moment, Score
from sayso.core.training import TrainSpec
from sayso.measures.exact_match import ExactMatch


def question(answer: str) -> Example:
    return Example("q", f" {answer}", (answer,), "question", "QA3", "x", "e")


class Oracle:
    """A learner of two replicas: the first gets what is 'right', the second nothing; a loss is an answer's length."""

    def __init__(self) -> None:
        self.asked = 0

    def scores(self, examples):
        self.asked += 1
        return [
            Scores(
                loss=np.array([float(len(item.answers[0])) for item in own]),
                match=np.array([replica == 0 and item.answers[0] == "right" for item in own], dtype=bool),
            )
            for replica, own in enumerate(examples)
        ]


def moment() -> Moment:
    sets = (
        EvalSet("validation", "QA3", tuple(map(question, ("right", "wrong", "right", "wrong")))),
        EvalSet("validation", "QA7", tuple(map(question, ("wrong",)))),
        EvalSet("train_qa", "QA3", ()),
    )
    return Moment(Oracle(), [Corpus(seed, {}, sets) for seed in (8, 9)], TrainSpec(), "stage1", 1)  # type: ignore[arg-type]


def test_the_share_of_matches_is_given_for_each_replica_and_set():
    found = list(ExactMatch().measure(moment(), [("validation", "QA3"), ("validation", "QA7")]))
    assert found == [
        Score(0, "validation", "QA3", 0.5, 4),
        Score(1, "validation", "QA3", 0.0, 4),
        Score(0, "validation", "QA7", 0.0, 1),
        Score(1, "validation", "QA7", 0.0, 1),
    ]


def test_where_nothing_is_asked_the_share_is_not_a_number():
    found = list(ExactMatch().measure(moment(), [("train_qa", "QA3")]))
    assert [(score.replica, math.isnan(score.value), score.n) for score in found] == [(0, True, 0), (1, True, 0)]


def test_measures_at_one_moment_share_their_scores():
    from sayso.measures.losses import MeanLoss

    now = moment()
    for measure in (ExactMatch(), MeanLoss()):
        list(measure.measure(now, [("validation", "QA3")]))
    assert now.learner.asked == 1  # type: ignore[attr-defined]


def test_a_measure_comes_back_from_its_json():
    measure = ExactMatch(when="stage")
    again = Measure.model_validate(measure.model_dump(mode="json"))
    assert again == measure
    assert (again.name, again.when) == ("exact_match", "stage")
