"""Numbers of several kinds of questions as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sayso.core.measure import Score


def over_kinds(scores: Iterable[Score]) -> Iterator[Score]:
    """Means of the scores that differ in nothing but their value and `n`, whose sum is theirs; in their order."""
    found: dict[tuple[int, str, str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.replica, score.eval_set, score.subset, score.what), []).append(score)
    for (replica, eval_set, subset, what), own in found.items():
        value = float(np.mean([score.value for score in own]))
        yield Score(replica, eval_set, subset, value, sum(score.n for score in own), what)
