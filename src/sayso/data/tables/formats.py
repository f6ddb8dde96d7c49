"""The kinds of files that hold tables, each as columns and rows of values; `sayso.data.tables.reader` reads them alike.

Text is UTF-8, gzipped or not, with or without a byte order mark. CSV and Parquet are read as a stream.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from sayso.core.errors import SaysoError
from sayso.data.progress import OnProgress
from sayso.data.tables.cells import check_written

#: The number of a row (the header of a CSV table is row 1) or line, and its values in the order of the columns.
Numbered = tuple[int, Sequence[Any]]

_BOM, _UTF_16, _GZIP = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff"), b"\x1f\x8b"
_SEPARATORS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
#: Rows between two reports of how far a file is.
_EVERY = 20_000
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Raw:
    """A file that is open: its columns, what its rows are called (``row`` or ``line``), and the rows, once."""

    columns: Sequence[str]
    place: str
    rows: Iterator[Numbered]


def csv_rows(
    file: Path, held: ExitStack, separator: str, *, encoding: str, strict: bool, on_progress: OnProgress
) -> Raw:
    """Read a table with a header; unless `strict`, short rows lack cells and quotes may stand anywhere."""
    text, raw = _text(file, held, encoding)
    size = file.stat().st_size
    lines = csv.reader(text, delimiter=separator, strict=strict, skipinitialspace=True)
    number = 0

    @contextmanager
    def table() -> Iterator[None]:
        with _damaged(file, lambda: f" after row {number}"):
            try:
                yield
            except csv.Error as error:
                raise SaysoError(f"{file}: row {number + 1}: not a row of a CSV table: {error}") from error

    def rows(width: int) -> Iterator[Numbered]:
        nonlocal number
        with table():
            for number, row in enumerate(lines, start=2):
                if len(row) != width:
                    if strict and not row:
                        continue
                    if strict or len(row) > width:
                        raise SaysoError(f"{file}: row {number} has {len(row)} cells, the header {width}")
                    row += [""] * (width - len(row))
                if number % _EVERY == 0:
                    on_progress(raw.tell(), size)
                yield number, row
        on_progress(size, size)

    with table():
        columns = [name.strip() for name in next(lines, [])]
    number = 1
    if len(columns) == 1 and (meant := next((sign for sign in _SEPARATORS if sign in columns[0]), None)):
        raise SaysoError(
            f"{file}: the columns seem to be separated by {_SEPARATORS[meant]}; save it with "
            f"{_SEPARATORS[separator]} between them"
        )
    return Raw(columns, "row", rows(len(columns)))


def json_rows(file: Path, held: ExitStack, *, lines: bool) -> Raw:
    """Read objects, one a line or all in one array; the columns are the keys of all of them."""
    text, _ = _text(file, held, "utf-8")
    place, found = ("line", _lines(file, text)) if lines else ("row", _array(file, text))
    columns: dict[str, None] = {}
    rows = []
    for number, item in found:
        if not isinstance(item, dict):
            raise SaysoError(f"{file}: {place} {number}: holds {type(item).__name__}, where an object should be")
        try:
            for name in item:
                check_written(name)
        except ValueError as error:
            raise SaysoError(f"{file}: {place} {number}: a column's name {error}") from None
        columns |= dict.fromkeys(item)
        rows.append((number, item))
    return Raw(tuple(columns), place, ((number, [item.get(name) for name in columns]) for number, item in rows))


def parquet_rows(file: Path, held: ExitStack) -> Raw:
    """Read a Parquet file by and by."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    @contextmanager
    def whole() -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise SaysoError(f"{file}: not a whole Parquet file: {error}") from error

    def values() -> Iterator[Sequence[Any]]:
        for batch in table.iter_batches(batch_size=_AT_ONCE):
            # a number of 32 bits is told in as many digits as it has
            told = (
                column.cast(pa.string()) if pa.types.is_float32(column.type) else column for column in batch.columns
            )
            yield from zip(*(cell.to_pylist() for cell in told), strict=True)

    def rows() -> Iterator[Numbered]:
        with whole():
            yield from enumerate(values(), start=1)

    with whole():
        table = held.enter_context(pq.ParquetFile(held.enter_context(_bytes(file))))
    return Raw(table.schema_arrow.names, "row", rows())


def _lines(file: Path, text: TextIO) -> Iterator[tuple[int, Any]]:
    number = 0
    with _damaged(file, lambda: f" after line {number}"):
        for number, line in enumerate(text, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise SaysoError(f"{file}: line {number}: not JSON: column {error.colno}: {error.msg}") from error


def _array(file: Path, text: TextIO) -> Iterator[tuple[int, Any]]:
    with _damaged(file, str):
        try:
            found = json.loads(text.read())
        except json.JSONDecodeError as error:
            more = "; JSON with an object a line ends in .jsonl" if error.msg == "Extra data" else ""
            raise SaysoError(
                f"{file}: line {error.lineno}: not JSON: column {error.colno}: {error.msg}{more}"
            ) from error
    if not isinstance(found, list):
        raise SaysoError(f"{file}: holds {type(found).__name__}, where a list of objects should be")
    yield from enumerate(found, start=1)


def _text(file: Path, held: ExitStack, encoding: str) -> tuple[TextIO, BinaryIO]:
    """The text of a file from behind its byte order mark, and the file itself."""
    raw = held.enter_context(_bytes(file))
    data: Any = raw
    with _damaged(file, str):
        if raw.peek(2).startswith(_GZIP):
            data = held.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20))
        start = data.peek(3)
        if start.startswith(_BOM):
            data.read(len(_BOM))
        elif start.startswith(_UTF_16) or b"\0" in start[:100]:
            raise SaysoError(f"{file}: looks like UTF-16, not UTF-8; save it as UTF-8")
    return held.enter_context(io.TextIOWrapper(data, encoding=encoding, newline="")), raw


def _bytes(file: Path) -> io.BufferedReader:
    try:
        return file.open("rb")
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror or error}") from error


@contextmanager
def _damaged(file: Path, after: Callable[[], str]) -> Iterator[None]:
    """Say in one line what is wrong with the bytes that are read, and where (`after`)."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SaysoError(f"{file}: truncated or damaged{after()}: {error}; download or copy it again") from error
    except UnicodeDecodeError as error:
        raise SaysoError(f"{file}: {_not_utf_8(file)}; save it as UTF-8") from error
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror or error}") from error


def _not_utf_8(file: Path) -> str:
    """Where a file first is not UTF-8."""
    with ExitStack() as held:
        lines: Any = held.enter_context(_bytes(file))
        if lines.peek(2).startswith(_GZIP):
            lines = held.enter_context(gzip.GzipFile(fileobj=lines))
        for number, line in enumerate(lines, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                column = len(line[: error.start].decode()) + 1
                return f"line {number}, column {column}: found byte 0x{line[error.start]:02x}, which is not UTF-8"
    return "not UTF-8"
