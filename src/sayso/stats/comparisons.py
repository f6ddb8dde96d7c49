"""The statistics: every number compared is a mean over one seed's questions, and the unit is the stage-1 seed.

Seeds differ in their aliases, tags, split and weights, and questions of one seed share all of these, so questions are
never counted as independent. Two subsets are compared within seeds (paired). NaN is a value that was not measured: it
is left out and counted as missing, never read as 0. Where seeds do not vary at all no test is possible, and the
p-value is NaN rather than 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

#: Level of all tests; intervals cover 1 - ALPHA.
ALPHA = 0.05

#: More seeds than this are called out of reach.
MOST_SEEDS = 1000

_LARGEST_EFFECT = 5.0


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95% t-interval; the interval is NaN with fewer than two seeds."""

    mean: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Comparison:
    """A quantity of two subsets, compared within seeds.

    `difference`: mean over seeds of the first minus the second, in the quantity's own unit; `low`, `high`: its 95%
    t-interval; `deviation`: standard deviation of the differences. `p`: two-sided paired t-test. `effect_size`: Cohen's
    d_z (difference / deviation). `positive`: seeds with a difference above 0, of `seeds` compared; `missing`: seeds
    left out because one of the two was not measured.
    """

    difference: float
    low: float
    high: float
    deviation: float
    p: float
    effect_size: float
    positive: int
    seeds: int
    missing: int


def mean_interval(values: ArrayLike) -> Interval:
    """Mean over seeds and its 95% t-interval."""
    measured = np.asarray(values, dtype=float)
    measured = measured[~np.isnan(measured)]
    if not len(measured):
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(measured.mean())
    deviation = float(measured.std(ddof=1)) if len(measured) > 1 else math.nan
    half = float(half_width(np.array([deviation]), np.array([len(measured)]))[0])
    return Interval(mean, mean - half, mean + half, len(measured))


def half_width(deviation: NDArray[np.float64], seeds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the width of the 95% t-interval of means, from standard deviations and numbers of seeds, all (means,)."""
    enough = seeds > 1
    number = np.where(enough, seeds, 2.0)
    half = stats.t.ppf(1 - ALPHA / 2, number - 1) * deviation / np.sqrt(number)
    return np.asarray(np.where(enough, half, np.nan), dtype=float)


def compare(first: ArrayLike, second: ArrayLike) -> Comparison:
    """Compare two subsets; both arrays have shape (seeds,) and the same seeds in the same order.

    With fewer than two complete seeds there is no interval and no p-value. Where every seed gives the same
    difference, the interval is that one point and there is no p-value of the t-test.
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    complete = ~(np.isnan(one) | np.isnan(other))
    one, other = one[complete], other[complete]
    differences = one - other
    seeds, missing = len(differences), int((~complete).sum())
    if seeds < 2:
        difference = float(differences[0]) if seeds else math.nan
        nan = math.nan
        return Comparison(difference, nan, nan, nan, nan, nan, int((differences > 0).sum()), seeds, missing)
    difference = float(differences.mean())
    low = high = difference
    deviation, p, effect = 0.0, math.nan, math.nan
    if not _constant(differences, scale=max(np.abs(one).max(), np.abs(other).max())):
        exponent = int(np.frexp(np.abs(differences).max())[1])
        scaled = np.ldexp(differences, -exponent)  # exact; the squares of very small differences would be 0
        test = stats.ttest_1samp(scaled, 0.0)
        bounds = test.confidence_interval(1 - ALPHA)
        spread = float(scaled.std(ddof=1))
        deviation, low, high = (math.ldexp(float(value), exponent) for value in (spread, bounds.low, bounds.high))
        p, effect = float(test.pvalue), float(scaled.mean()) / spread
    positive = int((differences > 0).sum())
    return Comparison(difference, low, high, deviation, p, effect, positive, seeds, missing)


def equivalence_p(comparison: Comparison, margin: float) -> float:
    """P-value of two one-sided paired t-tests (TOST): small where the difference lies within -margin to margin.

    NaN where there is nothing to test: fewer than two seeds, or seeds that do not vary.
    """
    if not comparison.deviation > 0:
        return math.nan
    error = comparison.deviation / math.sqrt(comparison.seeds)
    freedom = comparison.seeds - 1
    above = stats.t.sf((comparison.difference + margin) / error, freedom)
    below = stats.t.cdf((comparison.difference - margin) / error, freedom)
    return float(max(above, below))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction of p-values tested together; NaN stays NaN and is not counted among them."""
    tested = [p for p in p_values if not math.isnan(p)]
    corrected = iter(multipletests(tested, alpha=ALPHA, method="holm")[1]) if tested else iter(())
    return [math.nan if math.isnan(p) else float(next(corrected)) for p in p_values]


def more_seeds_for_difference(comparison: Comparison, *, alpha: float = ALPHA, power: float = 0.8) -> int | None:
    """How many more seeds a paired t-test needs to find the observed effect at level `alpha` with this power.

    None where that is undefined (no effect size) or more than 1000 seeds in all.
    """
    effect = min(abs(comparison.effect_size), _LARGEST_EFFECT)

    def power_at(seeds: int) -> float:
        return float(TTestPower().power(effect, seeds, alpha, alternative="two-sided"))

    return _more_seeds(comparison, power_at, power) if effect > 0 else None


def more_seeds_for_equivalence(
    comparison: Comparison, margin: float, *, alpha: float = ALPHA, power: float = 0.8
) -> int | None:
    """How many more seeds two one-sided tests need to place the observed difference within the margin.

    None where the observed difference is outside the margin, seeds do not vary, or it takes more than 1000 in all.
    """
    if not (comparison.deviation > 0 and abs(comparison.difference) < margin):
        return None
    effects = [min((margin + side * comparison.difference) / comparison.deviation, _LARGEST_EFFECT) for side in (1, -1)]

    def power_at(seeds: int) -> float:
        return sum(float(TTestPower().power(effect, seeds, alpha, alternative="larger")) for effect in effects) - 1

    return _more_seeds(comparison, power_at, power)


def _more_seeds(comparison: Comparison, power_at: Callable[[int], float], power: float) -> int | None:
    """Smallest number of seeds with this power, less those there are; at least one more.

    Doubled first, then bisected: far beyond the answer the noncentral t distribution is not accurate.
    """
    low, high = 2, 2
    while power_at(high) < power:
        if high == MOST_SEEDS:
            return None
        low, high = high + 1, min(2 * high, MOST_SEEDS)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle + 1, high)
    return max(low - comparison.seeds, 1)


def _constant(differences: NDArray[np.float64], scale: float) -> bool:
    """Whether all seeds give the same difference, but for rounding of the values subtracted."""
    return float(np.ptp(differences)) <= 1e-12 * max(float(scale), 1e-300)
