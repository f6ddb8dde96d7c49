"""Latin squares over seeds: over a square, sources differ in nothing but who they are.

With S sources S consecutive seeds are a square. They share a world (entities, aliases, tags) and its aliases in S
blocks, and in row r of the square, a seed's place in it, block i is told by source (i + r) % S:

    row 0    A: Cleopatra, Darwin     B: Socrates, Gandhi      C: Curie, Newton
    row 1    A: Curie, Newton         B: Cleopatra, Darwin     C: Socrates, Gandhi
    row 2    A: Socrates, Gandhi      B: Curie, Newton         C: Cleopatra, Darwin

So each source tells each alias of each entity once, and uses each of its texts equally often, as far as their numbers
go. What no source defines is the same in all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sayso.core.errors import SaysoError
from sayso.core.seeds import Seeds
from sayso.core.subsets import Subset

_Block = TypeVar("_Block")


def order(subsets: Sequence[Subset]) -> int:
    """How many seeds are a square: as many as there are subsets that a source defines."""
    return sum(subset.source is not None for subset in subsets)


def place(subsets: Sequence[Subset], seed: int) -> tuple[int, int]:
    """The number of a seed's square, and its row in it."""
    return divmod(seed, order(subsets))


def turned(subsets: Sequence[Subset], blocks: Sequence[_Block], row: int) -> list[_Block]:
    """What each subset has in a row, given what it has in the first; blocks of subsets without a source stay."""
    defined = [index for index, subset in enumerate(subsets) if subset.source is not None]
    result = list(blocks)
    for block, index in enumerate(defined):
        result[defined[(block + row) % len(defined)]] = blocks[index]
    return result


def check(subsets: Sequence[Subset], stage2_seeds: int) -> None:
    """Refuse, by a ValueError, subsets that make no Latin square."""
    defined = [subset for subset in subsets if subset.source is not None]
    if len(defined) < 2:
        raise ValueError(f"split.latin_square needs two subsets with a source at least, found {len(defined)}")
    first = defined[0]
    for subset in defined:
        if subset.fraction != first.fraction or subset.group != first.group:
            raise ValueError(
                f"split.latin_square needs equal fractions of one group: {first.name} has {first.fraction:.6g} of "
                f"{first.group}, {subset.name} {subset.fraction:.6g} of {subset.group}"
            )
        if not subset.consistent:
            raise ValueError(f"split.latin_square needs right definitions, and {subset.name} is not consistent")
    if stage2_seeds > 1:
        raise ValueError(f"split.latin_square deals X2 itself; stage2_seeds is {stage2_seeds}, set it to 1")


def seeds_of(squares: int, of: int, first: int) -> Seeds:
    """The seeds of so many squares of an order, from the first square on that begins at seed `first` or later."""
    return Seeds(first=-(-first // of) * of, count=squares * of)


def least(of: int) -> int:
    """How many squares of an order tell sources from noise: one of two sources leaves nothing to know the noise by."""
    return 2 if of == 2 else 1


def require_whole(seeds: Seeds, of: int) -> None:
    """Refuse seeds that are not whole squares of an order.

    Raises
    ------
    SaysoError
        The message names the nearest seeds that are.
    """
    if seeds.first % of == 0 and seeds.count % of == 0:
        return
    right = seeds_of(max(1, round(seeds.count / of)), of, max(0, seeds.first - of // 2))
    raise SaysoError(
        f"seeds {seeds}: {of} sources need whole squares of {of} seeds from a multiple of {of} on; nearest is {right}"
    )
