"""What all readers of files share: who hears how far they are, and what names a file's bytes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from sayso.core.errors import SaysoError

#: Hears how many bytes of how many (None: not known) are done.
OnProgress = Callable[[int, int | None], None]


def unheard(_done: int, _total: int | None) -> None:
    """Nobody listens."""


def file_sha256(file: Path) -> str:
    """Sha256 (hex) of a file's bytes; read again only if the file has changed.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    try:
        found = file.stat()
        return _sha256(file, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error


@functools.lru_cache(maxsize=64)
def _sha256(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
