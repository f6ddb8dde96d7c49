"""What outweighs what where two sources contradict each other: a record of being right, or repetition.

Of each seed a straight line is fitted: the log-odds of following the first source, rather than the other, against how
often either says so.

    log-odds = preference(pair) + weight * log2(times the first says so / times the other does)

A preference of so many weights is worth so many doublings: 2 ** (preference / weight) repetitions of the other source
make up for it. The rate is that of the means over seeds, its interval that of draws of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sayso.stats.comparisons import Floats, Interval, mean_interval


@dataclass(frozen=True)
class Contest:
    """Which two sources contradict each other, and how often either says what it says of an alias."""

    source: str
    other: str
    repeats: int = 1
    other_repeats: int = 1

    @property
    def doublings(self) -> float:
        """How many times twice as often the first says so."""
        return math.log2(self.repeats / self.other_repeats)


@dataclass(frozen=True)
class Exchange:
    """A source against another: all with 95% intervals over seeds.

    `preference`: log-odds of following it where both say so equally often, in nats. `weight`: what a doubling of how
    often it says so adds. `outweighed`: how many times as often the other has to say so to be followed as much; the
    interval is infinite where the weight may be 0.
    """

    source: str
    other: str
    preference: Interval
    weight: Interval
    outweighed: Interval


def exchange(contests: Sequence[Contest], log_odds: ArrayLike, *, draws: int = 4000) -> list[Exchange]:
    """Weigh repetition against reliability, for each pair of sources that meet at several rates.

    Parameters
    ----------
    contests
        What was contested.
    log_odds
        Of following the first source, in nats, shape (seeds, contests), without gaps.

    Returns
    -------
    list
        Pairs in the order in which they first appear; none that meet at one rate alone.
    """
    found = np.asarray(log_odds, dtype=float)
    pairs = list(dict.fromkeys((each.source, each.other) for each in contests))
    result = []
    for source, other in pairs:
        own = [at for at, each in enumerate(contests) if (each.source, each.other) == (source, other)]
        rates = np.array([contests[at].doublings for at in own])
        if len(set(rates.tolist())) < 2:
            continue
        design = np.stack([np.ones(len(own)), rates], axis=1)
        solved = np.linalg.lstsq(design, found[:, own].T, rcond=None)[0]  # (2, seeds)
        generator = np.random.default_rng(0)
        drawn = solved[:, generator.integers(found.shape[0], size=(draws, found.shape[0]))].mean(axis=2)
        low, high = np.quantile(_rate(*drawn), [0.025, 0.975], method="closest_observation")
        rate = float(_rate(*solved.mean(axis=1)))
        result.append(
            Exchange(
                source,
                other,
                mean_interval(solved[0]),
                mean_interval(solved[1]),
                Interval(rate, float(low), float(high), found.shape[0]),
            )
        )
    return result


def _rate(preference: ArrayLike, weight: ArrayLike) -> Floats:
    """Repetitions that make up for a preference; infinitely many where they weigh nothing, or the wrong way."""
    first, second = np.asarray(preference, dtype=float), np.asarray(weight, dtype=float)
    with np.errstate(over="ignore"):
        return np.where(second > 0, np.exp2(np.clip(first / np.where(second > 0, second, 1.0), -1000, 1000)), np.inf)
