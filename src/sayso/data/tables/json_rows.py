"""Tables in JSON: an object a row, in lines or in one array."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from sayso.core.errors import SaysoError
from sayso.data.tables import limits
from sayso.data.tables.cells import check_written
from sayso.data.tables.encodings import open_text, readable
from sayso.data.tables.json_items import DECODER, BrokenJSONError, Twice, items
from sayso.data.tables.raw import How, Numbered, Raw

#: Lines of JSON that are read at once.
_LINES_AT_ONCE = 1_000


def json_rows(file: Path, held: ExitStack, how: How, *, lines: bool) -> Raw:
    """Read objects, one a line or all in one array; the columns are the keys of all of them.

    Raises
    ------
    SaysoError
        If it cannot be read, or is no JSON of that kind; so do the rows.
    """
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
