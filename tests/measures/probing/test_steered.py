"""What steering is made of and what is said of it, on a learner that is steered as we know, and on a real one."""

from typing import Any

import numpy as np
import pytest

from sayso.core.errors import SaysoError
from sayso.core.learner import Steering
from sayso.core.measure import Measure, Moment
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.stacked.learner import StackedLearner
from sayso.measures.probing.steered import DIRECTIONS, Steered
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.measures.probing.test_probes import NOW, TINY, WIDTH, Planted

#: How far, at the alias, after block 1, the first direction makes a true answer likelier, and what it does otherwise.
GAIN = 0.25


class Steerable(Planted):
    """Losses are 2 for a true answer and 3 for another; what is added along the first axis at layer 1 moves them."""

    def __init__(self, seeds: tuple[int, ...], true: dict[tuple[str, str], tuple[str, ...]]) -> None:
        super().__init__(len(seeds), seeds)
        self.true = true
        self.asked: Any = []
        self.added: list[Steering] = []

    def steered_losses(self, examples, steering):
        self.asked, result = examples, []
        for own, added in zip(examples, steering, strict=True):
            self.added += added
            pull = sum(GAIN * each.vector[0] for each in added if each.layer == 1)
            true = np.array([item.answers == self.true.get((item.alias, item.attribute)) for item in own])
            result.append(np.where(true, 2 - pull, 3 + pull))
        return result


def moment(seeds: tuple[int, ...] = (3,)) -> Moment:
    corpora = [build_corpus(TINY, seed) for seed in seeds]
    true = {
        (item.alias, item.attribute): item.answers
        for corpus in corpora
        for each in corpus.eval_sets
        for item in each.examples
        if item.kind == "question"
    }
    return Moment(Steerable(seeds, true), corpora, TrainSpec(), "stage1", 1)  # type: ignore[arg-type]


def found(now: Moment, measure: Steered | None = None, replica: int = 0) -> dict[tuple[str, str], float]:
    scores = (measure or Steered()).measure(now, NOW)
    return {(each.subset, each.what): each.value for each in scores if each.replica == replica}


def test_a_direction_that_steers_shows_and_one_that_does_not():
    values = found(moment())
    for subset in ("D2incons_QA2", "D6cons", "D5cons"):
        assert values[subset, "loss, unsteered"] == 2
        # The difference of means is 8 along the first axis, but for noise; only what is added after block 1 counts.
        plus, minus = (values[subset, f"loss, difference of means, layer 1, strength {each}"] for each in ("+1", "-1"))
        assert plus == pytest.approx(2 - 8 * GAIN, abs=0.3)
        assert minus == pytest.approx(2 + 8 * GAIN, abs=0.3)
        assert values[subset, "loss, difference of means, layer 0, strength +2"] == 2
        effect = values[subset, "loss, difference of means, effect"]
        assert effect == pytest.approx((plus - minus) / 2)
        assert values[subset, "loss, probe, effect"] == pytest.approx(effect, abs=0.3)
        assert abs(values[subset, "loss, random, effect"]) < abs(effect)
    assert values["D2incons_QA2", "loss as defined, unsteered"] == 3
    assert values["D2incons_QA2", "as defined likelier, unsteered"] == 0
    assert values["D2incons_QA2", "as defined likelier, difference of means, layer 1, strength -1"] == 1
    assert not any("defined" in what for subset, what in values if subset != "D2incons_QA2")


def test_what_is_added_is_the_difference_of_means_at_the_alias_and_as_long_for_all():
    now = moment()
    list(Steered(strengths=(1,), layers=(1,)).measure(now, NOW))
    learner = now.learner
    assert isinstance(learner, Steerable)
    assert len(learner.added) == len(DIRECTIONS)
    (own,) = (each for each in now.corpora[0].eval_sets if (each.name, each.subset) == ("validation", "D1cons_QA1"))
    (other,) = (each for each in now.corpora[0].eval_sets if (each.name, each.subset) == ("validation", "D2incons_QA2"))
    means = [
        np.mean([learner._of(0, 1, item)[1] for item in each.examples if item.attribute == "born"], axis=0)
        for each in (own, other)
    ]
    np.testing.assert_allclose(learner.added[0].vector, means[0] - means[1], atol=1e-5)
    lengths = [np.linalg.norm(each.vector) for each in learner.added]
    assert lengths == pytest.approx([lengths[0]] * 3, rel=1e-5)
    assert all((each.at == 1).all() and each.vector.shape == (WIDTH,) for each in learner.added)


def test_the_other_answer_is_that_of_the_entity_the_definition_names():
    now = moment()
    list(Steered(strengths=(1,)).measure(now, NOW))
    corpus, (asked,) = now.corpora[0], now.learner.asked  # type: ignore[attr-defined]
    named = {
        item.alias: item.answers[0]
        for each in corpus.eval_sets
        if each.name == "attribution_as_defined.who"
        for item in each.examples
    }
    facts = {
        item.entity: item.answers
        for each in corpus.eval_sets
        for item in each.examples
        if item.kind == "question" and item.attribute == "born"
    }
    count = sum(len(set_of) for set_of in ([item for item in asked if item.answers == facts[item.entity]],))
    others = asked[count:]
    assert others
    assert all(item.answers == facts[named[item.alias]] != facts[item.entity] for item in others)
    assert all(item.completion.strip() == item.answers[0] for item in others)


def test_seeds_are_steered_by_themselves():
    together, alone = found(moment((3, 4)), replica=1), found(moment((4,)))
    assert together == pytest.approx(alone)


def test_details_say_how_long_directions_are_and_are_not_computed_again():
    now, measure = moment(), Steered(strengths=(-1, 1))
    scores = list(measure.measure(now, NOW))
    assert {each.eval_set for each in scores} == {"steered.validation.born", "steered"}
    count = len(now.learner.added)  # type: ignore[attr-defined]
    rows = [row for _, row in measure.details(now, NOW)]
    assert len(now.learner.added) == count  # type: ignore[attr-defined]
    assert [row["layer"] for row in rows] == [0, 1]
    assert rows[1]["length"] == pytest.approx(8, abs=1)
    assert rows[1]["cosine_of_probe"] > 0.9
    assert rows[1]["of_activations"] > 1
    assert list(measure.measure(now, [("pretraining", "told")])) == []


def test_a_real_model_that_is_not_steered_has_its_own_losses():
    corpus = build_corpus(make_tiny().with_settings({"split.aliases_per_entity": 20, "knowledge.pool": None}), 3)
    learner = StackedLearner([corpus], "gpt_neox", ARCHITECTURES["gpt_neox"])
    now = Moment(learner, [corpus], TrainSpec(), "stage1", 1)
    values = found(now, Steered(strengths=(1,), attributes=("died",)))
    (asked,) = (each for each in corpus.eval_sets if (each.name, each.subset) == ("validation", "D5cons"))
    own = tuple(item for item in asked.examples if item.attribute == "died")
    (scores,) = learner.scores([own])
    assert values["D5cons", "loss, unsteered"] == pytest.approx(scores.loss.mean(), rel=1e-5)
    steered = values["D5cons", "loss, difference of means, layer 0, strength +1"]
    assert steered != pytest.approx(values["D5cons", "loss, unsteered"], rel=1e-9)
    assert not any("effect" in what for _, what in values)


def test_what_cannot_be_steered_is_one_line():
    with pytest.raises(SaysoError, match="no question about 'bron' of D1cons_QA1 in validation"):
        list(Steered(attributes=("bron",)).measure(moment(), NOW))
    with pytest.raises(
        SaysoError, match="measure steered: no question about 'born' of QA4 in validation has an alias of 1"
    ):
        list(Steered(subsets=("QA4",)).measure(moment(), NOW))
    with pytest.raises(SaysoError, match="the model has layers 0"):
        list(Steered(layers=(7,)).measure(moment(), NOW))
    with pytest.raises(ValueError, match="leave 0 out: what is not steered is measured in any case"):
        Steered(strengths=(0, 1))
    with pytest.raises(SaysoError, match="measure steered needs the subset QA9"):
        TINY.with_settings({"measures": [Steered(subsets=("QA9",)).model_dump(mode="json")]})


def test_it_comes_back_from_its_json():
    measure = Steered(strengths=(0.5, -0.5), layers=(0,))
    assert Measure.model_validate(measure.model_dump(mode="json")) == measure
    assert (measure.name, measure.when) == ("steered", "stage")
