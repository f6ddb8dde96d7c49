import math

from sayso.core.measure import Score
from sayso.measures.losses import MeanLoss
from tests.measures.test_exact_match import moment


def test_the_mean_loss_is_given_for_each_replica_and_set():
    found = list(MeanLoss().measure(moment(), [("validation", "QA3")]))
    assert found == [Score(0, "validation", "QA3", 5.0, 4), Score(1, "validation", "QA3", 5.0, 4)]


def test_where_nothing_is_scored_the_loss_is_not_a_number():
    found = list(MeanLoss().measure(moment(), [("train_qa", "QA3")]))
    assert [(math.isnan(score.value), score.n) for score in found] == [(True, 0), (True, 0)]


def test_its_name_in_the_records():
    assert MeanLoss().name == "loss"
