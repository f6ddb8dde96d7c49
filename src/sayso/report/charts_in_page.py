"""Charts as they stand in pages, and the list of them that a folder of charts keeps: ``charts/index.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from sayso.core.files import read_json, write_atomically
from sayso.report.drawing import in_page
from sayso.report.figure import Figure
from sayso.report.figure_table import FigureTable, data_link, figure_table

_INDEX = "index.json"


@dataclass(frozen=True)
class Chart:
    """A figure as it stands in a report: its SVG, the subsets that can be picked out of it, its numbers, their CSV."""

    figure: Figure
    svg: Markup
    subsets: Sequence[str]
    table: FigureTable
    link: str


@dataclass(frozen=True)
class Drawn:
    """A chart that lies in a folder: `of` numbers the figures of the paper that it is ("3a"), where it is any."""

    file: Path
    title: str
    caption: str
    of: Sequence[str]

    def svg(self, prefix: str) -> Markup:
        """The picture alone, small; `prefix` starts its ids."""
        return in_page(self.file.read_text(encoding="utf-8"), self.title, prefix, values=False)


def chart(figure: Figure) -> Chart:
    """A figure as it stands in a report."""
    subsets = list(dict.fromkeys(figure.data["subset"])) if "subset" in figure.data else []
    return Chart(
        figure=figure,
        svg=in_page(figure.svg, figure.title, f"in-{figure.name}", subsets),
        subsets=subsets,
        table=figure_table(figure.data),
        link=data_link(figure.data),
    )


def save_all(figures: Sequence[Figure], folder: Path) -> None:
    """Write the files of all figures into a folder, and the list of them."""
    for figure in figures:
        figure.save(folder)
    listed = [{"name": own.name, "title": own.title, "caption": own.caption, "of": own.of} for own in figures]
    write_atomically(folder / _INDEX, json.dumps(listed, ensure_ascii=False, indent=1))


def saved(folder: Path) -> list[Drawn]:
    """The charts of a folder, in the order of the report; none where it has no list of them."""
    index = folder / _INDEX
    if not index.exists():
        return []
    return [Drawn(folder / f"{own['name']}.svg", own["title"], own["caption"], own["of"]) for own in read_json(index)]


def of_figure(charts: Sequence[Drawn], number: str) -> list[Drawn]:
    """The charts that are a figure of the paper, such as ``3a``."""
    return [own for own in charts if number in own.of]
