"""How many more seeds would decide a claim: from what they are likely to be, given those that are there.

The true difference and spread are drawn from what the seeds leave likely (a flat prior on the difference and on the
logarithm of the spread), future seeds from each of them, and the claim is tested on old and new seeds together, at the
level of the next look. So the share of cases that is stated is that among claims which looked like this one, whatever
their true difference, and includes every way to be decided: it holds, or fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sayso.stats.decisions import ALPHA, FAILS, HOLDS, LEAST_SEEDS, Floats, Moments, outcomes, p_values

#: In which share of cases that many more seeds decide.
SHARE = 0.8

#: More seeds than this, in all, are called out of reach.
MOST_SEEDS = 1000

_DRAWS = 4000


@dataclass(frozen=True)
class Forecast:
    """`more` seeds decide in a share `decided` of cases, most of which end as `likely`: ``holds`` or ``fails``.

    With `more` None even `MOST_SEEDS` in all do not decide in as many cases as `SHARE`; `decided` is what they do.
    """

    more: int | None
    decided: float
    likely: str


def forecast(
    mean: float, deviation: float, seeds: int, margin: float, worth: float, *, level: float, open_: int, tests: int
) -> Forecast | None:
    """Say how many more seeds would decide a claim.

    Parameters
    ----------
    mean, deviation, seeds
        The differences so far.
    margin, worth
        As in `sayso.stats.decisions.p_values`.
    level
        The level of the next look.
    open_, tests
        How many claims of the family are still open, and how many there are: what is corrected for, of the tests that
        speak for claims and of those that speak against them.

    Returns
    -------
    Forecast or None
        None where nothing can be said: too few seeds, or seeds that do not vary.
    """
    if seeds < LEAST_SEEDS or not deviation > 0:
        return None
    generator = np.random.default_rng(0)
    spread = deviation * np.sqrt((seeds - 1) / generator.chisquare(seeds - 1, _DRAWS))
    true = mean + spread / np.sqrt(seeds) * generator.standard_normal(_DRAWS)

    def decided(more: int) -> tuple[float, float]:
        """Shares of draws in which the claim holds, and fails, after so many more seeds."""
        later = _later(np.random.default_rng(more), mean, deviation, seeds, true, spread, more)
        holds, fails = p_values(later, np.full(_DRAWS, margin), worth)
        found = outcomes(holds * open_ * ALPHA / level, fails * tests * ALPHA / level, ALPHA)
        return float((found == HOLDS).mean()), float((found == FAILS).mean())

    def enough(more: int) -> bool:
        return sum(decided(more)) >= SHARE

    most = max(MOST_SEEDS - seeds, 1)
    low, high = 1, 1
    while not enough(high):
        if high == most:
            return _told(None, *decided(most))
        low, high = high + 1, min(2 * high, most)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return _told(low, *decided(low))


def _later(
    generator: np.random.Generator,
    mean: float,
    deviation: float,
    seeds: int,
    true: Floats,
    spread: Floats,
    more: int,
) -> Moments:
    """What differences will be when `more` seeds have been added, once for each draw of the truth."""
    added = true + spread / np.sqrt(more) * generator.standard_normal(len(true))
    squares = spread**2 * (generator.chisquare(more - 1, len(true)) if more > 1 else 0.0)
    total = seeds + more
    squares = squares + (seeds - 1) * deviation**2 + seeds * more / total * (added - mean) ** 2
    together = (seeds * mean + more * added) / total
    return Moments(together, np.sqrt(squares / (total - 1)), np.full(len(true), float(total)))


def _told(more: int | None, holds: float, fails: float) -> Forecast:
    return Forecast(more, holds + fails, "holds" if holds >= fails else "fails")
