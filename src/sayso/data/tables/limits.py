"""How large a table may be: a small file can unpack to one that fills the memory, and then fails without a word.

``SAYSO_TABLE_GB`` raises all limits together; with 1, which it is where it is not set, a table has at most 1 GB when
it is unpacked and ten million rows.
"""

from __future__ import annotations

import io
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from sayso.core.errors import SaysoError

#: The environment variable that says how many GB a table may have.
VARIABLE = "SAYSO_TABLE_GB"

#: Characters of a line, or of an object in JSON.
LONGEST = 1 << 24

_ROWS = 10_000_000
_LINES = 2 * _ROWS
#: Packed text of a table is a tenth or a thirtieth of it; where it is less than one in so many, it is no table.
_PACKED = 100
#: Bytes that are unpacked in any case.
_SMALL = 10_000_000


def gigabytes() -> float:
    """How many GB a table may have when it is unpacked.

    Raises
    ------
    SaysoError
        If ``SAYSO_TABLE_GB`` is no number above 0.
    """
    text = os.environ.get(VARIABLE) or "1"
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (found > 0 and math.isfinite(found)):
        raise SaysoError(
            f"{VARIABLE} is '{text}'; it is how many GB a table may have when it is unpacked, for example 4"
        )
    return found


def check_bytes(file: Path, size: int, scale: int = 1) -> None:
    """Refuse, by a SaysoError, a table of more bytes than allowed, `scale` times as many as usual."""
    if size > gigabytes() * scale * 1e9:
        raise too_large(file, f"{gigabytes() * scale:g} GB")


def check_rows(file: Path, rows: int, columns: int = 1, scale: int = 1) -> None:
    """Refuse, by a SaysoError, a table of more rows than allowed, or of so many columns that its cells are too many."""
    if rows > (allowed := int(_ROWS * gigabytes() * scale)):
        raise too_large(file, f"{allowed:,} rows")
    if rows * columns > (allowed := 20 * allowed):
        raise too_large(file, f"{allowed:,} cells")


def too_large(file: Path, allowed: str) -> SaysoError:
    """Say what is allowed, and how more is."""
    more = f"{VARIABLE}={max(2, math.ceil(4 * gigabytes()))} allows more, if there is memory for it"
    return SaysoError(f"{file}: holds more than {allowed} when it is unpacked; {more}")


def counted(file: Path, rows: Iterable[Sequence[Any]], scale: int = 1) -> Iterator[tuple[int, Sequence[Any]]]:
    """Number rows from 1 on, as long as there are not too many."""
    allowed = int(_ROWS * gigabytes() * scale)
    for number, row in enumerate(rows, start=1):
        if number > allowed:
            raise too_large(file, f"{allowed:,} rows")
        yield number, row


def lines_of(file: Path, text: TextIO, scale: int = 1) -> Iterator[str]:
    """Lines, none of them so long that it fills the memory, nor so many that they never end."""
    allowed = int(_LINES * gigabytes() * scale)
    for number in itertools.count(1):
        if number > allowed:
            raise too_large(file, f"{allowed:,} lines")
        line = text.readline(LONGEST)
        if not line:
            return
        if len(line) == LONGEST:
            raise SaysoError(f"{file}: line {number} has {LONGEST:,} characters and more; a table has an entity a line")
        yield line


class Unpacked(io.RawIOBase):
    """A stream that unpacks a file, and stops where that is too large, or far larger than any table's text.

    `packed`: how many bytes of the file are read.
    """

    def __init__(self, file: Path, stream: Any, packed: Callable[[], int], scale: int = 1) -> None:
        self._file, self._stream, self._packed, self._scale = file, stream, packed, scale
        self._size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        size: int = self._stream.readinto(buffer)
        self._size += size
        check_bytes(self._file, self._size, self._scale)
        if self._size > max(_SMALL, _PACKED * self._packed()) * gigabytes():
            raise too_large(self._file, f"{_PACKED * gigabytes():g} times its size")
        return size
