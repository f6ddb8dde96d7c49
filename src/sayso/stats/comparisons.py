"""Means over seeds, differences within seeds, and their intervals: every number compared is one seed's.

Seeds differ in their aliases, tags, split and weights, and questions of one seed share all of these, so the unit is the
stage-1 seed, and questions are never counted as independent. Two subsets are compared within seeds (paired). NaN is a
value that was not measured: it is left out and counted as missing, never read as 0. Whether a claim holds is decided in
`sayso.stats.decisions`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

#: Intervals cover 1 - ALPHA, and a family of claims is judged at this level in all.
ALPHA = 0.05

#: With fewer seeds there is no interval and no verdict: with two, an interval is 25 times as wide as their spread.
LEAST_SEEDS = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95% interval.

    Parameters
    ----------
    mean
        The mean.
    low
        Lower end of the interval; NaN with fewer than 3 seeds.
    high
        Upper end, as `low`.
    seeds
        How many seeds were measured.
    """

    mean: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Comparison:
    """A quantity of two subsets, compared within seeds.

    Parameters
    ----------
    first
        Mean of the first over the seeds compared.
    second
        Mean of the second over the same seeds.
    difference
        Mean over seeds of the first minus the second, in the quantity's own unit.
    low
        Lower end of its 95% t-interval; NaN with fewer than 3 seeds.
    high
        Upper end, as `low`.
    deviation
        Standard deviation of the differences.
    effect_size
        Cohen's d_z, the difference over the deviation.
    positive
        Seeds with a difference above 0.
    seeds
        Seeds compared.
    missing
        Seeds left out because one of the two was not measured.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    deviation: float
    effect_size: float
    positive: int
    seeds: int
    missing: int


@dataclass(frozen=True)
class Moments:
    """Mean, standard deviation and number of what was measured, arrays of one shape.

    The mean of nothing is NaN, the deviation of fewer than two is; it is 0 where all values are the same but for
    rounding.
    """

    mean: Floats
    deviation: Floats
    seeds: Floats


def moments(values: ArrayLike, scale: ArrayLike | None = None) -> Moments:
    """Moments over seeds of values (..., seeds, claims), NaN left out.

    `scale` (..., claims): how large the numbers were whose differences these are, which says how far rounding goes.
    """
    given = np.asarray(values, dtype=float)
    measured = ~np.isnan(given)
    seeds = measured.sum(axis=-2).astype(float)
    filled = np.where(measured, given, 0.0)
    largest = np.abs(filled).max(axis=-2, initial=0.0)
    exponent = np.frexp(largest)[1]  # scaling by powers of 2 is exact; squares of very small differences would be 0
    scaled = np.ldexp(filled, -exponent[..., None, :])
    mean = scaled.sum(axis=-2) / np.maximum(seeds, 1)
    apart = np.where(measured, scaled - mean[..., None, :], 0.0)
    deviation = np.sqrt((apart**2).sum(axis=-2) / np.maximum(seeds - 1, 1))
    range_ = apart.max(axis=-2, initial=0.0) - apart.min(axis=-2, initial=0.0)
    size = largest if scale is None else np.asarray(scale, dtype=float)
    constant = np.ldexp(range_, exponent) <= 1e-12 * np.maximum(size, 1e-300)
    return Moments(
        mean=np.where(seeds > 0, np.ldexp(mean, exponent), np.nan),
        deviation=np.where(seeds > 1, np.where(constant, 0.0, np.ldexp(deviation, exponent)), np.nan),
        seeds=seeds,
    )


def mean_interval(values: ArrayLike, within: tuple[float, float] = (-math.inf, math.inf)) -> Interval:
    """Mean over seeds and its 95% t-interval, cut to where a mean of such values can be.

    Parameters
    ----------
    values
        One value a seed, shape (seeds,); NaN is a value that was not measured.
    within
        The least and the greatest that a mean can be, such as ``(0, 1)`` for shares.

    Returns
    -------
    Interval
        The mean and its interval.
    """
    found = moments(np.asarray(values, dtype=float)[:, None])
    low, high = np.clip(t_bounds(found), *within)
    return Interval(float(found.mean[0]), float(low[0]), float(high[0]), int(found.seeds[0]))


def t_bounds(found: Moments) -> tuple[Floats, Floats]:
    """Ends of the 95% t-intervals of means; NaN with too few seeds."""
    half = _quantile(found.seeds) * found.deviation / np.sqrt(np.maximum(found.seeds, 1))
    return found.mean - half, found.mean + half


def share_bounds(found: Moments) -> tuple[Floats, Floats]:
    """Ends of 95% intervals of means of shares, which stay between 0 and 1; NaN with too few seeds.

    Wilson's score interval with as many observations as the spread over seeds is worth, p(1 - p) / (s^2 / n), and the
    quantile of t in place of the normal one: far from 0 and 1 it is the t-interval. A mean of other values than shares,
    or of 0 or 1 exactly, has its t-interval.
    """
    quantile = _quantile(found.seeds)
    variance = found.deviation**2 / np.maximum(found.seeds, 1)
    inside = (found.mean > 0) & (found.mean < 1)
    spread = np.where(inside, found.mean * (1 - found.mean), np.inf)
    weight = quantile**2 * variance / spread
    centre = (found.mean + weight / 2) / (1 + weight)
    half = np.sqrt(quantile**2 * variance + weight**2 / 4) / (1 + weight)
    return np.where(inside, centre, found.mean) - half, np.where(inside, centre, found.mean) + half


def compare(first: ArrayLike, second: ArrayLike, *, shares: bool = False) -> Comparison:
    """Compare two subsets within seeds.

    With fewer than 3 complete seeds there is no interval. Where every seed gives the same difference, the interval is
    that one point.

    Parameters
    ----------
    first
        One value a seed, shape (seeds,); NaN is a value that was not measured.
    second
        The same of the other, shape (seeds,), the same seeds in the same order.
    shares
        The values are shares: intervals of differences are cut to -1 and 1.

    Returns
    -------
    Comparison
        The difference with its interval.
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    complete = ~(np.isnan(one) | np.isnan(other))
    one, other = one[complete], other[complete]
    differences, seeds = one - other, len(one)
    scale = max(np.abs(one).max(initial=0.0), np.abs(other).max(initial=0.0))
    found = moments(differences[:, None], [scale])
    low, high = np.clip(t_bounds(found), -1.0, 1.0) if shares else t_bounds(found)
    difference, deviation = float(found.mean[0]), float(found.deviation[0])
    return Comparison(
        first=float(one.mean()) if seeds else math.nan,
        second=float(other.mean()) if seeds else math.nan,
        difference=difference,
        low=float(low[0]),
        high=float(high[0]),
        deviation=deviation,
        effect_size=difference / deviation if deviation > 0 else math.nan,
        positive=int((differences > 0).sum()),
        seeds=seeds,
        missing=int((~complete).sum()),
    )


def _quantile(seeds: Floats) -> Floats:
    """Quantile of t that 95% intervals of means over so many seeds reach to; NaN with too few."""
    enough = seeds >= LEAST_SEEDS
    return np.where(enough, special.stdtrit(np.where(enough, seeds - 1, 1.0), 1 - ALPHA / 2), np.nan)
