"""How numbers are written wherever people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.stats.comparisons import Comparison

NOT_MEASURED = "not measured"

#: An interval whose mean is further from its middle than this share of its half width is written with both ends.
_LOPSIDED = 0.2


def plus_minus(mean: float, low: float, high: float, *, signed: bool = False) -> str:
    """Write a mean with half the width of its interval: ``0.543 ± 0.022``; ``0.543`` alone where there is no interval.

    Where the mean is not in the middle of its interval both ends are written.

    >>> plus_minus(0.0841, 0.063, 0.105, signed=True), plus_minus(0.995, 0.981, 0.998)
    ('+0.084 ± 0.021', '0.995 (0.981 to 0.998)')
    """
    if math.isnan(mean):
        return NOT_MEASURED
    form = "+z.3f" if signed else "z.3f"
    if math.isnan(low):
        return f"{mean:{form}}"
    half = (high - low) / 2
    if abs(mean - (low + high) / 2) > _LOPSIDED * half:
        return f"{mean:{form}} ({low:{form}} to {high:{form}})"
    return f"{mean:{form}} ± {half:.3f}"


def difference(found: Comparison) -> str:
    """Write a difference with its interval."""
    return plus_minus(found.difference, found.low, found.high, signed=True)


def p_value(p: float) -> str:
    """Write a p-value with two digits: ``p = 0.031``, ``p = 2e-05``, ``no p`` where there is none.

    >>> p_value(0.0312), p_value(0.00002), p_value(0.0), p_value(1.0)
    ('p = 0.031', 'p = 2e-05', 'p < 1e-16', 'p = 1')
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
