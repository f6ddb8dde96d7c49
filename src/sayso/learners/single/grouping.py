r"""Which documents go through the model together.

Documents of one length need no padding, and tokens that many begin with need to be computed only once; but every pass
has a price of its own. `group` weighs the three, in tokens.

    Q: When was <|  abcde|> born?\nA: 19 century         shared by all that begin so; then two groups by length
                    fghi|> born?\nA: 1 century BC
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.learners.encoding import Document


@dataclass(frozen=True)
class Group:
    """Documents for one pass, by position, and how many first tokens they share."""

    rows: tuple[int, ...]
    shared: int = 0


def group(
    documents: Sequence[Document], *, overhead: float, most_rows: int | None, share: bool, least_left: int = 1
) -> list[Group]:
    """Cut documents into groups so that few tokens are computed.

    Parameters
    ----------
    overhead
        The price of a pass in tokens.
    most_rows
        Most documents of a group; None for no limit.
    share
        Whether first tokens may be shared.
    least_left
        How many tokens before the completion are never shared (its first token is predicted from there).
    """
    runs = _runs(documents, overhead, least_left) if share else [Group(tuple(range(len(documents))))]
    result = []
    for run in runs:
        for rows in _by_length(documents, run, overhead):
            parts = 1 if most_rows is None else -(-len(rows) // most_rows)
            result += [Group(tuple(part.tolist()), run.shared) for part in np.array_split(rows, parts)]
    return [found for found in result if found.rows]


def bundles(groups: Sequence[Group], counts: Sequence[int], *, most_rows: int | None, most: int) -> list[list[Group]]:
    """Put groups together whose outputs are computed at once: as many as fit, at least one.

    `counts`: how many outputs each document needs; `most` of them, and `most_rows` documents, fit.
    """
    result: list[list[Group]] = []
    rows = outputs = 0
    for part in groups:
        needed = sum(counts[row] for row in part.rows)
        full = outputs + needed > most or (most_rows is not None and rows + len(part.rows) > most_rows)
        if full or not result:
            result.append([])
            rows = outputs = 0
        result[-1].append(part)
        rows, outputs = rows + len(part.rows), outputs + needed
    return result


def _runs(documents: Sequence[Document], overhead: float, least_left: int) -> list[Group]:
    """Put documents together that begin alike, where that saves more than its passes cost; the rest share nothing."""
    keys = {row: tuple(item.ids[: max(0, item.start - least_left)].tolist()) for row, item in enumerate(documents)}
    order = sorted(keys, key=lambda row: keys[row])

    def best(rows: list[int], depth: int) -> tuple[float, list[Group], list[int]]:
        """Most tokens saved among rows in order that share `depth` tokens: that number, the groups, and the rest."""
        first, last = keys[rows[0]], keys[rows[-1]]
        most = min(len(first), len(last))
        depth = next((at for at in range(depth, most) if first[at] != last[at]), most)
        together = (len(rows) - 1) * depth - 2 * overhead
        saved, found, rest = 0.0, list[Group](), list[int]()
        branches = itertools.groupby(rows, key=lambda row: keys[row][: depth + 1])
        for _, branch in branches if depth < len(last) else ():
            below = best(list(branch), depth + 1)
            saved, found, rest = saved + below[0], found + below[1], rest + below[2]
        if together > max(saved, 0.0):
            return together, [Group(tuple(rows), depth)], []
        return (saved, found, rest) if found else (0.0, [], rows)

    _, found, rest = best(order, 0) if order else (0.0, [], [])
    return [*found, Group(tuple(sorted(rest)))]


def _by_length(documents: Sequence[Document], run: Group, overhead: float) -> list[NDArray[np.int64]]:
    """Cut a run by length so that padding and passes together cost least (exact, by dynamic programming)."""
    if not run.rows:
        return []
    rows = np.array(run.rows)
    sizes = np.array([(len(documents[row].context), len(documents[row].ids) - run.shared) for row in run.rows])
    kinds, kind_of, counts = np.unique(sizes, axis=0, return_inverse=True, return_counts=True)
    cost, cut = np.zeros(len(kinds) + 1), np.zeros(len(kinds) + 1, dtype=np.int64)
    for end in range(1, len(kinds) + 1):
        widest = np.maximum.accumulate(kinds[:end][::-1], axis=0)[::-1].sum(1)
        held = np.cumsum(counts[:end][::-1])[::-1]
        total = cost[:end] + widest * held + overhead
        cut[end] = int(total.argmin())
        cost[end] = total[cut[end]]
    result, end = [], len(kinds)
    while end:
        chosen = (kind_of.ravel() >= cut[end]) & (kind_of.ravel() < end)
        result.append(rows[chosen])
        end = int(cut[end])
    return result[::-1]
