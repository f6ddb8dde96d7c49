"""The table as ``sayso list`` prints it: by figure of the paper, each experiment with its pocket twins, and as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sayso.core.sweep import cells
from sayso.paper.costs import CARD, cost_of, downloads
from sayso.paper.rows import Row, listed

#: Widest that names and what they take may be, so that a page of 80 columns has room for downloads.
_NAME, _TAKES = 34, 9

_LEGEND = (
    f"All seeds take: at full size hours of one {CARD}, as 'sayso show NAME --gpu' estimates "
    "them without the facts at hand; at pocket size minutes of two cores, where measured. On the right what must "
    "be downloaded ('sayso data prepare' for facts)."
)


def catalogue_page(table: Mapping[str, Row]) -> RenderableType:
    """Rows by figure, then by footnote, then what is beyond the paper and the controls."""
    parts: list[RenderableType] = []
    for title, rows in groups(table):
        parts.append(Text(title, style="bold"))
        for lead, beside in rows:
            parts.append(Padding(Text(lead.about.shows), (0, 0, 0, 2)))
            parts.append(Padding(_lines([lead, *beside]), (0, 0, 0, 4)))
        parts.append(Text())
    return Group(*parts, Text(_LEGEND))


def groups(table: Mapping[str, Row]) -> list[tuple[str, list[tuple[Row, list[Row]]]]]:
    """Titles, and below each its rows, each with its twins that are not shown above in the same group."""
    found: dict[str, list[tuple[Row, list[Row]]]] = {}
    papers = sorted((row for row in table.values() if row.about.kind == "paper"), key=_in_the_paper)
    for row in papers:
        rows = found.setdefault(_heading(row), [])
        shown = {twin.name for _, beside in rows for twin in beside}
        rows.append((row, [twin for twin in _twins(row, table) if twin.name not in shown]))
    for kind, title in (("beyond", "beyond the paper"), ("control", "controls, which must find nothing")):
        found[title] = [(row, []) for row in table.values() if row.about.kind == kind]
    return list(found.items())


def catalogue_data(table: Mapping[str, Row]) -> list[dict[str, Any]]:
    """The rows as plain data, in the order of the table."""
    return [_data(row) for row in table.values()]


def _data(row: Row) -> dict[str, Any]:
    about, experiment, cost = row.about, row.experiment, cost_of(row.experiment)
    planned = len(cells(experiment))
    return {
        "name": row.name,
        "kind": about.kind,
        "shows": about.shows,
        "found": about.found,
        "note": about.note,
        "sections": about.sections,
        "figures": about.figures,
        "footnotes": about.footnotes,
        "twin": about.twin,
        "cells": planned,
        "seeds": experiment.seeds.count,
        "stage2_seeds": experiment.stage2_seeds,
        "gpu_hours": cost.gpu_hours if cost else None,
        "gpu": CARD if cost and cost.gpu_hours is not None else None,
        "minutes": cost.minutes if cost else None,
        "downloads": downloads(experiment),
        "digest": experiment.digest(),
    }


def _heading(row: Row) -> str:
    """The row's figures, or footnotes where it has none."""
    about = row.about
    return listed("figure", about.figures) or listed("footnote", [str(number) for number in about.footnotes])


def _in_the_paper(row: Row) -> tuple[bool, int, str]:
    """Sorts by the first figure, footnotes after all figures."""
    if not row.about.figures:
        return True, row.about.footnotes[0], ""
    number = re.match(r"\d+", row.about.figures[0])
    return False, int(number[0]) if number else 0, row.about.figures[0]


def _twins(row: Row, table: Mapping[str, Row]) -> Iterable[Row]:
    pockets = (other for other in table.values() if other.about.kind == "pocket")
    return (other for other in pockets if row.name == other.about.twin or row.about.twin == other.name)


def _lines(rows: Sequence[Row]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_NAME, no_wrap=True)
    grid.add_column(width=_TAKES, justify="right", no_wrap=True)
    grid.add_column()
    for row in rows:
        grid.add_row(Text(row.name, style="bold"), Text(_takes(row)), Text(_needed(downloads(row.experiment))))
    return grid


def _takes(row: Row) -> str:
    cost = cost_of(row.experiment)
    if cost is None:
        return ""
    if cost.gpu_hours is not None:
        return f"{cost.gpu_hours:,.0f} h"
    return f"{cost.minutes:.0f} min"


def _needed(names: Sequence[str]) -> str:
    """Facts, and the model, or how many models there are."""
    facts = [name for name in names if "/" not in name]
    models = [name.rpartition("/")[2] for name in names if "/" in name]
    return ", ".join([*facts, *(models if len(models) < 2 else [f"{len(models)} models"])])
