"""Who hears how far a file is read or fetched."""

from __future__ import annotations

from collections.abc import Callable

#: Hears how many bytes of how many (None: not known) are done.
OnProgress = Callable[[int, int | None], None]


def unheard(_done: int, _total: int | None) -> None:
    """Nobody listens."""
