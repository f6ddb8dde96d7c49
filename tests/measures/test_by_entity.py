import numpy as np

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.learner import Scores
from sayso.core.measure import Measure, Moment, Score
from sayso.core.training import TrainSpec
from sayso.measures.by_entity import ExactMatchByEntity
from sayso.measures.exact_match import ExactMatch
from sayso.measures.named import measure_named


def question(entity: str, answer: str, subset: str = "D5cons") -> Example:
    return Example("q", f" {answer}", (answer,), "question", subset, "x", entity)


class Oracle:
    """Every replica gets what is 'right'."""

    def scores(self, examples):
        return [
            Scores(np.zeros(len(own)), np.array([item.answers[0] == "right" for item in own], dtype=bool))
            for own in examples
        ]


ASKED = (
    (question("Zoë", "right"), question("Ada", "right"), question("Zoë", "wrong"), question("Zoë", "right")),
    (question("Bob", "wrong"),),
)


def moment() -> Moment:
    names = ("validation", "entity_attribution.who", "train_qa")
    corpora = [Corpus(seed, {}, tuple(EvalSet(n, "D5cons", own) for n in names)) for seed, own in enumerate(ASKED)]
    return Moment(Oracle(), corpora, TrainSpec(), "stage2", 1)  # type: ignore[arg-type]


def test_there_is_a_score_an_entity_that_a_replica_is_asked_about():
    assert list(ExactMatchByEntity().measure(moment(), [("validation", "D5cons")])) == [
        Score(0, "validation", "D5cons", 1.0, 1, "Ada"),
        Score(0, "validation", "D5cons", 2 / 3, 3, "Zoë"),
        Score(1, "validation", "D5cons", 0.0, 1, "Bob"),
    ]


def test_weighted_by_questions_they_are_exact_match():
    (whole, *_) = ExactMatch().measure(moment(), [("validation", "D5cons")])
    found = [each for each in ExactMatchByEntity().measure(moment(), [("validation", "D5cons")]) if each.replica == 0]
    assert sum(each.value * each.n for each in found) == whole.value * whole.n


def test_only_the_sets_and_subsets_asked_for_are_taken_apart():
    given = [("validation", "D5cons"), ("entity_attribution.who", "D5cons"), ("train_qa", "D5cons")]
    assert {each.eval_set for each in ExactMatchByEntity().measure(moment(), given)} == {
        "validation",
        "entity_attribution.who",
    }
    assert list(ExactMatchByEntity(subsets=("D6cons",)).measure(moment(), given)) == []


def test_it_has_a_name_and_comes_back_from_its_json():
    measure = measure_named("exact_match_by_entity")
    assert measure.when == "stage"
    assert measure.model_dump(mode="json")["type"] == "ExactMatchByEntity"
    assert Measure.model_validate(measure.model_dump(mode="json")) == measure == ExactMatchByEntity()
