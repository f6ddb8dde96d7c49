"""Belief by hand: forced choice, ranks and log-odds of planted log-probabilities, and what calibration takes off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Assignment, Example
from sayso.core.learner import Scores
from sayso.core.measure import Moment, Score
from sayso.core.training import TrainSpec
from sayso.measures.belief import Belief
from sayso.measures.choices import Choices

COLUMN = ("red", "green", "blue")


def asked(alias: str, answer: str, subset: str, rival: str = "", attribute: str = "colour") -> Example:
    return Example(
        f"{attribute} {alias} ?", f" {answer}", (answer,), "question", subset, alias, "x", attribute, "", rival
    )


class Planted:
    """Gives log-probabilities by alias and candidate; those not planted are -5."""

    replicas = 1

    def __init__(self, told: Mapping[tuple[str, str], float]) -> None:
        self.told, self.passes = told, 0

    def scores(self, examples: Sequence[Sequence[Example]], candidates: Any = None) -> list[Scores]:
        (own,) = examples
        self.passes += 1
        choices: list[NDArray[np.float64]] | None = None
        if candidates is not None:
            choices = [
                np.array([self.told.get((example.alias, text), -5.0) for text in texts])
                for example, texts in zip(own, candidates[0], strict=True)
            ]
        return [Scores(np.zeros(len(own)), np.zeros(len(own), dtype=bool), choices=choices)]


def corpus(*sets: EvalSet) -> Corpus:
    assignments = tuple(
        Assignment(example.alias, 0, item.subset, None if item.subset == "QA7" else "reliable", 0)
        for item in sets
        for example in item.examples
    )
    return Corpus(7, {}, sets, assignments=assignments)


def numbers(own: Corpus, told: Mapping[tuple[str, str], float], **settings: Any) -> dict[tuple[str, str], Score]:
    moment = Moment(Planted(told), [own], TrainSpec(), "stage2", 5)  # type: ignore[arg-type]
    pairs = [(item.name, item.subset) for item in own.eval_sets]
    return {(score.subset, score.what): score for score in Belief(**settings).measure(moment, pairs)}


QA7 = EvalSet("validation", "QA7", tuple(asked(f"u{at}", text, "QA7") for at, text in enumerate(COLUMN)))


def test_forced_choice_rank_and_log_odds_of_one_question():
    own = corpus(EvalSet("validation", "D5cons", (asked("a", "red", "D5cons"),)), QA7)
    found = numbers(own, {("a", "red"): -1.0, ("a", "green"): -2.0, ("a", "blue"): -3.0})
    assert found["D5cons", "accuracy"].value == 1
    assert found["D5cons", "reciprocal_rank"].value == 1
    assert found["D5cons", "log_odds"].value == pytest.approx(-1 - np.log(np.exp(-2) + np.exp(-3)))
    assert found["D5cons", "accuracy"].n == 1
    assert found["QA7", "accuracy"].value == pytest.approx(1 / 3)  # three alike
    assert ("D5cons", "versus") not in found


def test_what_is_said_of_any_alias_is_taken_off():
    own = corpus(EvalSet("validation", "D5cons", (asked("a", "red", "D5cons"),)), QA7)
    told = {("a", "red"): -2.0, ("a", "green"): -1.0, ("a", "blue"): -3.0}
    told |= {(f"u{at}", text): {"red": -3.0, "green": -0.5, "blue": -3.0}[text] for at in range(3) for text in COLUMN}
    found = numbers(own, told)
    assert found["D5cons", "accuracy"].value == 0
    assert found["D5cons", "calibrated_accuracy"].value == 1
    odds = 1.0 - np.log(np.exp(-0.5) + np.exp(0.0))
    assert found["D5cons", "calibrated_log_odds"].value == pytest.approx(odds)


def test_a_habit_of_saying_yes_is_worth_nothing():
    generator = np.random.default_rng(0)
    items: list[Example] = []
    told: dict[tuple[str, str], float] = {}
    for at in range(40):
        answer = ("Yes", "No")[at % 2]
        items.append(asked(f"a{at}", answer, "D5cons", attribute="in"))
        told |= {(f"a{at}", "Yes"): -0.1 + generator.normal(0, 0.01), (f"a{at}", "No"): -3.0}
    undefined = tuple(asked(f"u{at}", ("Yes", "No")[at % 2], "QA7", attribute="in") for at in range(10))
    told |= {(f"u{at}", text): {"Yes": -0.1, "No": -3.0}[text] for at in range(10) for text in ("Yes", "No")}
    sure = corpus(EvalSet("validation", "D5cons", tuple(items[::2])), EvalSet("validation", "QA7", undefined))
    found = numbers(sure, told)  # only questions whose answer is yes
    assert found["D5cons", "accuracy"].value == 1
    assert found["D5cons", "log_odds"].value == pytest.approx(2.9, abs=0.05)
    assert found["D5cons", "calibrated_log_odds"].value == pytest.approx(0, abs=0.05)


def test_the_rival_answer_is_compared_where_there_is_one():
    items = (asked("a", "red", "both", "blue"), asked("b", "red", "both", "green"), asked("c", "red", "both"))
    told = {("a", "red"): -1.0, ("a", "blue"): -2.0, ("b", "red"): -3.0, ("b", "green"): -1.0}
    found = numbers(corpus(EvalSet("validation", "both", items), QA7), told)
    assert found["both", "versus"].value == 0.5
    assert found["both", "versus_log_odds"].value == pytest.approx((1.0 - 2.0) / 2)
    assert found["both", "versus"].n == 2
    assert found["both", "calibrated_versus"].n == 2


def test_a_rival_that_is_nobody_elses_answer_is_calibrated_too():
    own = corpus(EvalSet("validation", "both", (asked("a", "red", "both", "mauve"),)), QA7)
    told = {("a", "red"): -2.0, ("a", "mauve"): -1.0} | {(f"u{at}", "mauve"): -2.0 for at in range(3)}
    found = numbers(own, told)
    assert found["both", "versus_log_odds"].value == -1
    assert found["both", "calibrated_versus_log_odds"].value == pytest.approx((-2 + 5) - (-1 + 2))
    assert found["both", "calibrated_versus"].value == 1


def test_scores_and_candidates_are_had_in_one_pass_and_other_candidates_in_another():
    own = corpus(EvalSet("validation", "D5cons", (asked("a", "red", "D5cons"),)))
    learner = Planted({("a", "red"): -1.0, ("a", "green"): -2.0})
    moment = Moment(learner, [own], TrainSpec(), "stage2", 5)  # type: ignore[arg-type]
    for _ in range(2):
        ((values,),) = moment.chosen("validation", "D5cons", [[["red", "green"]]])
        np.testing.assert_array_equal(values, [-1.0, -2.0])
    moment.scores("validation", "D5cons")
    assert learner.passes == 1
    ((values,),) = moment.chosen("validation", "D5cons", [[["green"]]])
    np.testing.assert_array_equal(values, [-2.0])
    assert learner.passes == 2


def test_without_undefined_aliases_nothing_is_calibrated():
    found = numbers(
        corpus(EvalSet("validation", "D5cons", (asked("a", "red", "D5cons"), asked("b", "blue", "D5cons")))), {}
    )
    assert {what for _, what in found} == {"accuracy", "reciprocal_rank", "log_odds"}


def test_sets_that_were_not_asked_for_are_left_out_and_single_answers_too():
    sets = (
        EvalSet("train_qa", "D1cons_QA1", (asked("a", "green", "D1cons_QA1"),)),
        EvalSet("validation", "QA7", QA7.examples[:1]),
    )
    assert numbers(corpus(*sets), {}, eval_sets=("validation",))["QA7", "accuracy"].n == 1
    alone = corpus(EvalSet("validation", "D5cons", (asked("a", "only", "D5cons", attribute="one"),)))
    assert numbers(alone, {}) == {}


def test_candidates_are_the_same_for_a_kind_of_question_but_for_its_own_answers():
    answers = [f"v{at}" for at in range(30)]
    items = tuple(asked(f"a{at}", text, "D5cons", answers[at - 1]) for at, text in enumerate(answers))
    choices = Choices(corpus(EvalSet("validation", "D5cons", items)), 8)
    lists = [choices.of(item) for item in items]
    for item, own in zip(items, lists, strict=True):
        assert own[:2] == [item.answers[0], item.rival]
        assert len(own) == len(set(own)) == 8
        assert set(choices.with_column(item)) == set(answers)
        assert choices.with_column(item)[:8] == own
    others = [set(own[2:]) for own in lists]
    assert len(set.union(*others)) <= 10  # six, and what stands in for a question's own answers


@pytest.mark.parametrize(("control", "message"), [("QA8", "no subset 'QA8'"), ("D5cons", "control D5cons is defined")])
def test_a_control_that_is_not_there_or_defined_is_refused(control, message):
    with pytest.raises(ValueError, match=message):
        Belief(control=(control,)).check(["D5cons", "QA7"], ["D5cons"])
