"""The one rule by which claims are judged, on arrays: a family of claims, or thousands of simulated ones, at once.

A claim says that a difference is greater than 0, or that it lies within a margin. Each has two p-values:

    claim      holds unless                        fails unless
    greater    difference <= 0                     difference >= the smallest effect worth having
    equal      difference outside the margin       difference within the margin

That one is no less than another, but for a slack, is a greater claim on the difference and the slack together. The
first small: it holds. The second small: it fails. Neither: it is undecided, which is not refuted. The two are corrected
(Holm) over the claims of a family, each for itself. Of a greater claim at most one of the two can be wrong where the
smallest effect is above 0. So of all families at most 5% hold a wrong "holds", and at most 5% a wrong "fails",
whichever effects are true. All tests are t-tests over seeds; p-values are twice the one-sided ones, as a two-sided test
has them, but for that of equality (TOST), which is the larger of two one-sided ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sayso.stats.comparisons import ALPHA, LEAST_SEEDS, Floats, Moments

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PValues:
    """P-values of claims, all (..., claims): that it holds, that it fails, and (greater only) that it is below 0.

    NaN where there is nothing to test: too few seeds, seeds that do not vary, or a claim of equality below 0.
    """

    holds: Floats
    fails: Floats
    opposite: Floats


@dataclass(frozen=True)
class Decided:
    """Claims decided, all (..., claims); those neither `holds` nor `fails` are undecided.

    `p_holds`, `p_fails`: corrected for the family and for looks at the data, so that `ALPHA` is always the bar.
    `opposite`: fails because the difference is below 0.
    """

    p_holds: Floats
    p_fails: Floats
    holds: Flags
    fails: Flags
    opposite: Flags


def p_values(found: Moments, margins: ArrayLike, worth: float) -> PValues:
    """P-values of claims before any correction.

    Parameters
    ----------
    found
        Moments of the differences, (..., claims).
    margins
        (claims,): within which two are called equal; NaN for a claim that the first is greater.
    worth
        The smallest difference worth having, at least 0.
    """
    margin = np.asarray(margins, dtype=float)
    equal = ~np.isnan(margin)
    error, freedom = _error(found)
    fails = special.stdtr(freedom, np.where(equal, margin - np.abs(found.mean), found.mean - worth) / error)
    opposite = special.stdtr(freedom, np.where(equal, np.nan, found.mean) / error)
    return PValues(_p_holds(found, margin, error, freedom), np.minimum(2 * fails, 1), np.minimum(2 * opposite, 1))


def _p_holds(found: Moments, margin: Floats, error: Floats, freedom: Floats) -> Floats:
    equal = ~np.isnan(margin)
    holds: Floats = special.stdtr(freedom, -np.where(equal, margin - np.abs(found.mean), found.mean) / error)
    return np.where(equal, holds, np.minimum(2 * holds, 1))


def _error(found: Moments) -> tuple[Floats, Floats]:
    """Standard errors, NaN where there is nothing to test, and degrees of freedom."""
    tested = (found.seeds >= LEAST_SEEDS) & (found.deviation > 0)
    error = np.where(tested, found.deviation, np.nan) / np.sqrt(np.maximum(found.seeds, 1))
    return error, np.maximum(found.seeds - 1, 1)


def decide(found: Moments, margins: ArrayLike, worth: float, level: float = ALPHA) -> Decided:
    """Decide the claims of families together; the last axis is one family. `level`: that of the family, at this look.

    Other parameters are those of `p_values`.
    """
    raw = p_values(found, margins, worth)
    holds, fails, opposite = (_at_level(p, level) for p in (raw.holds, raw.fails, raw.opposite))
    held = holds < ALPHA
    failed = (fails < ALPHA) & ~held
    return Decided(holds, fails, held, failed, failed & (opposite < ALPHA))


def holding(found: Moments, margins: ArrayLike, level: float = ALPHA) -> Flags:
    """Which claims hold, as `decide` says, in a third of its time; whether they fail is not asked."""
    return _at_level(_p_holds(found, np.asarray(margins, dtype=float), *_error(found)), level) < ALPHA


def _at_level(p: Floats, level: float) -> Floats:
    return np.minimum(holm(p) * (ALPHA / level), 1)


def holm(p: ArrayLike) -> Floats:
    """Holm's correction of p-values tested together, along the last axis; NaN stays NaN and is not counted."""
    given = np.asarray(p, dtype=float)
    order = np.argsort(given, axis=-1)  # NaN last
    tests = (~np.isnan(given)).sum(axis=-1, keepdims=True)
    stepped = np.take_along_axis(given, order, axis=-1) * (tests - np.arange(given.shape[-1]))
    corrected = np.empty_like(given)
    np.put_along_axis(corrected, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1), axis=-1)
    return corrected
