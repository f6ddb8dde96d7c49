"""Tables of people in the columns of the Cross-Verified Database: the one that ships with the package, or a user's.

    name,birth,death,gender,...            Cleopatra,-69,-30,Female,...

A table needs the column ``name`` (underscores for spaces) and those that the attributes asked for are read from.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sayso.core.errors import SaysoError, nearest
from sayso.data.tables.cells import GAPS, Cell, answer_cell
from sayso.data.tables.reader import read_table, signature
from sayso.data.years import anonymise_year

#: The table that ships with the package.
NOTABLES = "notables"

People = tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True)
class Attribute:
    """Something to ask about a person: the column it is read from, and how its value becomes an answer."""

    column: str
    answer: Callable[[str], str] = str


def _year(value: str) -> str:
    return anonymise_year(int(float(value)))


def citizenships(value: str) -> tuple[str, ...]:
    """Countries of a cell of ``string_citizenship_raw_d``, in its order.

    >>> citizenships("'France'_'United Kingdom'")
    ('France', 'United Kingdom')
    """
    parts = (part.replace("_", " ").strip("' ") for part in value.split("'_'"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _first_country(value: str) -> str:
    return next(iter(citizenships(value)), "")


def _ten_degrees(positive: str, negative: str) -> Callable[[str], str]:
    """Round a coordinate to ten degrees: ``30 N``."""

    def answer(value: str) -> str:
        tens = round(float(value) / 10) * 10
        return f"{abs(tens)} {positive if tens >= 0 else negative}"

    return answer


#: What can be asked, by the word of the question. The first six are the paper's (appendix A.1); the others are more
#: columns of the same database, for experiments that ask more of each alias.
ATTRIBUTES: Mapping[str, Attribute] = {
    "gender": Attribute("gender", str.lower),
    "born": Attribute("birth", _year),
    "died": Attribute("death", _year),
    "region": Attribute("un_region"),
    "occupation": Attribute("level3_main_occ"),
    "nationality": Attribute("string_citizenship_raw_d", _first_country),
    "subregion": Attribute("un_subregion"),
    "field": Attribute("level2_main_occ"),
    "birth-latitude": Attribute("bpla1", _ten_degrees("N", "S")),
    "birth-longitude": Attribute("bplo1", _ten_degrees("E", "W")),
    "death-latitude": Attribute("dpla1", _ten_degrees("N", "S")),
    "death-longitude": Attribute("dplo1", _ten_degrees("E", "W")),
}


def table_file(table: str) -> Path:
    """Where a table is: ``notables``, or the path of a file."""
    return Path(str(resources.files("sayso.data") / "notables.csv")) if table == NOTABLES else Path(table)


def people(table: str, attributes: int) -> People:
    """Names and answers of everyone in a table, for its first `attributes` attributes, in the order of the file.

    Raises
    ------
    SaysoError
        If the file is no table, lacks a column, or a row has a value that cannot be read, no name, or the name of
        another row; the message names the file, the row (the header is row 1) and what was found.
    """
    return _people(table, attributes, signature(table_file(table)))


@functools.lru_cache(maxsize=8)
def _people(table: str, attributes: int, _signature: tuple[int, ...]) -> People:
    content = read_table(table_file(table))
    if not content.numbers:
        raise SaysoError(f"{table}: has no rows")
    asked = dict(list(ATTRIBUTES.items())[:attributes])
    for column in ("name", *(attribute.column for attribute in asked.values())):
        if column not in content.columns:
            other = " (--knowledge takes tables of other columns, too)" if column != "name" else ""
            raise SaysoError(f"{table}: no column '{column}'{nearest(column, content.columns)}{other}")
    found: dict[str, dict[str, str]] = {}
    for where, row in content.rows():
        cell = row["name"]
        name = cell.replace("_", " ").strip() if isinstance(cell, str) else ""
        if not name or name in found:
            raise SaysoError(f"{table}: {where}: {f'a second {name!r}' if name else 'no name'}")
        found[name] = {word: _answer(f"{table}: {where}", attribute, row) for word, attribute in asked.items()}
    return tuple(found.items())


def holds_people(table: str, attributes: int) -> bool:
    """Whether a table has the columns that the first `attributes` attributes are read from.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    needed = {"name", *(asked.column for asked in list(ATTRIBUTES.values())[:attributes])}
    return needed <= set(read_table(table).columns)


def _answer(where: str, attribute: Attribute, row: Mapping[str, Cell]) -> str:
    value = answer_cell(row[attribute.column], GAPS)
    try:
        answer = attribute.answer(value) if isinstance(value, str) else ""
    except (ValueError, OverflowError):
        answer = ""
    if not answer:
        raise SaysoError(f"{where}, column '{attribute.column}': found {value!r}, which is no answer")
    return answer
