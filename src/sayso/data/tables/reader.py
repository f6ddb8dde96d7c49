"""The one reader of tables: CSV, TSV, JSON, JSONL and Parquet, with one notion of what a cell holds or lacks.

Columns without a name, such as the index that a data frame was written with, are left out. Errors are one line that
names the file, the row or line, and the column.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.core.errors import SaysoError, nearest
from sayso.data.progress import OnProgress, unheard
from sayso.data.tables.cells import EMPTY, MISSING, Cell, cell_of, text_cell
from sayso.data.tables.formats import Numbered, Raw, csv_rows, json_rows, parquet_rows

#: What a file can be called.
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".json", ".jsonl", ".parquet")

#: How text is read. ``latin-1`` takes any bytes; ``mixed`` reads each cell as UTF-8 if it is, as Latin-1 if not.
Encoding = Literal["utf-8", "latin-1", "mixed"]

#: The number of a row (the header of a CSV table is row 1) or line, and its cells in the order of the columns.
Row = tuple[int, tuple[Cell, ...]]

#: What data frames call the numbers of their rows when they are written.
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__")

_Clean = Callable[[Any, Collection[str]], Cell]

log = logging.getLogger("sayso")


@dataclass(frozen=True)
class OpenTable:
    """A table that is being read: its columns, what its rows are called (``row``, ``line``), and the rows, once.

    `left_out`: places, from 1 on, of the columns without a name.
    """

    columns: tuple[str, ...]
    place: str
    rows: Iterator[Row]
    left_out: tuple[int, ...]


@dataclass(frozen=True)
class Content:
    """All of a table: its columns, and of each row where it is (``row 2``, ``line 1``) and its cells by column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, Mapping[str, Cell]], ...]


def read_table(file: str | Path, *, names: Collection[str] = (), missing: Collection[str] = MISSING) -> Content:
    """Read all of a table; columns that are left out are told of in a warning.

    `names`: columns in which only an empty cell is missing, and not the text in `missing`.

    Raises
    ------
    SaysoError
        As `opened` does.
    """
    path = Path(file)
    try:
        found = path.stat()
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error
    changed = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return _content(path, frozenset(names), frozenset(missing), changed)


@contextmanager
def opened(
    file: Path,
    asked: Sequence[str] | None = None,
    *,
    kind: str | None = None,
    encoding: Encoding = "utf-8",
    lenient: bool = False,
    names: Collection[str] = (),
    missing: Collection[str] = MISSING,
    on_progress: OnProgress = unheard,
) -> Iterator[OpenTable]:
    """Open a table to be read row by row.

    Parameters
    ----------
    asked
        The columns that are read; None: all that have a name.
    kind
        One of `SUFFIXES`, where the file's name does not say it.
    lenient
        Whether rows of a CSV table may be short, and quotes stand anywhere in them. Rows that lack a cell are then
        empty.
    names, missing
        As `read_table` takes them.

    Raises
    ------
    SaysoError
        If the file cannot be read, is of another kind or encoding, lacks a column, or a row does not fit.
    """
    kind = kind or next((suffix for suffix in SUFFIXES if file.name.lower().endswith(suffix)), None)
    if kind is None:
        raise SaysoError(f"{file}: a table is one of {', '.join(SUFFIXES)}")
    with ExitStack() as held:
        text = not kind.startswith((".parquet", ".json"))
        if kind == ".parquet":
            raw = parquet_rows(file, held)
        elif not text:
            raw = json_rows(file, held, lines=kind == ".jsonl")
        else:
            separator, read_as = "\t" if kind == ".tsv" else ",", "utf-8" if encoding == "utf-8" else "latin-1"
            raw = csv_rows(file, held, separator, encoding=read_as, strict=not lenient, on_progress=on_progress)
        left_out = tuple(place for place, name in enumerate(raw.columns, start=1) if _INDEX.fullmatch(name))
        columns = tuple(asked or (name for name in raw.columns if not _INDEX.fullmatch(name)))
        positions = _positions(file, raw, columns)
        if lenient and text:
            rows = _whole_rows(raw.rows, positions, missing, mixed=encoding == "mixed")
        else:
            gaps = [EMPTY if name in names else missing for name in columns]
            rows = _cells(file, raw, dict(zip(columns, positions, strict=True)), gaps, text_cell if text else cell_of)
        yield OpenTable(columns, raw.place, rows, left_out)


def columns_of(file: Path) -> tuple[str, ...]:
    """The columns of a CSV table in whatever encoding.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    with opened(file, kind=".csv", encoding="latin-1", lenient=True) as table:
        return table.columns


@functools.lru_cache(maxsize=4)
def _content(file: Path, names: frozenset[str], missing: frozenset[str], _changed: tuple[int, ...]) -> Content:
    with opened(file, names=names, missing=missing) as table:
        for place in table.left_out:
            log.warning(
                "%s: column %d is left out: it has no name of its own, and seems to number the rows", file, place
            )
        rows = ((number, dict(zip(table.columns, cells, strict=True))) for number, cells in table.rows)
        return Content(table.columns, tuple((f"{table.place} {number}", row) for number, row in rows))


def _positions(file: Path, raw: Raw, columns: Sequence[str]) -> list[int]:
    """Where each column is."""
    there = list(raw.columns)
    for column in columns:
        if column not in there:
            raise SaysoError(f"{file}: no column '{column}'{nearest(column, list(filter(None, there))[:60])}")
        if there.count(column) > 1:
            raise SaysoError(f"{file}: two columns are called '{column}'")
    return [there.index(column) for column in columns]


def _cells(
    file: Path, raw: Raw, columns: Mapping[str, int], gaps: Sequence[Collection[str]], clean: _Clean
) -> Iterator[Row]:
    """The cells of all rows in these columns, each with its position."""
    for number, values in raw.rows:
        picked = [values[position] for position in columns.values()]
        try:
            yield number, tuple(map(clean, picked, gaps))
        except ValueError:
            raise _refused(f"{file}: {raw.place} {number}", dict(zip(columns, picked, strict=True))) from None


def _whole_rows(
    rows: Iterator[Numbered], positions: Sequence[int], missing: Collection[str], *, mixed: bool
) -> Iterator[Row]:
    """The cells of rows of text that lack none; others are empty, and not looked at further, for they may be many."""
    gaps = frozenset(missing)
    for number, values in rows:
        picked = [values[position] for position in positions]
        if not gaps.isdisjoint(picked):
            yield number, ()
            continue
        if mixed and not "".join(picked).isascii():
            picked = list(map(_repaired, picked))
        cells = tuple([text_cell(text, gaps) for text in picked])
        yield number, () if None in cells else cells


def _refused(where: str, values: Mapping[str, object]) -> SaysoError:
    """Which of a row's cells is none, and why."""
    for column, value in values.items():
        try:
            cell_of(value)
        except ValueError as error:
            return SaysoError(f"{where}, column '{column}': {error}")
    raise AssertionError(f"{where}: was refused, and every cell of it can be read")


def _repaired(text: str) -> str:
    """Text that was read as Latin-1, read as UTF-8 if it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text
