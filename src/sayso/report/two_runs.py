"""Two runs side by side as people read them: tables of text, and a page of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sayso.report import templates
from sayso.stats import numbers as written
from sayso.stats.two_runs import ClaimCompared, differing

#: The title of the table of everything.
ALL_NUMBERS = "All numbers"


@dataclass(frozen=True)
class ShownTable:
    """A table as text.

    Parameters
    ----------
    title
        Its title.
    columns
        Names of the columns.
    rows
        Rows of text.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Shown:
    """What says the most, in a line, and tables.

    Parameters
    ----------
    said
        The line.
    tables
        The tables: what differs first, then everything.
    """

    said: str
    tables: Sequence[ShownTable]


def shown(
    settings: Mapping[str, tuple[object, object]],
    numbers: pd.DataFrame,
    claims: Sequence[ClaimCompared],
    only: tuple[Sequence[str], Sequence[str]],
) -> Shown:
    """Put two runs into text; see `sayso.compared.Compared` for what is given."""
    found = differing(numbers)
    tables = [
        ShownTable(
            "Settings that differ", ("setting", "A", "B"), [(p, _value(a), _value(b)) for p, (a, b) in settings.items()]
        ),
        ShownTable("Numbers that differ", _COLUMNS, _rows(found)),
        ShownTable(
            "Claims", ("claim", "A", "B", "difference in A", "in B", "change"), [_claim(own, claims) for own in claims]
        ),
        ShownTable(ALL_NUMBERS, _COLUMNS, _rows(numbers)),
    ]
    for letter, names in zip("AB", only, strict=True):
        if names:
            tables.append(ShownTable(f"Cells of {letter} alone", ("cell",), [(name,) for name in names]))
    return Shown(_said(numbers, found, claims), tables)


def write_page(file: Path, names: tuple[str, str], what: Shown, notices: Sequence[str]) -> Path:
    """Write a page, which needs nothing beside it.

    Raises
    ------
    SaysoError
        If it cannot be written there.
    """
    return templates.write_page(
        file,
        "two_runs.html.j2",
        first=names[0],
        second=names[1],
        said=what.said,
        notices=notices,
        tables=[(table.title, table.columns, table.rows) for table in what.tables],
    )


_COLUMNS = ("number", "A", "B", "difference", "corrected p", "seeds")


def _said(numbers: pd.DataFrame, found: pd.DataFrame, claims: Sequence[ClaimCompared]) -> str:
    total = written.count(len(numbers), "number")
    how = "seed by seed" if numbers["paired"].all() else "as two samples, for the seeds are not the same"
    turned = sum(own.first.outcome != own.second.outcome for own in claims)
    verdicts = f"{turned} of {written.count(len(claims), 'verdict')} differ{'s' if turned == 1 else ''}."
    if numbers["same"].all():
        return f"All of {total} are the same to the last digit in every seed. {verdicts}"
    same = int(numbers["same"].sum())
    exact = f", {same} of them the same to the last digit in every seed" if same else ""
    differ = f"{len(found)} differ{'s' if len(found) == 1 else ''} after correction"
    return f"{total} compared {how}{exact}: {differ}. {verdicts}"


def _rows(numbers: pd.DataFrame) -> list[tuple[str, ...]]:
    several = numbers["cell"].nunique() > 1
    return [
        (
            _name(row, several=several),
            f"{row['first']:z.3f}",
            f"{row['second']:z.3f}",
            "the same"
            if row["same"]
            else written.with_interval(row["difference"], row["low"], row["high"], signed=True),
            "" if pd.isna(row["p_corrected"]) else written.p_value(row["p_corrected"]).removeprefix("p = "),
            str(row["seeds_first"])
            if row["seeds_first"] == row["seeds_second"]
            else f"{row['seeds_first']}, {row['seeds_second']}",
        )
        for row in numbers.to_dict(orient="records")
    ]


def _name(row: Mapping[Any, Any], *, several: bool) -> str:
    what = f" ({row['what']})" if row["what"] else ""
    where = f"{row['cell']}: " if several else ""
    return f"{where}{row['stage']}, {row['measure']}{what} on {row['eval_set']}: {row['subset']}"


def _claim(own: ClaimCompared, claims: Sequence[ClaimCompared]) -> tuple[str, ...]:
    several = len({each.first.cell for each in claims}) > 1
    change = own.change
    return (
        f"{own.first.cell}: {own.first.sentence}" if several else own.first.sentence,
        own.first.outcome,
        own.second.outcome,
        own.first.difference,
        own.second.difference,
        "the same" if change.same else written.with_interval(change.difference, change.low, change.high, signed=True),
    )


def _value(value: object) -> str:
    return "(not there)" if value is None else json.dumps(value, ensure_ascii=False)
