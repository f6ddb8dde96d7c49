"""The one reader of tables: text, JSON, Parquet and Excel, with one notion of what a cell holds.

Columns without a name, such as the index that a data frame was written with, and empty rows are left out. Errors are
one line that names the file, the row or line, and the column.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.core.errors import SaysoError, nearest
from sayso.data.progress import OnProgress, unheard
from sayso.data.tables.cells import EMPTY, MISSING, Cell, cell_of, plain_text, text_cell
from sayso.data.tables.formats import csv_rows, open_rows
from sayso.data.tables.kinds import KINDS, SUFFIXES, kind_of
from sayso.data.tables.raw import How, Numbered, Raw

__all__ = ["AS_FOUND", "SUFFIXES", "Content", "How", "columns_of", "cvdb_rows", "read_table", "signature"]

#: Nothing is set.
AS_FOUND = How()

#: How text of the CVDB is read. ``latin-1`` takes any bytes; ``mixed`` reads each cell as UTF-8 if it is, as Latin-1
#: if not.
Encoding = Literal["latin-1", "mixed"]

#: What data frames call the numbers of their rows when they are written.
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__")

_AT_ONCE = 10_000
#: How many different texts of a column are remembered: most columns have few, and are then held once each.
_REMEMBERED = 100_000
#: The CVDB's file may be as many times as large as other tables: it is not held in memory.
_CVDB_SCALE = 8


@dataclass(frozen=True)
class Content:
    """All of a table, by columns.

    Of each row where it is (``place`` and its number: ``row 2``, ``line 1``) and a cell in each column. `how`: what was
    found of how it is written. `left_out`: places, from 1 on, of the columns without a name.
    """

    file: Path
    kind: str
    how: How
    columns: tuple[str, ...]
    place: str
    numbers: Sequence[int]
    cells: Mapping[str, list[Cell]]
    left_out: tuple[int, ...]

    def where(self, index: int) -> str:
        """Where a row is in its file."""
        return f"{self.place} {self.numbers[index]}"

    def rows(self) -> Iterator[tuple[str, dict[str, Cell]]]:
        """Rows with where they are, one by one."""
        for index, cells in enumerate(zip(*self.cells.values(), strict=True)):
            yield self.where(index), dict(zip(self.columns, cells, strict=True))


def signature(file: str | Path) -> tuple[int, ...]:
    """What changes when a file is written anew.

    Raises
    ------
    SaysoError
        If there is none.
    """
    try:
        found = Path(file).stat()
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def read_table(file: str | Path, how: How = AS_FOUND) -> Content:
    """Read all of a table, in which only an empty cell is missing.

    Raises
    ------
    SaysoError
        If the file cannot be read, is of another kind or encoding, is too large, has two columns of one name, or a row
        does not fit.
    """
    path = Path(file)
    kind = kind_of(path.name)
    if kind is None:
        raise SaysoError(f"{file}: a table is one of {KINDS}")
    signature(path)
    with ExitStack() as held:
        raw = open_rows(path, held, kind, how)
        places = [(name, place) for place, name in enumerate(raw.columns) if not _INDEX.fullmatch(name)]
        columns = tuple(name for name, _ in places)
        _check_header(path, raw, columns)
        numbers: list[int] = []
        cells: dict[str, list[Cell]] = {name: [] for name in columns}
        known = {name: _Column() for name in columns}
        nothing = (None,) * len(columns)
        for part in iter(lambda: _part(raw), []):
            if not numbers:
                _check_title(path, raw, [place for _, place in places], *part[0])
            values = list(zip(*(row for _, row in part), strict=True))
            found = {name: _cells(path, raw.place, name, values[place], part, known[name]) for name, place in places}
            kept = [number for number, _ in part]
            filled = [row != nothing for row in zip(*found.values(), strict=True)]
            if not all(filled):
                kept = list(itertools.compress(kept, filled))
                found = {name: list(itertools.compress(column, filled)) for name, column in found.items()}
            numbers += kept
            for name, column in found.items():
                cells[name] += column
    left_out = tuple(place for place, name in enumerate(raw.columns, start=raw.first_column) if _INDEX.fullmatch(name))
    return Content(path, kind, raw.how, columns, raw.place, numbers, cells, left_out)


def columns_of(file: Path) -> tuple[str, ...]:
    """The columns of a CSV table in whatever encoding.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    with ExitStack() as held:
        return tuple(csv_rows(file, held, How("latin-1", ","), strict=False, scale=_CVDB_SCALE).columns)


@contextmanager
def cvdb_rows(
    file: Path, asked: Sequence[str], *, encoding: Encoding, on_progress: OnProgress = unheard
) -> Iterator[Iterator[tuple[int, tuple[str, ...]]]]:
    """Numbers and cells of the rows of the CVDB's file, read one by one; a row that lacks an answer is empty.

    Rows may be short, and quotes stand anywhere in them. `asked`: the columns that are read.

    Raises
    ------
    SaysoError
        If the file cannot be read, lacks a column, or a row is too long.
    """
    with ExitStack() as held:
        raw = csv_rows(file, held, How("latin-1", ","), strict=False, scale=_CVDB_SCALE, on_progress=on_progress)
        if any("\0" in name for name in raw.columns):
            raise SaysoError(f"{file}: looks like UTF-16, not UTF-8; save it as UTF-8")
        yield _whole_rows(raw.rows, _positions(file, raw, asked), mixed=encoding == "mixed")


def _check_header(file: Path, raw: Raw, columns: Sequence[str]) -> None:
    """Refuse, by a SaysoError, columns of which none has a name, two have the same, or one has a NUL in it."""
    if raw.columns and not columns:
        raise SaysoError(f"{file}: no column has a name; the first row is to name them")
    for name in columns:
        if "\0" in name:
            shown = name.replace("\0", "\\0")
            raise SaysoError(f"{file}: the column's name '{shown}' holds a character of no meaning (NUL); remove it")
    if len(set(columns)) < len(columns):
        raise _called_alike(file, raw, next(name for name, count in Counter(columns).items() if count > 1))


def _check_title(file: Path, raw: Raw, places: Sequence[int], number: int, row: Sequence[Any]) -> None:
    """Refuse, by a SaysoError, a table that has a title where the names of its columns should be."""
    filled = [
        place
        for place, (name, value) in enumerate(zip(raw.columns, row, strict=True))
        if value not in (None, "") and not name.startswith("__")
    ]
    if places == [0] and len(filled) > 1:
        raise SaysoError(
            f"{file}: only the first column has a name, '{raw.columns[0]}', and {raw.place} {number} has {len(filled)} "
            "cells; the first row is to name the columns: remove what is above it, or name them"
        )


def _called_alike(file: Path, raw: Raw, name: str) -> SaysoError:
    first, second = [place for place, other in enumerate(raw.columns, start=raw.first_column) if other == name][:2]
    return SaysoError(f"{file}: two columns are called '{name}', columns {first} and {second}; rename one")


class _Known(dict[Any, "str | None"]):
    """Cells that values of one type and one column hold: most columns have few, and are then held once each."""

    def __missing__(self, key: Any) -> str | None:
        cell = plain_text(key) if isinstance(key, str) and key.isascii() else cell_of(key, EMPTY)
        if len(self) < _REMEMBERED and not (isinstance(key, float) and key == 0):  # 0.0 is -0.0
            self[key] = cell  # type: ignore[assignment]
        return cell  # type: ignore[return-value]


class _Column:
    """Makes cells of the values of a column; by type, for 1 is 1.0 and True."""

    def __init__(self) -> None:
        self._known: dict[type, _Known] = {kind: _Known() for kind in (str, int, float)}

    def cells(self, values: Sequence[Any]) -> list[Cell]:
        """The cells of some rows."""
        known = self._known
        kinds = set(map(type, values))
        if len(kinds) == 1 and (own := known.get(kinds.pop())) is not None:
            return list(map(own.__getitem__, values))
        return [
            None if value is None else known[kind][value] if (kind := type(value)) in known else cell_of(value, EMPTY)
            for value in values
        ]


def _part(raw: Raw) -> list[Numbered]:
    return list(itertools.islice(raw.rows, _AT_ONCE))


def _cells(
    file: Path, place: str, column: str, values: Sequence[Any], rows: Sequence[Numbered], known: _Column
) -> list[Cell]:
    """The cells of a column in some rows."""
    try:
        return known.cells(values)
    except ValueError:
        for (number, _), value in zip(rows, values, strict=True):
            try:
                cell_of(value, EMPTY)
            except ValueError as error:
                raise SaysoError(f"{file}: {place} {number}, column '{column}': {error}") from None
        raise


def _positions(file: Path, raw: Raw, columns: Sequence[str]) -> list[int]:
    """Where each column is."""
    there = list(raw.columns)
    for column in columns:
        if column not in there:
            raise SaysoError(f"{file}: no column '{column}'{nearest(column, list(filter(None, there))[:60])}")
        if there.count(column) > 1:
            raise _called_alike(file, raw, column)
    return [there.index(column) for column in columns]


def _whole_rows(
    rows: Iterator[Numbered], positions: Sequence[int], *, mixed: bool
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The cells of rows of text that lack none; others are empty, and not looked at further, for they may be many."""
    for number, values in rows:
        picked = [values[position] for position in positions]
        if not MISSING.isdisjoint(picked):
            yield number, ()
            continue
        if mixed and not "".join(picked).isascii():
            picked = list(map(_repaired, picked))
        cells = [text_cell(text) for text in picked]
        yield number, tuple(text for text in cells if text is not None) if None not in cells else ()


def _repaired(text: str) -> str:
    """Text that was read as Latin-1, read as UTF-8 if it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text
