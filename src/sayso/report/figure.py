"""A figure, and its files: SVG, PNG, and the data as CSV."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import vl_convert

from sayso.core.files import write_atomically, write_bytes
from sayso.report.table import to_csv
from sayso.report.vega import Spec, version

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True)
class Figure:
    """A chart with its title, caption and data.

    Parameters
    ----------
    name
        The start of its file names.
    title
        Its title.
    caption
        What is to be seen.
    spec
        The chart as a Vega-Lite specification.
    data
        The numbers that are drawn, a row each.
    of
        The figures of the paper it stands for, as the paper numbers them (``3a``, ``3b``), none where the paper has
        none like it.
    """

    name: str
    title: str
    caption: str
    spec: Spec
    data: pd.DataFrame
    of: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """What it stands for, in words: ``figures 3a and 3b``; empty where it stands for none."""
        if len(self.of) < 2:
            return "".join(f"figure {number}" for number in self.of)
        return f"figures {', '.join(self.of[:-1])} and {self.of[-1]}"

    @property
    def chart(self) -> alt.HConcatChart | alt.ConcatChart:
        """The chart as Altair has it, for notebooks and for changes of one's own."""
        import altair as alt

        kind = alt.HConcatChart if "hconcat" in self.spec else alt.ConcatChart
        found: alt.HConcatChart | alt.ConcatChart = kind.from_dict(self.spec, validate=False)
        return found

    @functools.cached_property
    def svg(self) -> str:
        """The chart as SVG text; equal charts give equal text, and ids differ between figures of one page."""
        return svg_text(self.spec, self.name)

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME.png (twice the size on screen) and NAME.csv.

        Parameters
        ----------
        folder
            Where; it is made where it is not there.
        """
        write_atomically(folder / f"{self.name}.svg", self.svg)
        write_bytes(folder / f"{self.name}.png", vl_convert.svg_to_png(self.svg, scale=2))
        write_atomically(folder / f"{self.name}.csv", to_csv(self.data))


def svg_text(spec: Spec, name: str) -> str:
    """Draw a specification as SVG; `name` is the start of the ids in it."""
    text: str = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=version())
    numbers: dict[str, int] = {}  # the renderer numbers clipping areas from where its last chart ended
    return re.sub(r"\bclip(\d+)\b", lambda found: f"{name}-{numbers.setdefault(found[1], len(numbers))}", text)
