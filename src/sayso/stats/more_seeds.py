"""How many more seeds would probably decide a claim, given those there are.

Nothing is known of the true difference but what these seeds say (flat prior): its variance is drawn from the scaled
inverse chi-square distribution that they leave, the difference from the normal one given that, then the seeds to come.
All seeds together are judged as they will be, and it counts whichever way that comes out.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from sayso.stats.comparisons import Comparison, Floats, Moments
from sayso.stats.decisions import p_values
from sayso.stats.looks import Looks, look_level

#: In how many cases the seeds said to be needed decide.
PROMISE = 0.8

#: More seeds than this, in all, are called out of reach.
MOST_SEEDS = 1000

_DRAWS = 1000

Route = Literal["holds", "fails", "opposite"]


@dataclass(frozen=True)
class Forecast:
    """What `more` seeds would do: decide in a `share` of cases, and most of these by `route`.

    ``opposite``: it fails because the difference is below 0. `enough`: whether the share is the `PROMISE`; where it is
    not, `more` is as many as can be reached.
    """

    more: int
    share: float
    route: Route
    enough: bool


def forecast(found: Comparison, margin: float | None, worth: float, tests: int, looks: Looks) -> Forecast:
    """Find the smallest number of more seeds that decide a claim in at least 4 of 5 cases.

    The claim is one of `tests` judged together, and is judged at a level of its share of the family's: that of this
    look where the seeds planned for it are still to come and suffice, else that of the next. There must be at least
    `LEAST_SEEDS` seeds, and they must vary.
    """
    missing = looks.planned - looks.finished
    if looks.interim:
        planned = _shares(found, margin, worth, missing, look_level(len(looks.plans)) / tests)
        if sum(planned.values()) >= PROMISE:
            return _forecast(missing, planned)
    level = look_level(len(looks.plans) + 1) / tests
    low, high = missing + 1, max(MOST_SEEDS - found.seeds, missing + 1)
    at_most = _shares(found, margin, worth, high, level)
    if sum(at_most.values()) < PROMISE:
        return _forecast(high, at_most)
    while low < high:
        middle = (low + high) // 2
        enough = sum(_shares(found, margin, worth, middle, level).values()) >= PROMISE
        low, high = (low, middle) if enough else (middle + 1, high)
    return _forecast(low, _shares(found, margin, worth, low, level))


def _forecast(more: int, shares: dict[Route, float]) -> Forecast:
    share = sum(shares.values())
    return Forecast(more, share, max(shares, key=lambda route: shares[route]), share >= PROMISE)


def _shares(found: Comparison, margin: float | None, worth: float, more: int, level: float) -> dict[Route, float]:
    """In which share of cases a claim is decided after so many more seeds, by route."""
    normal = _draws()[1]
    seeds, total = found.seeds, found.seeds + more
    sigma = found.deviation * np.sqrt((seeds - 1) / _chi_square(seeds - 1, 0))
    truth = found.difference + sigma * normal[0] / np.sqrt(seeds)
    added = truth + sigma * normal[1] / np.sqrt(more)
    squares = sigma**2 * _chi_square(more - 1, 1) if more > 1 else np.zeros(_DRAWS)
    squares += (seeds - 1) * found.deviation**2 + seeds * more / total * (added - found.difference) ** 2
    mean = (seeds * found.difference + more * added) / total
    moments = Moments(mean[:, None], np.sqrt(squares / (total - 1))[:, None], np.full((_DRAWS, 1), float(total)))
    p = p_values(moments, [np.nan if margin is None else margin], worth)
    holds = p.holds < level
    fails = (p.fails < level) & ~holds
    opposite = fails & (p.opposite < level)
    return {
        "holds": float(holds.mean()),
        "fails": float((fails & ~opposite).mean()),
        "opposite": float(opposite.mean()),
    }


@functools.lru_cache(maxsize=512)
def _chi_square(freedom: int, which: int) -> Floats:
    """Draws of chi-square, which claims of one number of seeds share: they are what takes time."""
    return np.asarray(2 * special.gammaincinv(freedom / 2, _draws()[0][which]), dtype=float)


@functools.cache
def _draws() -> tuple[Floats, Floats]:
    """Two uniform and two normal draws, both (2, draws); always the same, so that equal results say equal things."""
    generator = np.random.default_rng(20240501)
    return generator.uniform(size=(2, _DRAWS)), generator.normal(size=(2, _DRAWS))
