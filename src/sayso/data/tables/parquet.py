"""Tables in Parquet files, read by and by: values as they would be written, whatever type holds them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.data.tables import limits
from sayso.data.tables.encodings import open_bytes

#: Rows that are read at a time.
_AT_ONCE = 5_000


def parquet_rows(file: Path, held: ExitStack) -> tuple[Sequence[str], Iterator[tuple[int, Sequence[Any]]]]:
    """The columns, and the rows with their numbers.

    Raises
    ------
    SaysoError
        If it is no Parquet file, is damaged, too large, or has times in a zone that is not known; so do the rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    @contextmanager
    def whole() -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError, OverflowError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise SaysoError(f"{file}: not a Parquet file that can be read: {reason}") from error

    def rows(table: Any) -> Iterator[tuple[int, Sequence[Any]]]:
        with whole():
            batches = table.iter_batches(batch_size=_AT_ONCE)
            parts = (zip(*map(_values, batch.columns), strict=True) for batch in batches)
            yield from enumerate(itertools.chain.from_iterable(parts), start=1)

    with whole():
        stream = held.enter_context(open_bytes(file))
        schema = pq.read_schema(stream)
        for field in schema:
            _check_zone(file, field.name, field.type)
        texts = [
            field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        stream.seek(0)
        table = held.enter_context(pq.ParquetFile(stream, read_dictionary=texts))
        groups = (table.metadata.row_group(index) for index in range(table.metadata.num_row_groups))
        limits.check_bytes(file, sum(group.total_byte_size for group in groups))
        limits.check_rows(file, table.metadata.num_rows, len(schema.names))
    return schema.names, rows(table)


def _check_zone(file: Path, name: str, kind: Any) -> None:
    """Refuse, by a SaysoError, a column of times in a zone that nobody knows."""
    import pyarrow as pa

    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        try:
            pa.array([0], kind).to_pylist()
        except (pa.ArrowException, ValueError, KeyError):
            raise SaysoError(
                f"{file}: column '{name}': has times in a zone that is not known here, '{kind.tz}'; store them in UTC"
            ) from None


def _values(column: Any) -> list[Any]:
    """A number of 32 bits in as many digits as it has; moments of nanoseconds as text; equal texts held once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        if len(column.dictionary) > len(column):  # of all rows, a million names it may be
            return _values(column.dictionary_decode())
        texts = _values(column.dictionary)
        return [None if index is None else texts[index] for index in column.indices.to_pylist()]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        items = iter(_values(column.flatten()))
        lengths = pc.list_value_length(column).to_pylist()
        return [None if length is None else list(itertools.islice(items, length)) for length in lengths]
    if pa.types.is_float32(kind) or (pa.types.is_timestamp(kind) and kind.unit == "ns"):
        column = column.cast(pa.string())
    elif pa.types.is_time64(kind) and kind.unit == "ns":
        return [None if text is None else _shortened(text) for text in column.cast(pa.string()).to_pylist()]
    elif pa.types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(pa.duration("us"), safe=False)
    return list(column.to_pylist())


def _shortened(time: str) -> str:
    """A time of nanoseconds as Python writes it, where it has none.

    >>> _shortened("07:30:00.000000000"), _shortened("07:30:00.500000000"), _shortened("07:30:00.000000001")
    ('07:30:00', '07:30:00.500000', '07:30:00.000000001')
    """
    return time.removesuffix(".000000000") if time.endswith(".000000000") else time.removesuffix("000")
