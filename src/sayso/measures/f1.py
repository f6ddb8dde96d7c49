"""F1: how far the words of an answer are those of an accepted one, where exact match asks for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sayso.core.answers import f1
from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When


class F1(Measure):
    """Mean F1 of greedy answers against the best accepted one, by evaluation set and subset. Answers are decoded."""

    name: ClassVar[str] = "f1"
    needs: ClassVar[frozenset[Need]] = frozenset({"answers"})
    when: When | tuple[When, ...] = "stage"

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the mean of each replica; NaN where there is nothing to ask."""
        for eval_set, subset in eval_sets:
            asked, said = moment.examples(eval_set, subset), moment.answers(eval_set, subset)
            for replica, (examples, answers) in enumerate(zip(asked, said, strict=True)):
                values = [f1(answer, item.answers) for item, answer in zip(examples, answers, strict=True)]
                value = sum(values) / len(values) if values else float("nan")
                yield Score(replica, eval_set, subset, value, len(values))
