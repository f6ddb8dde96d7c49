"""What a cell of a table holds, the same whatever kind of file it stands in.

1852.0  1852  "1852"       one answer: 1852
(empty) NaN  NULL  <NA>    none: it is missing
["cook", "head cook"]      two answers
"""

from __future__ import annotations

import ast
import datetime
import json
import math
from collections.abc import Collection

#: Text, several texts, or None where nothing is.
Cell = str | tuple[str, ...] | None

#: Text that stands for nothing: the spellings that pandas takes for it.
MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
#: What stands for nothing in a column of names: somebody may be called Null.
EMPTY = frozenset([""])


def text_cell(text: str, missing: Collection[str] = MISSING) -> str | None:
    """What a cell of text holds, without blanks around it and, in a whole number, without its point.

    >>> [text_cell(text) for text in (" Bern ", "1852.0", "1.5", "NaN")]
    ['Bern', '1852', '1.5', None]
    """
    text = text.strip()
    if text in missing:
        return None
    return text[:-2] if text[-2:] == ".0" and text[:-2].lstrip("+-").isdecimal() else text


def cell_of(value: object, missing: Collection[str] = MISSING) -> Cell:
    """What a value of a Parquet or JSON file is as a cell; a list without anything in it is missing.

    Raises
    ------
    ValueError
        If it is an object, bytes, a list within a list, or text that no file can hold; the message says which.
    """
    if isinstance(value, list):
        return tuple(text for item in value if (text := _text_of(item, missing)) is not None) or None
    return _text_of(value, missing)


def listed(text: str) -> tuple[str, ...] | None:
    """The texts of a list that is written in a cell, as JSON or Python writes it; None where it is no list.

    >>> listed('["cook", "head cook"]'), listed("['clerk', 3.0]"), listed("[sic]"), listed("cook")
    (('cook', 'head cook'), ('clerk', '3'), None, None)

    Raises
    ------
    ValueError
        If it is an object, or a list of what is no text.
    """
    if not (text.startswith(("[", "{")) and text.endswith(("]", "}"))):
        return None
    found: object = None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
            break
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    if isinstance(found, dict):
        cell_of(found)  # says what is wrong with it
    return (cell_of(found) or ()) if isinstance(found, list) else None  # type: ignore[return-value]


def _text_of(value: object, missing: Collection[str]) -> str | None:
    if isinstance(value, str):
        if not value.isascii():
            check_written(value)
        return text_cell(value, missing)
    if value is None:
        return None
    if isinstance(value, dict | list | tuple | bytes):
        kind = "an object" if isinstance(value, dict) else "bytes" if isinstance(value, bytes) else "a list in a list"
        raise ValueError(f"holds {kind}, where an answer or a list of answers should be")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime.datetime) and value.time() == datetime.time.min:
        value = value.date()
    return text_cell(str(value), missing)


def check_written(text: str) -> None:
    """Refuse, by a ValueError, text with half a character in it (an emoji cut in two), which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"holds half a character (\\u{ord(text[error.start]):04x}) after '{text[: error.start][-20:]}', "
            "which cannot be written; repair or remove it"
        ) from None
