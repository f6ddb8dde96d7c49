"""Exact match by entity, so that one can ask whether a difference is of these entities or of any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sayso.core.measure import Measure, Moment, Score, When


class ExactMatchByEntity(Measure):
    """Share of accepted answers about each entity, whose name is the score's `Score.what`.

    Where nothing is asked about an entity there is no number.

    Parameters
    ----------
    eval_sets
        Of evaluation sets whose names begin with one of these.
    subsets
        Of these subsets alone, for there is a record an entity, evaluation set and seed.
    """

    name: ClassVar[str] = "exact_match_by_entity"
    when: When | tuple[When, ...] = "stage"
    eval_sets: tuple[str, ...] = ("validation", "entity_attribution")
    subsets: tuple[str, ...] = ("D5cons", "D6cons")

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the share of each entity and replica, entities by name."""
        for eval_set, subset in eval_sets:
            if not eval_set.startswith(self.eval_sets) or subset not in self.subsets:
                continue
            asked, scores = moment.examples(eval_set, subset), moment.scores(eval_set, subset)
            for replica, examples in enumerate(asked):
                matches: dict[str, list[bool]] = {}
                for item, match in zip(examples, scores[replica].match.tolist(), strict=True):
                    matches.setdefault(item.entity, []).append(match)
                for entity, found in sorted(matches.items()):
                    yield Score(replica, eval_set, subset, sum(found) / len(found), len(found), entity)
