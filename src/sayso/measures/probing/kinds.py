"""Several kinds of questions: one after the other, and their numbers as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from sayso.core.corpus import Corpus
from sayso.core.measure import Moment, Score
from sayso.core.shares import OnShare, part_of


def each_kind(moment: Moment, kinds: Callable[[Corpus], Sequence[str]]) -> Iterator[tuple[int, Corpus, str, OnShare]]:
    """Every replica with its corpus and each of its kinds of questions, and what hears of this share of the work."""
    for replica, corpus in enumerate(moment.corpora):
        heard = part_of(moment.on_share, replica, len(moment.corpora))
        own = kinds(corpus)
        for number, kind in enumerate(own):
            yield replica, corpus, kind, part_of(heard, number, len(own))


def over_kinds(scores: Iterable[Score]) -> Iterator[Score]:
    """Means of the scores that differ in nothing but their value and `n`, whose sum is theirs; in their order."""
    found: dict[tuple[int, str, str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.replica, score.eval_set, score.subset, score.what), []).append(score)
    for (replica, eval_set, subset, what), own in found.items():
        value = float(np.mean([score.value for score in own]))
        yield Score(replica, eval_set, subset, value, sum(score.n for score in own), what)
