"""How numbers are written wherever people read them."""

from __future__ import annotations

import math

NOT_MEASURED = "not measured"


def plus_minus(mean: float, low: float, high: float, *, signed: bool = False) -> str:
    """Write a mean with half the width of its interval: ``0.543 ± 0.022``; ``0.543`` alone where there is no interval.

    >>> plus_minus(0.0841, 0.063, 0.105, signed=True)
    '+0.084 ± 0.021'
    """
    if math.isnan(mean):
        return NOT_MEASURED
    text = f"{mean:+z.3f}" if signed else f"{mean:z.3f}"
    return text if math.isnan(low) else f"{text} ± {(high - low) / 2:.3f}"


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
