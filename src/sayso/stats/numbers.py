"""How numbers are written wherever people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.stats.comparisons import Comparison

NOT_MEASURED = "not measured"

#: Intervals of which one side is this much longer than the other are written from end to end.
_LOPSIDED = 1.25


def with_interval(mean: float, low: float, high: float, *, signed: bool = False) -> str:
    """Write a mean with its interval: ``0.543 ± 0.022``, or from where to where if one side is clearly longer.

    The mean alone where there is no interval.

    >>> with_interval(0.0841, 0.063, 0.105, signed=True), with_interval(0.995, 0.981, 0.998)
    ('+0.084 ± 0.021', '0.995 (0.981 to 0.998)')
    """
    if math.isnan(mean):
        return NOT_MEASURED
    sign = "+" if signed else ""
    text = f"{mean:{sign}z.3f}"
    if math.isnan(low):
        return text
    shorter, longer = sorted((mean - low, high - mean))
    if longer > _LOPSIDED * shorter and longer - shorter > 0.001:
        return f"{text} ({low:{sign}z.3f} to {high:{sign}z.3f})"
    return f"{text} ± {(high - low) / 2:.3f}"


def difference(found: Comparison) -> str:
    """Write a difference with its interval."""
    return with_interval(found.difference, found.low, found.high, signed=True)


def p_value(p: float) -> str:
    """Write a p-value with two digits: ``p = 0.031``, ``p = 2e-05``, ``no p`` where there is none.

    >>> p_value(0.0312), p_value(0.00002), p_value(0.0)
    ('p = 0.031', 'p = 2e-05', 'p < 1e-16')
    """
    if math.isnan(p):
        return "no p"
    if p < 1e-16:
        return "p < 1e-16"
    return f"p = {p:.0e}" if p < 0.001 else f"p = {p:.2g}"


def count(number: int, noun: str) -> str:
    """Write a number of things.

    >>> count(1, "seed"), count(16, "seed")
    ('1 seed', '16 seeds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def share(value: float) -> str:
    """Write a share as a percentage.

    >>> share(0.3204)
    '32.0%'
    """
    return f"{100 * value:.1f}%"
