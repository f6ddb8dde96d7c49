"""How many seeds claims need: families of claims judged on seeds drawn with replacement from a pilot's.

Whole seeds are drawn, so that the claims of a family stay as they belong together, and each draw is judged by the rule
that results are judged by (`sayso.stats.decisions`), at the level of a first look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sayso.stats.decisions import FAILS, HOLDS, Floats, judge_families, moments
from sayso.stats.looks import level_of

#: In which share of draws a claim has to hold for its seeds to be called enough.
ENOUGH = 0.95

#: Numbers of seeds that are tried.
TRIED = (3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)

_DRAWS, _PILOTS, _PILOT_DRAWS = 1000, 100, 200


@dataclass(frozen=True)
class Shares:
    """In which share of draws of so many `seeds` each claim holds and fails, both of shape (claims,)."""

    seeds: int
    holds: Floats
    fails: Floats


@dataclass(frozen=True)
class Need:
    """How many seeds a claim needs to hold in 95% of draws; None where `TRIED` has no number that is enough.

    `low`, `high`: the same for 5% and 95% of pilots drawn anew from this one, which is how sure the number is.
    """

    seeds: int | None
    low: int | None
    high: int | None


def shares(
    differences: Floats, margins: Floats, worth: float, seeds: int, *, draws: int = _DRAWS, draw: int = 0
) -> Shares:
    """Judge draws of so many seeds.

    Parameters
    ----------
    differences
        The pilot's, shape (seeds, claims), NaN where one was not measured.
    margins, worth
        As in `sayso.stats.decisions.p_values`.
    draw
        Which random numbers are used.
    """
    generator = np.random.default_rng([draw, seeds])
    chosen = generator.integers(len(differences), size=(draws, seeds))
    found = judge_families(moments(differences[chosen]), margins, worth, level_of(1))
    return Shares(seeds, (found == HOLDS).mean(axis=0), (found == FAILS).mean(axis=0))


def needs(differences: Floats, margins: Floats, worth: float, tried: Sequence[int] = TRIED) -> list[Need]:
    """How many seeds each claim needs, and how sure that is."""
    best = _needed(differences, margins, worth, tried, _DRAWS)
    generator = np.random.default_rng(0)
    size = len(differences)
    again = np.array(
        [
            _needed(differences[generator.integers(size, size=size)], margins, worth, tried, _PILOT_DRAWS)
            for _ in range(_PILOTS)
        ]
    )
    bounds = np.quantile(again, [0.05, 0.95], axis=0, method="nearest")
    return [Need(*(None if np.isinf(n) else int(n) for n in found)) for found in zip(best, *bounds, strict=True)]


def _needed(differences: Floats, margins: Floats, worth: float, tried: Sequence[int], draws: int) -> Floats:
    """The smallest number tried that is enough for each claim, infinity where none is; shape (claims,).

    Effects of a family share their correction, so the numbers are gone through upwards until all have enough.
    """
    result = np.full(differences.shape[1], np.inf)
    for seeds in tried:
        enough = shares(differences, margins, worth, seeds, draws=draws).holds >= ENOUGH
        result[enough & np.isinf(result)] = seeds
        if seeds >= 4 * len(differences) or not np.isinf(result).any():
            break
    return result
