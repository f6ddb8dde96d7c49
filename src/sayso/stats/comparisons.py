"""Means over seeds and their intervals: every number compared is a mean over one seed's questions.

The unit is the stage-1 seed. Seeds differ in their aliases, tags, split and weights, and questions of one seed share
all of these, so questions are never counted as independent. Two subsets are compared within seeds (paired). NaN is a
value that was not measured: it is left out and counted as missing, never read as 0. With fewer than three seeds there
is no interval: it would be wider than anything that is measured.

A share lies between 0 and 1, and so does its interval (Wilson's, with as many observations as the spread over seeds
says there are); a difference of shares lies between -1 and 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sayso.stats.decisions import ALPHA, LEAST_SEEDS, Floats, moments


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95% interval, NaN with too few seeds."""

    mean: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Comparison:
    """A quantity of two subsets, compared within seeds.

    `difference`: mean over seeds of the first minus the second, in the quantity's own unit; `low`, `high`: its 95%
    t-interval; `deviation`: standard deviation of the differences. `positive`: seeds with a difference above 0, of
    `seeds` compared; `missing`: seeds left out because one of the two was not measured.
    """

    difference: float
    low: float
    high: float
    deviation: float
    positive: int
    seeds: int
    missing: int


def mean_interval(values: ArrayLike, *, share: bool = False) -> Interval:
    """Mean over seeds and its 95% interval, within 0 and 1 for a `share`."""
    measured = np.asarray(values, dtype=float)
    found = moments(measured[:, None])
    low, high = intervals(found.mean, found.deviation, found.seeds, share=np.array([share]))
    return Interval(float(found.mean[0]), float(low[0]), float(high[0]), int(found.seeds[0]))


def intervals(mean: Floats, deviation: Floats, seeds: Floats, *, share: Floats) -> tuple[Floats, Floats]:
    """Low and high ends of the 95% intervals of means, from standard deviations and numbers of seeds, all (means,).

    `share`: which of them are means of shares.
    """
    enough = seeds >= LEAST_SEEDS
    number = np.where(enough, seeds, LEAST_SEEDS)
    quantile = stats.t.ppf(1 - ALPHA / 2, number - 1)
    error = np.where(enough, deviation, np.nan) / np.sqrt(number)
    room = np.clip(mean * (1 - mean), 0.0, None)
    bounded = np.asarray(share, dtype=bool) & (room > 0)
    # Wilson's interval of room / error**2 observations
    pull = np.where(bounded, quantile**2 * error**2 / np.where(bounded, room, 1.0), 0.0)
    centre = (mean + pull / 2) / (1 + pull)
    half = (
        quantile * error * np.sqrt(1 + np.where(bounded, pull / (4 * np.where(bounded, room, 1.0)), 0.0)) / (1 + pull)
    )
    return centre - half, centre + half


def compare(first: ArrayLike, second: ArrayLike, *, share: bool = False) -> Comparison:
    """Compare two subsets; both arrays have shape (seeds,) and the same seeds in the same order.

    Where every seed gives the same difference, the interval is that one point. `share`: both are shares, so that the
    interval ends at -1 and 1.
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    differences = one - other
    exponent = _exponent(differences)
    found = moments(np.ldexp(differences, -exponent)[:, None])  # exact; squares of very small differences would be 0
    scale = np.nanmax(np.abs([*one, *other]), initial=0.0)
    spread, mean, seeds = float(found.deviation[0]), float(found.mean[0]), int(found.seeds[0])
    if seeds > 1 and np.nanmax(differences) - np.nanmin(differences) <= 1e-12 * scale:  # but for rounding
        spread = 0.0
    low, high = intervals(np.array([mean]), np.array([spread]), found.seeds, share=np.array([False]))
    ends = [math.ldexp(float(end), exponent) for end in (low[0], high[0])]
    if share:
        ends = [min(max(end, -1.0), 1.0) if not math.isnan(end) else end for end in ends]
    return Comparison(
        difference=math.ldexp(mean, exponent),
        low=ends[0],
        high=ends[1],
        deviation=math.ldexp(spread, exponent),
        positive=int((differences > 0).sum()),
        seeds=seeds,
        missing=len(differences) - seeds,
    )


def _exponent(differences: Floats) -> int:
    """The power of two that the largest difference is of."""
    largest = float(np.nanmax(np.abs(differences), initial=0.0)) if len(differences) else 0.0
    return int(np.frexp(largest)[1])
