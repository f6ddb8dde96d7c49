"""Lists that are written in a cell: as JSON, as Python, or as NumPy writes them.

["cook", "maid"]   ['cook', nan]   ('cook', 'maid')   {'cook', 'maid'}   ['cook' 'maid']   [1914 1918]
"""

from __future__ import annotations

import ast
import datetime
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

from sayso.data.tables.cells import EMPTY, cell_of

#: What a list may begin and end with.
_ENDS = {"[": "]", "{": "}", "(": ")"}
_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ITEM = re.compile(
    rf"""\s*(?:(?P<text>{_TEXT})|(?P<made>[A-Za-z_][\w.]*)\((?P<of>(?:{_TEXT}|[^()'"])*)\)|(?P<bare>[^\s,'"()\[\]{{}}]+))"""
    r"(?P<after>\s*,\s*|\s+|$)",
    re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*|\d*\.\d+|\d+\.)(?:[eE][+-]?\d+)?", re.ASCII)
_WORDS = {
    **dict.fromkeys(("None", "null", "nan", "NaN", "NaT", "<NA>", "inf", "-inf")),
    **dict.fromkeys(("True", "true", "np.True_"), True),
    **dict.fromkeys(("False", "false", "np.False_"), False),
}
#: What is made of one text or number, and days and times.
_MADE = re.compile(r"np\.\w+|Timestamp|Timedelta|Decimal|UUID")
_MOMENTS: dict[str, Callable[..., Any]] = {
    "datetime.date": datetime.date,
    "datetime.datetime": datetime.datetime,
    "datetime.time": datetime.time,
}
#: How pandas begins to write an array of its own.
_PANDAS = re.compile(r"<\w+Array>\s")


def listed(text: str) -> tuple[str, ...] | None:
    """The texts of a list, a tuple or a set that is written in a cell; None where it is none.

    >>> listed('["cook", "head cook"]'), listed("['clerk', 3.0]"), listed("['clerk' 'maid']"), listed("[sic]")
    (('cook', 'head cook'), ('clerk', '3'), ('clerk', 'maid'), None)

    Raises
    ------
    ValueError
        If it is an object, a list of what is no text, or looks like a list and cannot be read as one.
    """
    if _PANDAS.match(text):
        raise ValueError("holds an array as pandas prints it; make it a list before the table is written")
    if text[:1] not in _ENDS or text[-1] != _ENDS[text[0]]:
        return None
    found = _json(text)
    if found is None:
        found = _items(text)
    if found is None:
        found = _nested(text)
    if found is not None:
        texts = cell_of(found, EMPTY)
        return texts if isinstance(texts, tuple) else ()
    inner = text[1:-1]
    if text[0] != "(" and "," in inner and not set("[]{}") & set(inner):
        one = json.dumps([text], ensure_ascii=False) if len(text) <= 60 else '["..."]'
        raise ValueError(
            f'holds what may be a list or not; write ["cook", "maid"] if it is several answers, and {one} if it is one'
        )
    return None


def _json(text: str) -> object:
    """A list or an object in JSON; None where it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _items(text: str) -> list[object] | None:
    """What a list of texts, numbers and gaps holds, with commas between them or, in square brackets, blanks."""
    inner = text[1:-1].rstrip()
    found: list[object] = []
    after: list[str] = []
    at, cut = 0, False
    while at < len(inner):
        item = _ITEM.match(inner, at)
        if item is None:
            return None
        if item["bare"] == "...":
            cut = True
        else:
            try:
                found.append(_value(item))
            except LookupError:
                return None
        after.append(item["after"].strip())
        at = item.end()
    if not found or (text[0] == "(" and "," not in after):
        return None
    between = set(after[:-1])
    if len(between) > 1 or (between == {""} and (text[0] != "[" or after[-1])):
        return None
    if cut:
        raise ValueError("holds a list that was cut short (...) when it was written; write all of it")
    return found


def _value(item: re.Match[str]) -> object:
    """A text, number, moment, truth or gap; a LookupError where it is none of them."""
    if item["text"] is not None:
        return _unquoted(item["text"])
    if item["made"] is None:
        return _word(item["bare"])
    inner = item["of"].strip()
    try:
        if (moment := _MOMENTS.get(item["made"])) is not None:
            return moment(*map(int, inner.split(",")))
    except (ValueError, TypeError, OverflowError):
        raise LookupError(inner) from None
    if not _MADE.fullmatch(item["made"]):
        raise LookupError(item["made"])
    return _unquoted(inner) if re.fullmatch(_TEXT, inner, re.DOTALL) else _word(inner)


def _word(text: str) -> object:
    if _NUMBER.fullmatch(text):
        return text if text.lstrip("+-").isdecimal() else float(text)
    return _WORDS[text]


def _unquoted(text: str) -> str:
    """A text without its quotes, and with what its backslashes stand for; in a path they stand for themselves."""
    if "\\" not in text:
        return text[1:-1]
    try:
        return str(_evaluated(text))
    except (ValueError, SyntaxError):
        return text[1:-1]


def _nested(text: str) -> object:
    """An object or a list of lists, objects or bytes, which are no answers; None where it is none of them."""
    try:
        found = _evaluated(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        within = text[1 : text.find("]") + 1]  # as NumPy writes an array of arrays
        return [[]] if within.startswith("[") and "[" not in within[1:] and _items(within) else None
    if isinstance(found, dict):
        return found
    inner = isinstance(found, list | tuple | set) and any(
        isinstance(item, dict | list | tuple | set | bytes) for item in found
    )
    return list(found) if inner else None


def _evaluated(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backslash that means nothing
        return ast.literal_eval(text)
