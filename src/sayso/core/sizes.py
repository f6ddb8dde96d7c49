"""How many of what is dealt each subset gets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sayso.core.errors import SaysoError
from sayso.core.subsets import Subset

#: Shares of a whole that differ by less are the same number.
ROUNDING = 1e-6


def sizes(subsets: Sequence[Subset], total: int) -> list[int]:
    """How many of `total` items each subset gets: its fraction, rounded down or up, equal fractions alike.

    What rounding down leaves goes to the fractions that lost most by it, to all subsets of that fraction or to none.
    Items that nobody can get without another losing by it are left out, fewer than there are subsets.

    Raises
    ------
    SaysoError
        If a subset with a fraction above 0 would be left empty.
    """
    exact = [subset.fraction * total for subset in subsets]
    result = [math.floor(share + ROUNDING) for share in exact]
    left = min(total, round(math.fsum(exact))) - sum(result)
    for alike in sorted(_alike(exact), key=lambda alike: result[alike[0]] - exact[alike[0]]):
        if len(alike) <= left and exact[alike[0]] - result[alike[0]] > ROUNDING:
            left -= len(alike)
            for index in alike:
                result[index] += 1
    for subset, size in zip(subsets, result, strict=True):
        if subset.fraction > 0 and size == 0:
            raise SaysoError(f"subset {subset.name}: a fraction of {subset.fraction:.3g} of {total} is less than one")
    return result


def _alike(exact: Sequence[float]) -> list[list[int]]:
    """Places of equal numbers together, equal but for rounding; in the order in which they first appear."""
    groups: list[list[int]] = []
    for index, share in enumerate(exact):
        for group in groups:
            if abs(exact[group[0]] - share) <= ROUNDING:
                group.append(index)
                break
        else:
            groups.append([index])
    return groups
