"""What a file that is open gives, of whatever kind it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: The number of a row (the header of a CSV table is row 1) or line, and its values in the order of the columns.
Numbered = tuple[int, Sequence[Any]]


@dataclass(frozen=True)
class How:
    """How a file is read, or was.

    Parameters
    ----------
    encoding
        Of text; None of a file that has none, such as a workbook, or to be found.
    delimiter
        Between columns; None of a file that has none, or to be found.
    sheet
        Of a workbook; None of other files, or the first.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Raw:
    """A file that is open: its columns, what its rows are called (``row`` or ``line``), and the rows, once.

    `how`: as it is read, with what was found. `first_column`: the place of the first one in the file.
    """

    columns: Sequence[str]
    place: str
    rows: Iterator[Numbered]
    how: How
    first_column: int = 1
