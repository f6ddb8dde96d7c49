"""Whether any of several sources differ, by how much which, and how small a difference would have been seen.

Values lie in Latin squares (`sayso.core.squares`): in the S seeds of a square each source meets each of S blocks of
aliases once. What a seed or a block adds to all is taken away, and what is left compares sources alone:

    value = seed + block of the square + source + noise

That sources differ at all is tested by dealing the blocks of each square to sources anew, as they might have been:
every such deal is a Latin square too, and was as likely (a randomisation test, exact whatever the noise). The statistic
is the variance of the sources' means. Intervals and pairs of sources rest on the noise of the model above, with as many
degrees of freedom as it leaves. Of pairs, p-values are corrected (Holm) over all.

Twins, two names of one source, are tested alike: blocks are exchanged between twins only.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from sayso.core.rng import stream
from sayso.stats.comparisons import ALPHA, Floats
from sayso.stats.decisions import holm

#: Deals of the randomisation test: a p-value of .05 is known to within .005.
DEALS = 9_999

#: The share of runs in which the smallest difference that can be seen is seen.
POWER = 0.8

#: Statistics that differ by less, relative to the larger, are the same but for rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Ranked:
    """A source and its mean.

    Parameters
    ----------
    source
        The source.
    mean
        Its mean over seeds.
    above
        How much that is above the mean of all sources.
    low
        Lower end of the 95% interval of `above`.
    high
        Upper end.
    """

    source: str
    mean: float
    above: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """Two sources, the one with the greater mean first.

    Parameters
    ----------
    first
        The one.
    second
        The other.
    difference
        Their difference.
    low
        Lower end of its 95% interval.
    high
        Upper end.
    p
        P-value of no difference, over all pairs.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Omnibus:
    """How sources rank, and how much they differ.

    All numbers are NaN, and lists empty, where no square is whole, or only one of two sources.

    Parameters
    ----------
    squares
        How many squares of seeds are whole.
    seeds
        How many seeds these are.
    p
        P-value of no difference at all.
    spread
        The standard deviation of sources' true means, what noise adds taken off (of twins: about the mean of the two).
    noise
        The standard deviation of a seed's value.
    smallest
        A difference of two sources, others midway between them, that is found in 80% of such runs.
    ranking
        The sources, the greatest mean first.
    pairs
        Pairs of them, the furthest apart first.
    least_p
        The smallest p that so many deals can give.
    """

    squares: int
    seeds: int
    p: float
    spread: float
    noise: float
    smallest: float
    ranking: tuple[Ranked, ...]
    pairs: tuple[Pair, ...]
    least_p: float

    @property
    def differ(self) -> bool:
        """Whether it is shown that sources differ."""
        return self.p < ALPHA


def omnibus(values: pd.DataFrame, *, twins: bool = False, deals: int = DEALS) -> Omnibus:
    """Compare sources.

    Parameters
    ----------
    values
        A row a seed (the index), a column a source in the experiment's order. Squares of which a seed was not run, or a
        value not measured, are left out.
    twins
        Whether the second half of the columns are the twins of the first, in the same order, and only twins are
        compared; `pairs` are then the twins.
    deals
        How often the randomisation test deals anew, always in the same ways.
    """
    sources = [str(name) for name in values.columns]
    cube = _whole_squares(values)
    squares, order = cube.shape[0], len(sources)
    freedom = squares * order * order - 1 - (squares * order - 1) - squares * (order - 1) - (order - 1)
    if squares == 0 or freedom < 1:
        return Omnibus(squares, squares * order, math.nan, math.nan, math.nan, math.nan, (), (), math.nan)
    alike, each = (2, 2 ** (order // 2)) if twins else (order, math.factorial(order))  # deals alike, deals a square
    least_p = max(alike / each**squares, 1 / (deals + 1))
    left = cube - cube.mean(axis=2, keepdims=True)  # (squares, rows, blocks), what seeds add taken off
    left -= left.mean(axis=1, keepdims=True)
    source = _dealt(order, np.arange(order))  # (rows, blocks)
    place = np.argsort(source, axis=1)  # (rows, sources): where a source's block is
    means = np.take_along_axis(cube, place[None], axis=2).mean(axis=(0, 1))
    above = np.take_along_axis(left, place[None], axis=2).mean(axis=(0, 1))
    noise = math.sqrt(float(((left - above[source]) ** 2).sum()) / freedom)
    count = squares * order
    reach = float(special.stdtrit(freedom, 1 - ALPHA / 2)) * noise
    half = reach * math.sqrt((1 - 1 / order) / count)
    best = sorted(range(order), key=lambda index: -above[index])
    chosen = [(index, index + order // 2) for index in range(order // 2)] if twins else itertools.combinations(best, 2)
    groups = order // 2 if twins else order - 1
    return Omnibus(
        squares=squares,
        seeds=count,
        p=max(_p_value(left, deals, twins=twins), least_p),  # deals that are drawn need not be in their true shares
        spread=math.sqrt(max(0.0, _variance(above, twins=twins) - noise**2 / count)),
        noise=noise,
        smallest=_smallest(noise, count, groups, freedom),
        ranking=tuple(
            Ranked(sources[i], float(means[i]), float(above[i]), float(above[i]) - half, float(above[i]) + half)
            for i in best
        ),
        pairs=_pairs(sources, above, list(chosen), noise * math.sqrt(2 / count), reach * math.sqrt(2 / count), freedom),
        least_p=least_p,
    )


def _whole_squares(values: pd.DataFrame) -> Floats:
    """Values of whole squares as (squares, rows, blocks): the source of block i in row r is (i + r) % S."""
    order = values.shape[1]
    there = values.dropna()
    found = []
    for _, own in there.groupby(there.index.to_numpy() // order):
        if len(own) == order:
            rows = own.sort_index().to_numpy(dtype=float)
            found.append(np.take_along_axis(rows, _dealt(order, np.arange(order)), axis=1))
    return np.array(found).reshape(-1, order, order)


def _dealt(order: int, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The source of each block in each row, (..., rows, blocks), where block i is treated as block `columns[i]`."""
    return (columns[..., None, :] + np.arange(order)[:, None]) % order


def _p_value(left: Floats, deals: int, *, twins: bool) -> float:
    """P-value of the randomisation test, given what is left without seeds and blocks, (squares, rows, blocks)."""
    squares, order = left.shape[:2]
    draw = stream(0, "omnibus", squares, order)
    plain = np.arange(order)
    columns = np.broadcast_to(plain, (deals + 1, squares, order)).copy()
    if twins:
        half = order // 2
        swapped = draw.random((deals, squares, half)) < 1 / 2
        both = np.concatenate([swapped, swapped], axis=2)
        columns[1:] = np.where(both, (plain + half) % order, plain)
    else:
        columns[1:] = draw.permuted(columns[1:], axis=2)
    sums = np.zeros((deals + 1, order))
    for square, rows in enumerate(left):
        # block i of row r counts for source (columns[i] + r) % S
        where = np.argsort(columns[:, square], axis=1)  # (deals, columns): which block is treated as a column
        for row, own in enumerate(rows):
            sums += np.roll(own[where], row, axis=1)
    statistic = ((sums[:, :half] - sums[:, half:]) ** 2).sum(axis=1) if twins else (sums**2).sum(axis=1)
    return float((statistic >= statistic[0] * (1 - _ROUNDING)).mean())


def _variance(above: Floats, *, twins: bool) -> float:
    """Variance of sources' means; of twins, about the mean of the two."""
    if not twins:
        return float(above.var(ddof=1))
    half = len(above) // 2
    return float(((above[:half] - above[half:]) ** 2).mean()) / 2


def _pairs(
    sources: list[str], above: Floats, chosen: list[tuple[int, int]], error: float, half: float, freedom: int
) -> tuple[Pair, ...]:
    ordered = [(one, other) if above[one] >= above[other] else (other, one) for one, other in chosen]
    apart = np.array([above[one] - above[other] for one, other in ordered])
    p = holm(2 * special.stdtr(freedom, -apart / error)) if error > 0 else np.full(len(apart), math.nan)
    found = [
        Pair(sources[one], sources[other], float(d), float(d) - half, float(d) + half, float(own))
        for (one, other), d, own in zip(ordered, apart, p, strict=True)
    ]
    return tuple(sorted(found, key=lambda pair: -pair.difference))


def _smallest(noise: float, count: int, groups: int, freedom: int) -> float:
    """A difference of two sources that an F-test sees in 80% of runs."""
    bar = special.fdtri(groups, freedom, 1 - ALPHA)
    low, high = 0.0, 1.0

    def seen(difference: float) -> float:  # in units of the noise
        return float(1 - special.ncfdtr(groups, freedom, count * difference**2 / 2, bar))

    while seen(high) < POWER:
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if seen(middle) < POWER else (low, middle)
    return high * noise
