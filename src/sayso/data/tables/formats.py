"""The kinds of files that hold tables, each as columns and rows of values; `sayso.data.tables.reader` reads them alike.

Text, Parquet and arrays in JSON are read as a stream.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.data.progress import OnProgress, unheard
from sayso.data.tables import limits
from sayso.data.tables.cells import LONGEST, cell_of
from sayso.data.tables.delimiters import called, find_delimiter, said_delimiter
from sayso.data.tables.encodings import open_text, readable
from sayso.data.tables.json_rows import json_rows
from sayso.data.tables.kinds import DELIMITED, LINES, WORKBOOKS
from sayso.data.tables.parquet import parquet_rows
from sayso.data.tables.raw import How, Numbered, Raw
from sayso.data.tables.workbooks import workbook_sheet

#: Rows between two reports of how far a file is.
_EVERY = 20_000
#: Signs of a line without anything in it; the last one is how DOS ends a file.
_NOTHING = " \t\xa0\x1a"


def open_rows(file: Path, held: ExitStack, kind: str, how: How) -> Raw:
    """Open a table of a kind.

    Raises
    ------
    SaysoError
        If it cannot be read, or is of another kind; so do the rows.
    """
    if kind == ".parquet":
        return _parquet(file, held)
    if kind in WORKBOOKS:
        return _workbook(file, held, how)
    if kind in DELIMITED:
        return csv_rows(file, held, how, usual=DELIMITED[kind])
    return json_rows(file, held, how, lines=kind in LINES)


def csv_rows(
    file: Path,
    held: ExitStack,
    how: How,
    *,
    usual: str = ",",
    strict: bool = True,
    scale: int = 1,
    on_progress: OnProgress = unheard,
) -> Raw:
    """Read a table with a header; unless `strict`, short rows lack cells and quotes may stand anywhere.

    `usual`: the delimiter, if others do not fit better. `scale`: how many times as large it may be as tables usually
    are.
    """
    opened = open_text(file, held, how.encoding, scale)
    said = said_delimiter(opened.sample)
    delimiter = how.delimiter or said or find_delimiter(opened.sample, usual)
    size = file.stat().st_size
    text = limits.lines_of(file, opened.text, scale)
    lines = csv.reader(text, delimiter=delimiter, strict=strict, skipinitialspace=True)
    number = 0
    columns: list[str] = []

    @contextmanager
    def table() -> Iterator[None]:
        with readable(file, lambda: f" after row {number}", opened.encoding):
            try:
                yield
            except csv.Error as error:
                if strict and str(error).startswith("field larger"):
                    long = _long_cell(file, opened.encoding, delimiter, number)
                    if long is not None:
                        place, size = long
                        column = f"'{columns[place]}'" if place < len(columns) else f"{place + 1}"
                        raise SaysoError(
                            f"{file}: row {number + 1}, column {column}: holds {size:,} characters; an answer has at "
                            f"most {LONGEST:,}"
                        ) from None
                raise SaysoError(f"{file}: row {number + 1}: not a row of a CSV table: {error}") from error

    def rows(width: int, first: int) -> Iterator[Numbered]:
        nonlocal number
        with table():
            for count, row in limits.counted(file, lines, scale):
                number = first + count
                if len(row) != width:
                    if strict and not "".join(row).strip(_NOTHING):
                        continue
                    if strict or len(row) > width:
                        what = "cell" if len(row) == 1 else "cells"
                        raise SaysoError(
                            f"{file}: row {number} has {len(row)} {what}, the header {width} (with {called(delimiter)} "
                            "between columns; a cell that holds it needs quotes around it, and for facts "
                            "knowledge.delimiter sets another sign)"
                        )
                    row = [*row, *[""] * (width - len(row))]
                if number % _EVERY == 0:
                    on_progress(opened.done(), size)
                yield number, row
        on_progress(size, size)

    with table():
        if said is not None:
            next(text)
            number = 1
        header: list[str] = []
        for header in lines:
            number += 1
            if len(header) > 1 or "".join(header).strip(_NOTHING) or not strict:
                break
        columns = [name.strip().removeprefix("\ufeff") for name in header]
    first = number
    return Raw(columns, "row", rows(len(columns), first), How(opened.encoding, delimiter))


def _long_cell(file: Path, encoding: str, delimiter: str, before: int) -> tuple[int, int] | None:
    """Which cell of the row after so many is too long, and how long it is; None where its end is not found."""
    limit = csv.field_size_limit(limits.LONGEST)
    try:
        with ExitStack() as held:
            text = open_text(file, held, encoding).text
            rows = csv.reader(limits.lines_of(file, text), delimiter=delimiter, strict=True, skipinitialspace=True)
            row = next(itertools.islice(rows, before, None))
    except (csv.Error, StopIteration):
        return None
    finally:
        csv.field_size_limit(limit)
    return next(((place, len(cell)) for place, cell in enumerate(row) if len(cell) > LONGEST), None)


def _parquet(file: Path, held: ExitStack) -> Raw:
    """Read a Parquet file by and by."""
    columns, rows = parquet_rows(file, held)
    return Raw(columns, "row", rows, How())


def _workbook(file: Path, held: ExitStack, how: How) -> Raw:
    """Read a sheet of a workbook, from its first row that is not empty."""
    sheet = workbook_sheet(file, held, how.sheet)
    _, header = next(sheet.rows, (0, ()))
    columns = [str(cell_of(value) or "") for value in header]
    return Raw(columns, "row", sheet.rows, How(sheet=sheet.name), sheet.first_column)
