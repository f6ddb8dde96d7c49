"""The kinds of files that hold tables, each as columns and rows of values; `sayso.data.tables.reader` reads them alike.

Text, Parquet and arrays in JSON are read as a stream.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sayso.core.errors import SaysoError
from sayso.data.progress import OnProgress, unheard
from sayso.data.tables import limits
from sayso.data.tables.cells import LONGEST, cell_of, check_written
from sayso.data.tables.delimiters import called, find_delimiter, said_delimiter
from sayso.data.tables.encodings import open_text, readable
from sayso.data.tables.json_items import DECODER, BrokenJSONError, Twice, items
from sayso.data.tables.kinds import DELIMITED, LINES, WORKBOOKS
from sayso.data.tables.parquet import parquet_rows
from sayso.data.tables.workbooks import workbook_sheet

#: The number of a row (the header of a CSV table is row 1) or line, and its values in the order of the columns.
Numbered = tuple[int, Sequence[Any]]

#: Rows between two reports of how far a file is.
_EVERY = 20_000
#: Lines of JSON that are read at once.
_LINES_AT_ONCE = 1_000
#: Signs of a line without anything in it; the last one is how DOS ends a file.
_NOTHING = " \t\xa0\x1a"


@dataclass(frozen=True)
class How:
    """How a file is to be read; None: as is found. `delimiter`: between columns. `sheet`: of a workbook."""

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
    return _json(file, held, how, lines=kind in LINES)


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
                            "between columns; knowledge.delimiter sets another sign)"
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


def _json(file: Path, held: ExitStack, how: How, *, lines: bool) -> Raw:
    """Read objects, one a line or all in one array; the columns are the keys of all of them."""
    opened = open_text(file, held, how.encoding)
    lines = lines or _lines_of_objects(file, opened.sample, how)
    place, found = ("line", _lines(file, opened.text)) if lines else ("row", _array(file, opened.text))
    columns: dict[str, int] = {}
    names: tuple[str, ...] = ()
    rows: list[Numbered] = []
    with readable(file, lambda: f" after {place} {rows[-1][0] if rows else 0}", opened.encoding):
        for numbers, part in found:
            limits.check_rows(file, len(rows) + len(part), len(columns))
            if set(map(type, part)) == {dict} and set(map(tuple, part)) == {names}:  # as most rows are
                rows += zip(numbers, map(list, map(dict.values, part)), strict=True)
                continue
            for number, item in zip(numbers, part, strict=True):
                values: list[Any] = [None] * len(columns)
                for name, value in _object(f"{file}: {place} {number}", item).items():
                    position = columns.get(name)
                    if position is None:
                        position = columns.get(name.strip())
                    if position is not None:
                        values[position] = value
                    else:
                        _check_column(f"{file}: {place} {number}", name)
                        columns[name.strip()] = len(columns)
                        values.append(value)
                        limits.check_rows(file, len(rows), len(columns))
                rows.append((number, values))
            names = tuple(columns)
    width = len(names)

    def whole() -> Iterator[Numbered]:
        for number, values in rows:
            yield number, values if len(values) == width else [*values, *[None] * (width - len(values))]

    return Raw(names, place, whole(), How(opened.encoding))


def _object(where: str, item: Any) -> dict[str, Any]:
    """An object whose keys differ; by a SaysoError, refuse what is none."""
    if isinstance(item, Twice):
        raise SaysoError(f"{where}: two keys are called '{item.key}'; rename one")
    if not isinstance(item, dict):
        raise SaysoError(f"{where}: holds {_called(item)}, where an object should be")
    return item


def _check_column(where: str, name: str) -> None:
    try:
        check_written(name)
    except ValueError as error:
        raise SaysoError(f"{where}: a column's name {error}") from None


def _lines(file: Path, text: TextIO) -> Iterator[tuple[Sequence[int], list[Any]]]:
    """Numbers and items of lines that are not empty, many at a time."""
    lines = limits.lines_of(file, text)
    number = 1
    while True:
        part: list[str] = []
        try:
            part.extend(itertools.islice(lines, _LINES_AT_ONCE))
        except (SaysoError, UnicodeError, OSError, EOFError):
            yield _items_of(file, number, part)  # what is wrong before it is told first
            raise
        if not part:
            return
        yield _items_of(file, number, part)
        number += len(part)


def _items_of(file: Path, first: int, part: Sequence[str]) -> tuple[Sequence[int], list[Any]]:
    """Numbers and items of some lines, the first of which has a number."""
    if all(line.startswith("{") and line.endswith(("}\n", "}")) for line in part):
        try:
            found: list[Any] = DECODER.decode(f"[{','.join(part)}]")  # in one go: half the time of one by one
        except (ValueError, RecursionError):
            found = []  # one by one they say which it is
        if len(found) == len(part):
            return range(first, first + len(part)), found
    filled = [(number, line) for number, line in enumerate(part, start=first) if line.strip()]
    return [number for number, _ in filled], [_item_of(file, number, line) for number, line in filled]


def _item_of(file: Path, number: int, line: str) -> Any:
    """The item of a line."""
    try:
        return DECODER.decode(line.removeprefix("\ufeff").rstrip(" \t\r\n"))
    except json.JSONDecodeError as error:
        raise SaysoError(f"{file}: line {number}: not JSON: column {error.colno}: {error.msg}") from error
    except RecursionError:
        raise SaysoError(f"{file}: line {number}: lists or objects are nested too deeply") from None
    except ValueError as error:
        raise SaysoError(f"{file}: line {number}: not JSON: {str(error).partition(';')[0]}") from error


def _array(file: Path, text: TextIO) -> Iterator[tuple[Sequence[int], list[Any]]]:
    """Numbers and items of an array, one at a time."""
    try:
        for number, (_, item) in enumerate(items(text, DECODER), start=1):
            yield (number,), [item]
    except BrokenJSONError as error:
        raise SaysoError(f"{file}: line {error.line}: not JSON: column {error.column}: {error}") from error


def _lines_of_objects(file: Path, sample: str, how: How) -> bool:
    """Whether JSON has an object a line; by a SaysoError, refuse it if it is one object."""
    if not sample.lstrip().startswith("{"):
        return False
    with ExitStack() as held:
        opened = open_text(file, held, how.encoding)
        with readable(file, lambda: " after line 1", opened.encoding):
            lines = (line for line in limits.lines_of(file, opened.text) if line.strip())
            first, more = next(lines).removeprefix("\ufeff"), next(lines, None)
    try:
        json.loads(first)
    except json.JSONDecodeError as error:
        whole = error.pos < len(first.rstrip())  # broken, and not cut
    except (ValueError, RecursionError):
        whole = True
    else:
        whole = True
    if more is None or not whole:
        raise SaysoError(
            f"{file}: holds an object, where a list of objects should be (pandas: to_json(..., orient='records'))"
        )
    return True


def _called(value: object) -> str:
    """What a value is in JSON's words."""
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = ((bool, "true or false"), (str, "text"), (list, "a list"))
    return next((said for kind, said in kinds if isinstance(value, kind)), "a number")


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
