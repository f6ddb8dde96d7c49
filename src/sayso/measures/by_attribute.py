"""Exact match by what is asked: born, gender, nationality and so on apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from sayso.core.measure import Measure, Moment, Score


class ExactMatchByAttribute(Measure):
    """Share of accepted answers for each kind of question; the evaluation set is named ``validation.born`` and so on.

    Kinds are those of any replica; where one has no question of a kind, its value is NaN.

    Parameters
    ----------
    eval_sets
        The evaluation sets that are taken apart.
    """

    name: ClassVar[str] = "exact_match_by_attribute"
    eval_sets: tuple[str, ...] = ("validation",)

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the share of each kind of question and replica."""
        for eval_set, subset in eval_sets:
            if eval_set not in self.eval_sets:
                continue
            asked, scores = moment.examples(eval_set, subset), moment.scores(eval_set, subset)
            for attribute in sorted({item.attribute for examples in asked for item in examples}):
                for replica, examples in enumerate(asked):
                    rows = np.array([item.attribute == attribute for item in examples], dtype=bool)
                    chosen = scores[replica].match[rows]
                    value = float(chosen.mean()) if len(chosen) else float("nan")
                    yield Score(replica, f"{eval_set}.{attribute}", subset, value, len(chosen))
