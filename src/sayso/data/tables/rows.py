"""Rows of a user's table: CSV (UTF-8, gzipped or not), Parquet, or JSONL; values as text, lists as several."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError

#: What a file can be called.
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")

#: Text that stands for no value, in lower case.
_MISSING = ("", "nan")

#: What a cell holds: text, a list of texts (JSONL and Parquet), or None where nothing is.
Cell = str | tuple[str, ...] | None

#: A row: where it is in its file, and its cells by column.
Row = tuple[str, Mapping[str, Cell]]


def read_rows(file: str) -> tuple[tuple[str, ...], list[Row]]:
    """Columns and rows of a table, in the order of the file.

    Raises
    ------
    SaysoError
        If the file cannot be read, is of another kind or encoding, or a row does not fit; the message names the file
        and the row (in CSV the header is row 1) or line.
    """
    path = Path(file)
    suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise SaysoError(f"{file}: a table is one of {', '.join(SUFFIXES)}")
    try:
        if suffix == ".parquet":
            return _parquet(path)
        data = path.read_bytes()
        if suffix == ".csv.gz":
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SaysoError(f"{file}: truncated or damaged: {error}; copy it again") from error
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SaysoError(
            f"{file}: line {line}: found byte 0x{data[error.start]:02x}, which is not UTF-8; save it as UTF-8"
        ) from error
    return _jsonl(file, text) if suffix == ".jsonl" else _csv(file, text)


def _csv(file: str, text: str) -> tuple[tuple[str, ...], list[Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    number = 0
    try:
        columns = next(reader, [])
        for number, cells in enumerate(reader, start=2):
            if not cells:
                continue
            if len(cells) != len(columns):
                raise SaysoError(f"{file}: row {number} has {len(cells)} cells, the header {len(columns)}")
            rows.append((f"row {number}", {c: _cell(v) for c, v in zip(columns, cells, strict=True)}))
    except csv.Error as error:
        raise SaysoError(f"{file}: row {max(number, 1) + 1}: not a row of a CSV table: {error}") from error
    return _once(file, columns), rows


def _jsonl(file: str, text: str) -> tuple[tuple[str, ...], list[Row]]:
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise SaysoError(f"{file}: line {number}: not JSON: column {error.colno}: {error.msg}") from error
        if not isinstance(found, dict):
            raise SaysoError(f"{file}: line {number}: holds {type(found).__name__}, where an object should be")
        columns |= dict.fromkeys(found)
        rows.append((f"line {number}", {column: _checked(file, number, column, v) for column, v in found.items()}))
    return tuple(columns), rows


def _checked(file: str, line: int, column: str, value: Any) -> Cell:
    if isinstance(value, dict):
        raise SaysoError(
            f"{file}: line {line}, column '{column}': holds an object, where an answer or a list should be"
        )
    return _cell(value)


def _parquet(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise SaysoError(f"{path}: not a whole Parquet file: {error}") from error
    columns = _once(str(path), table.column_names)
    return columns, [
        (f"row {number}", {column: _cell(value) for column, value in row.items()})
        for number, row in enumerate(table.to_pylist(), start=1)
    ]


def _once(file: str, columns: Sequence[str]) -> tuple[str, ...]:
    if twice := [column for column in columns if columns.count(column) > 1]:
        raise SaysoError(f"{file}: two columns are called '{twice[0]}'")
    return tuple(columns)


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return tuple(text for item in value if (text := _text(item))) or None
    return _text(value) or None


def _text(value: Any) -> str:
    """A value as text; whole numbers without a point, nothing for what is missing."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        value = int(value) if value.is_integer() else value
    text = " ".join(str("" if value is None else value).split())
    return "" if text.lower() in _MISSING else text
