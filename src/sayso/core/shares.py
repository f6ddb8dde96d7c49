"""Who hears how much of a long computation is done."""

from __future__ import annotations

from collections.abc import Callable

#: Hears what share is done, from 0 to 1.
OnShare = Callable[[float], None]


def unheard(_share: float) -> None:
    """Nobody listens."""


def part_of(on_share: OnShare, number: int, count: int) -> OnShare:
    """Hear of one of `count` equal parts, the `number`-th from 0 on, as of the whole.

    >>> part_of(print, 1, 4)(0.5)
    0.375
    """
    return lambda share: on_share((number + share) / count)


class Counter:
    """Counts what is done of `total` things, and tells what share that is."""

    def __init__(self, total: int, on_share: OnShare) -> None:
        self._done, self._total, self._on_share = 0, total, on_share

    def add(self, more: int) -> None:
        """So many more are done."""
        self._done += more
        if more:
            self._on_share(self._done / self._total)
