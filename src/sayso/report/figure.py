"""A figure, and its files: SVG, PNG, and the data as CSV."""

from __future__ import annotations

import functools
import io
import re
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import pandas as pd

from sayso.core.files import write_atomically
from sayso.report.table import to_csv


@dataclass(frozen=True)
class Figure:
    """A chart with its title, caption and data; `name` is the start of its file names."""

    name: str
    title: str
    caption: str
    chart: alt.HConcatChart
    data: pd.DataFrame

    @functools.cached_property
    def svg(self) -> str:
        """The chart as SVG text; equal charts give equal text, and ids differ between figures of one page."""
        text = io.StringIO()
        self.chart.save(text, format="svg")
        numbers: dict[str, int] = {}  # the renderer numbers clipping areas from where its last chart ended
        return re.sub(
            r"\bclip(\d+)\b", lambda found: f"{self.name}-{numbers.setdefault(found[1], len(numbers))}", text.getvalue()
        )

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME.png (twice the size on screen) and NAME.csv."""
        write_atomically(folder / f"{self.name}.svg", self.svg)
        self.chart.save(str(folder / f"{self.name}.png"), format="png", scale_factor=2)
        write_atomically(folder / f"{self.name}.csv", to_csv(self.data))
