"""Exact match: the share of questions whose greedy completion is an accepted answer (section 2 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sayso.core.measure import Measure, Moment, Score


class ExactMatch(Measure):
    """Share of greedy completions that are an accepted answer, between 0 and 1, by evaluation set and subset."""

    name: ClassVar[str] = "exact_match"

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the share of matches of each replica; NaN where there is nothing to ask."""
        for eval_set, subset in eval_sets:
            for replica, scores in enumerate(moment.scores(eval_set, subset)):
                value = float(scores.match.mean()) if len(scores.match) else float("nan")
                yield Score(replica, eval_set, subset, value, len(scores.match))
