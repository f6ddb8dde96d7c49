"""The rule by which claims are decided, for one family of claims or for thousands of draws of it at once.

A claim says that a difference is above zero, or that it lies within a margin. Two tests belong to each. One speaks for
it: the difference is above zero, or within the margin (two one-sided tests). One speaks against it: the difference is
below the smallest effect worth having, or beyond the margin. Claims judged together are a family, and the p-values of
each kind are corrected for their number (Holm). So in at most 5% of families any claim holds that is false, and in at
most 5% any fails that is true: an effect between zero and the smallest worth having makes neither verdict wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

#: Level of all tests; intervals cover 1 - ALPHA.
ALPHA = 0.05

#: With fewer seeds there are no intervals and no verdicts: they would be wider than anything that is measured.
LEAST_SEEDS = 3

HOLDS, UNDECIDED, FAILS = 1, 0, -1


@dataclass(frozen=True)
class Moments:
    """Differences over seeds, summed up: three arrays of one shape, claims of a family along the last axis.

    `mean`, `deviation` (standard deviation over seeds) and `seeds` that were measured.
    """

    mean: Floats
    deviation: Floats
    seeds: Floats


def moments(differences: Floats) -> Moments:
    """Sum up differences of shape (..., seeds, claims); NaN is a seed that was not measured. Exact zeros stay zero."""
    measured = ~np.isnan(differences)
    seeds = measured.sum(axis=-2).astype(float)
    number = np.maximum(seeds, 1)
    mean = np.where(measured, differences, 0.0).sum(axis=-2) / number
    squares = np.where(measured, differences - mean[..., None, :], 0.0) ** 2
    deviation = np.sqrt(squares.sum(axis=-2) / np.maximum(seeds - 1, 1))
    largest = np.where(measured, np.abs(differences), 0.0).max(axis=-2)
    deviation = np.where(deviation <= 1e-12 * largest, 0.0, deviation)  # no spread, but for rounding
    return Moments(np.where(seeds > 0, mean, np.nan), np.where(seeds > 1, deviation, np.nan), seeds)


def p_values(found: Moments, margins: Floats, worth: float) -> tuple[Floats, Floats]:
    """P-values for and against each claim, before any correction.

    Both are two-sided ones by convention (twice the one-sided), but for equality, where two one-sided tests speak for
    the claim. NaN where there is nothing to test: too few seeds, or seeds that do not vary.

    Parameters
    ----------
    found
        The differences.
    margins
        What counts as equal, shape (claims,), in the quantity's own unit; NaN for a claim that the first is greater.
    worth
        The smallest effect worth having: a claim of one fails where all of its interval lies below.
    """
    tested = (found.seeds >= LEAST_SEEDS) & (found.deviation > 0)
    error = np.where(tested, found.deviation, 1.0) / np.sqrt(np.maximum(found.seeds, 1))
    freedom = np.maximum(found.seeds - 1, 1)

    def above(bound: Floats | float) -> Floats:
        """One-sided p-value of a difference at most `bound`."""
        return np.asarray(stats.t.sf((found.mean - bound) / error, freedom))

    def below(bound: Floats | float) -> Floats:
        """One-sided p-value of a difference at least `bound`."""
        return np.asarray(stats.t.cdf((found.mean - bound) / error, freedom))

    equal = ~np.isnan(margins)
    width = np.where(equal, margins, 0.0)
    inside = np.maximum(above(-width), below(width))
    outside = 2 * np.minimum(above(width), below(-width))
    holds = np.where(equal, inside, 2 * above(0.0))
    fails = np.where(equal, outside, 2 * below(worth))
    one, other = (np.where(tested, np.minimum(p, 1.0), np.nan) for p in (holds, fails))
    return one, other


def holm(p: Floats) -> Floats:
    """Holm's correction of p-values tested together, along the last axis; NaN stays NaN and is not counted."""
    order = np.argsort(p, axis=-1)  # NaN last
    tested = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    factor = np.maximum(tested - np.arange(p.shape[-1]), 1)
    ranked = np.take_along_axis(p, order, axis=-1) * factor
    raised = np.minimum(np.maximum.accumulate(np.where(np.isnan(ranked), 0.0, ranked), axis=-1), 1.0)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, raised, axis=-1)
    return np.where(np.isnan(p), np.nan, corrected)


def outcomes(holds: Floats, fails: Floats, level: float) -> NDArray[np.int64]:
    """What corrected p-values for and against claims come to at a level: `HOLDS`, `FAILS` or `UNDECIDED`."""
    return np.where(holds < level, HOLDS, np.where(fails < level, FAILS, UNDECIDED))


def judge_families(found: Moments, margins: Floats, worth: float, level: float) -> NDArray[np.int64]:
    """Judge families of claims, along the last axis, each by itself."""
    holds, fails = p_values(found, margins, worth)
    return outcomes(holm(holds), holm(fails), level)
