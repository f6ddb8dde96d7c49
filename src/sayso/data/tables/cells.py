"""What a cell of a table holds, the same whatever kind of file it stands in.

1852.0  1852  "1852"       one answer: 1852
(empty) NaN  NULL  <NA>    none: it is missing
["cook", "head cook"]      two answers
"""

from __future__ import annotations

import datetime
import decimal
import math
import re
import uuid
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
#: What spreadsheets write where a formula fails.
_FAILED = ("#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")
#: The same for tables of one's own, and what is written of numbers and days that are none.
GAPS = MISSING | {"inf", "-inf", "NaT", *_FAILED}
#: What stands for nothing in a column of names: somebody may be called Null.
EMPTY = frozenset([""])

#: Characters a cell may have: as many as the csv module takes.
LONGEST = 131_072
#: Types whose text is what is meant.
_PLAIN = (bool, int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)
#: A day and a time as JSON, data frames and spreadsheets write them.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
#: A number as Python and Arrow write large and small ones, and the exponents that are written out.
_POWER = re.compile(r"[+-]?\d(?:\.\d+)?e([+-]\d{1,3})", re.ASCII)
_WRITTEN_OUT = range(-20, 22)
_BOOLEANS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}


def text_cell(text: str, missing: Collection[str] = MISSING) -> str | None:
    """What a cell of text holds, without blanks around it and, in a whole number, without its point.

    >>> [text_cell(text) for text in (" Bern ", "1852.0", "1.5", "NaN")]
    ['Bern', '1852', '1.5', None]
    """
    text = text.strip()
    if text in missing:
        return None
    return text[:-2] if text[-2:] == ".0" and text[:-2].lstrip("+-").isdecimal() else text


def plain_text(text: str) -> str | None:
    """What a cell of text holds, told as in any other kind of file; only an empty cell is missing.

    >>> [plain_text(text) for text in ("1815-12-10T00:00:00.000Z", "1815-12-10T07:30", "1852.00", "1e-05", "NaN")]
    ['1815-12-10', '1815-12-10 07:30:00', '1852', '0.00001', 'NaN']

    Raises
    ------
    ValueError
        If it has more than `LONGEST` characters, or a NUL.
    """
    if len(text) > LONGEST:
        raise ValueError(f"holds {len(text):,} characters; an answer has at most {LONGEST:,}")
    if "\0" in text:
        raise ValueError("holds a character of no meaning (NUL); remove it")
    cell = text_cell(text, EMPTY)
    if cell is None:
        return None
    if len(cell) > 15 and cell[4] == "-" == cell[7]:
        return _moment(cell)
    return _number(cell) if cell[-1].isdecimal() else cell


def answer_cell(cell: Cell, missing: Collection[str]) -> Cell:
    """What a cell is as an answer: nothing where its text stands for that; True and False as Python writes them.

    >>> answer_cell("N/A", GAPS), answer_cell(("true", "NaN"), GAPS)
    (None, ('True',))
    """
    if isinstance(cell, tuple):
        return tuple(_BOOLEANS.get(text, text) for text in cell if text not in missing) or None
    return None if cell is None or cell in missing else _BOOLEANS.get(cell, cell)


def cell_of(value: object, missing: Collection[str] = MISSING) -> Cell:
    """What a value of a Parquet or JSON file is as a cell; a list without anything in it is missing.

    Raises
    ------
    ValueError
        If it is an object, bytes, a list within a list, or text that is too long or cannot be written.
    """
    if isinstance(value, list):
        return tuple(text for item in value if (text := _text_of(item, missing)) is not None) or None
    return _text_of(value, missing)


def _text_of(value: object, missing: Collection[str]) -> str | None:
    if isinstance(value, str):
        if not value.isascii():
            check_written(value)
        text = plain_text(value)
        return None if text is None or text in missing else text
    if value is None:
        return None
    if not isinstance(value, _PLAIN):
        kinds = ((dict, "an object"), (bytes, "bytes"), (list | tuple, "a list in a list"))
        kind = next((said for kind, said in kinds if isinstance(value, kind)), f"a {type(value).__name__}")
        raise ValueError(f"holds {kind}, where an answer or a list of answers should be")
    if isinstance(value, float | decimal.Decimal) and not math.isfinite(value):
        return None
    text = plain_text(format(value, "f") if isinstance(value, decimal.Decimal) else str(value))
    return None if text is None or text in missing else text


def _number(text: str) -> str:
    """A whole number without a point, and none with an exponent, unless it would be very long."""
    if text[-1] == "0":
        whole, point, part = text.partition(".")
        if point and not part.strip("0") and whole.lstrip("+-").isdecimal():
            return whole
    if "e" not in text:
        return text
    found = _POWER.fullmatch(text)
    return format(decimal.Decimal(text), "f") if found and int(found[1]) in _WRITTEN_OUT else text


def _moment(text: str) -> str:
    """A day and a time with a blank between; only the day at midnight."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    day, minute, second, part, zone = found.groups()
    part = (part or "").rstrip("0")
    if (minute, second or "00", part) == ("00:00", "00", ""):
        return day
    zone = "+00:00" if zone == "Z" else zone if zone is None or ":" in zone else f"{zone[:3]}:{zone[3:]}"
    return f"{day} {minute}:{second or '00'}{'.' if part else ''}{part}{zone or ''}"


def check_written(text: str) -> None:
    """Refuse, by a ValueError, text with half a character in it (an emoji cut in two), which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"holds half a character (\\u{ord(text[error.start]):04x}) after '{text[: error.start][-20:]}', "
            "which cannot be written; repair or remove it"
        ) from None
