"""Verdicts of several experiments put together by figure of the paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sayso.stats.verdict import Verdict

#: What a claim came to; `not run` where its experiment has no results.
Told = Literal["holds", "fails", "undecided", "not run"]

TOLD: tuple[Told, ...] = get_args(Told)


@dataclass(frozen=True)
class Entry:
    """A claim in an experiment, or in two: `experiment` names it. Where it was not run, the verdict has no numbers."""

    experiment: str
    told: Told
    verdict: Verdict


@dataclass(frozen=True)
class Figure:
    """A figure or footnote of the paper with all that is claimed of it."""

    name: str
    entries: Sequence[Entry]


def counts(entries: Iterable[Entry]) -> dict[Told, int]:
    """How many claims came to what."""
    found = [entry.told for entry in entries]
    return {told: found.count(told) for told in TOLD}
