"""How often claims would be decided with so many seeds, as a pilot's seeds tell: whole seeds drawn with replacement.

Each draw of seeds is a family of its own, judged by the rule that judges real ones. The pilot is itself a draw, of
limited size: `seeds_needed` says how far that matters, by drawing pilots from the pilot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sayso.stats.comparisons import LEAST_SEEDS, Floats, Moments
from sayso.stats.decisions import decide, holding
from sayso.stats.looks import look_level

#: More seeds than this are called out of reach.
MOST_SEEDS = 256

#: Draws judged at a time: bounds what memory it takes.
_AT_A_TIME = 20_000


@dataclass(frozen=True, eq=False)
class Power:
    """In which shares of draws claims are decided.

    Parameters
    ----------
    seeds
        Numbers of seeds that were drawn.
    holds
        Shares of draws in which a claim holds, shape (numbers of seeds, claims).
    fails
        Shares of draws in which it fails, shape (numbers of seeds, claims).
    """

    seeds: tuple[int, ...]
    holds: Floats
    fails: Floats


@dataclass(frozen=True)
class Needed:
    """Smallest number of seeds with which a claim holds in the share of draws asked for, and from there on.

    Parameters
    ----------
    seeds
        The number; None: more than can be reached.
    low
        Lower end of its 95% interval, as pilots drawn from the pilot give it.
    high
        Upper end; None: more than can be reached.
    """

    seeds: int | None
    low: int | None
    high: int | None


def power(
    differences: ArrayLike,
    margins: ArrayLike,
    worth: float,
    seeds: Sequence[int],
    *,
    draws: int = 2000,
    level: float | None = None,
    draw: int = 0,
) -> Power:
    """Judge draws of seeds from a pilot's.

    Parameters
    ----------
    differences
        One row a pilot seed, shape (seeds, claims), NaN where not measured.
    margins
        Within which a claim calls two equal, shape (claims,); NaN for a claim that the first is greater.
    worth
        The smallest difference worth having, as `Experiment.smallest_effect`.
    seeds
        Numbers of seeds to draw.
    draws
        How many times each.
    level
        Level of the family; that of a first look if not given.
    draw
        Which draws: the same give the same shares.

    Returns
    -------
    Power
        Shares of draws in which each claim holds, and fails.
    """
    pilot, generator = _Pilot(differences, margins, worth, level), np.random.default_rng(draw)
    weights = np.full((1, pilot.size), 1 / pilot.size)
    found = [pilot.shares(weights, number, draws, generator) for number in seeds]
    return Power(tuple(seeds), np.array([holds[0] for holds, _ in found]), np.array([fails[0] for _, fails in found]))


def seeds_needed(
    differences: ArrayLike,
    margins: ArrayLike,
    worth: float,
    *,
    share: float = 0.95,
    draws: int = 2000,
    pilots: int = 200,
    level: float | None = None,
    draw: int = 0,
) -> list[Needed]:
    """Find for each claim how many seeds it takes to hold in a share of draws, and how sure that is.

    Numbers tried are a tenth apart.

    Parameters
    ----------
    differences
        As of `power`, shape (seeds, claims).
    margins
        As of `power`, shape (claims,).
    worth
        As of `power`.
    share
        In which share of draws a claim is to hold.
    draws
        How many draws of each number of seeds.
    pilots
        How many pilots are drawn from the pilot for the interval, each judged on a twentieth of the draws, at numbers a
        fifth apart.
    level
        As of `power`.
    draw
        As of `power`.

    Returns
    -------
    list[Needed]
        One a claim.
    """
    pilot, generator = _Pilot(differences, margins, worth, level), np.random.default_rng(draw)
    itself = np.full((1, pilot.size), 1 / pilot.size)
    redrawn = generator.multinomial(pilot.size, itself[0], size=pilots) / pilot.size
    one = _first_with(pilot, itself, share, draws, _grid(10), generator)[0]
    several = _first_with(pilot, redrawn, share, max(draws // 20, 1), _grid(5), generator)
    low, high = np.quantile(several, [0.025, 0.975], axis=0, method="closest_observation")
    return [Needed(*map(_reachable, numbers)) for numbers in zip(one, low, high, strict=True)]


class _Pilot:
    """A pilot's differences, and the rule. Only means and spreads are tested, so only sums over draws are formed."""

    def __init__(self, differences: ArrayLike, margins: ArrayLike, worth: float, level: float | None) -> None:
        given = np.asarray(differences, dtype=float)
        self.size, self.claims = given.shape
        self.margins, self.worth = margins, worth
        self.level = look_level(1) if level is None else level
        self._measured = (~np.isnan(given)).astype(float)
        filled = np.where(self._measured > 0, given, 0.0)
        self._centre = filled.sum(axis=0) / np.maximum(self._measured.sum(axis=0), 1)
        self._apart = np.where(self._measured > 0, given - self._centre, 0.0)

    def shares(self, weights: Floats, seeds: int, draws: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Shares of draws in which claims hold and fail, both (pilots, claims); `weights` (pilots, seeds) sum to 1."""
        holds, fails = (np.empty((len(weights), self.claims)) for _ in range(2))
        for some, found in self._drawn(weights, seeds, draws, generator):
            decided = decide(found, self.margins, self.worth, self.level)
            holds[some], fails[some] = decided.holds.mean(axis=1), decided.fails.mean(axis=1)
        return holds, fails

    def holding(self, weights: Floats, seeds: int, draws: int, generator: np.random.Generator) -> Floats:
        """The first of `shares`, in a third of the time."""
        holds = np.empty((len(weights), self.claims))
        for some, found in self._drawn(weights, seeds, draws, generator):
            holds[some] = holding(found, self.margins, self.level).mean(axis=1)
        return holds

    def _drawn(
        self, weights: Floats, seeds: int, draws: int, generator: np.random.Generator
    ) -> Iterator[tuple[slice, Moments]]:
        """Draw seeds of some pilots at a time: which, and the moments (pilots, draws, claims)."""
        step = max(_AT_A_TIME // draws, 1)
        for start in range(0, len(weights), step):
            some = slice(start, start + step)
            shares = weights[some]
            counts = generator.multinomial(seeds, shares[:, None, :], size=(len(shares), draws))
            yield some, self._moments(counts)

    def _moments(self, counts: NDArray[np.int64]) -> Moments:
        """What draws have, given how often each seed of the pilot is in them (..., seeds)."""
        times = counts.astype(float)
        seeds, total, squares = times @ self._measured, times @ self._apart, times @ self._apart**2
        mean = total / np.maximum(seeds, 1)
        variance = (squares - seeds * mean**2) / np.maximum(seeds - 1, 1)
        deviation = np.sqrt(np.where(variance > 1e-18 * np.maximum(squares, 1e-300), variance, 0.0))
        return Moments(self._centre + mean, deviation, seeds)


def _first_with(
    pilot: _Pilot,
    weights: Floats,
    share: float,
    draws: int,
    grid: Sequence[int],
    generator: np.random.Generator,
) -> Floats:
    """For each pilot and claim, the first number of the grid from which on it holds in the share of draws; or inf."""
    found = np.full((len(weights), pilot.claims), np.inf)
    for number in grid:
        enough = pilot.holding(weights, number, draws, generator) >= share
        found = np.where(enough, np.minimum(found, number), np.inf)
    return found


def _grid(step: int) -> list[int]:
    """Numbers of seeds, each larger than the last by one part in `step`."""
    numbers, number = [], LEAST_SEEDS
    while number < MOST_SEEDS:
        numbers.append(number)
        number += max(number // step, 1)
    return [*numbers, MOST_SEEDS]


def _reachable(number: float) -> int | None:
    return int(number) if np.isfinite(number) else None
