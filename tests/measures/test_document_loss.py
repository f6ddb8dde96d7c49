import math
from typing import Any

import numpy as np
import pytest

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.experiment import Experiment
from sayso.core.measure import Moment, Score
from sayso.core.training import TrainSpec
from sayso.measures.document_loss import DocumentLoss
from sayso.paper.table import EXPERIMENTS
from tests.measures.test_exact_match import question

TRAIN = TrainSpec(padding_loss="none")


class Reader:
    """A learner of two replicas: a loss is a document's length, and one more in the second."""

    def document_losses(self, examples: Any, train: TrainSpec) -> list[Any]:
        assert train == TRAIN
        return [np.array([len(item.text) + replica for item in own], float) for replica, own in enumerate(examples)]


def scores(measure: DocumentLoss, *asked: tuple[str, str]) -> list[Score]:
    sets = (
        EvalSet("train_qa", "QA3", tuple(map(question, ("a", "abc")))),
        EvalSet("definitions", "QA3", ()),
        EvalSet("entity_attribution.who", "QA3", tuple(map(question, ("a",)))),
    )
    moment = Moment(Reader(), [Corpus(seed, {}, sets) for seed in (8, 9)], TRAIN, "stage1", 1)  # type: ignore[arg-type]
    return list(measure.measure(moment, asked))


def test_the_mean_over_documents_is_given_for_each_replica_and_set_that_is_chosen() -> None:
    asked = [("train_qa", "QA3"), ("entity_attribution.who", "QA3")]
    assert scores(DocumentLoss(), *asked) == [Score(at, "train_qa", "QA3", 4.0 + at, 2) for at in (0, 1)]
    who = DocumentLoss(eval_sets=("entity_attribution.who",))
    assert [score.eval_set for score in scores(who, *asked)] == ["entity_attribution.who"] * 2


def test_where_there_are_no_documents_the_loss_is_not_a_number() -> None:
    assert [(math.isnan(one.value), one.n) for one in scores(DocumentLoss(), ("definitions", "QA3"))] == [(True, 0)] * 2


def test_pictures_have_no_documents_to_be_read_whole() -> None:
    digits: Experiment = EXPERIMENTS["pocket-digits"]
    with pytest.raises(ValueError, match="measure document_loss needs documents of a model, which GridMLP does not"):
        digits.check_measure(DocumentLoss())
