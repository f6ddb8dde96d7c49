"""Learning curves that a reader can ask: a picture of a page, drawn anew of its numbers when the site is built.

`conf.py` names the pictures and the experiments they are of: ``curves = {"pocket-learning-curves": "pocket"}``. Where a
page shows ``pocket-learning-curves.png``, the site shows the curves of ``pocket-learning-curves.csv``, which is
``charts/learning-curves.csv`` of a results folder. They are drawn by what draws them in ``report.html``, one SVG a
measure. Without JavaScript both stand there with their numbers as a table; with it, a measure is chosen, subsets are
shown and hidden, and numbers are read under the pointer or by moving through the epochs. On GitHub and in other
formats the page keeps its picture.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd
from docutils import nodes
from markupsafe import Markup

import sayso
from sayso.core.experiment import Experiment
from sayso.report import charts, roles
from sayso.report.drawing import in_page
from sayso.report.figure import svg_text

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_HERE = Path(__file__).parent
_SIZE = (360, 280)
_ROWS = ["panel", "line", "stage", "epoch", "position", "mean", "low", "high", "trained"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add it to Sphinx."""
    app.add_config_value("curves", {}, "env", types=frozenset({dict}))
    app.connect("doctree-resolved", replace)
    app.add_js_file("curves.js")
    app.add_css_file("curves.css")
    return {"version": sayso.__version__, "parallel_read_safe": True, "parallel_write_safe": True}


def replace(app: Sphinx, doctree: nodes.document, docname: str) -> None:  # noqa: ARG001 (Sphinx's own)
    """Put the curves where pictures of them are (Sphinx's ``doctree-resolved``)."""
    if app.builder.format != "html":
        return
    for picture in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir, picture["uri"])
        if file.stem in app.config.curves:
            text = html(file.with_suffix(".csv"), app.config.curves[file.stem], str(picture.get("alt", "")))
            alone = isinstance(picture.parent, nodes.paragraph) and len(picture.parent) == 1
            place = picture.parent if alone else picture
            place.parent.replace(place, nodes.raw("", text, format="html"))


def html(file: Path, name: str, title: str) -> str:
    """The curves of a CSV file as a part of a page.

    Parameters
    ----------
    file
        ``charts/learning-curves.csv`` of a results folder, under any name; also the start of the ids on the page.
    name
        The experiment they are of, in the catalogue.
    title
        What a screen reader says of them.
    """
    experiment = sayso.load(name)
    points = pd.read_csv(file)
    points = points.assign(line=roles.line_of(points), panel=roles.panel_of(points["eval_set"]))
    lines = roles.in_order(points["line"])
    panels = [
        {"name": str(panel), "title": roles.panel_title(str(panel)), "svg": _svg(rows, experiment, file.stem, lines)}
        for panel, rows in points.groupby("panel", sort=False)
    ]
    looks = zip(lines, roles.colours(lines), roles.dashes(lines, experiment), strict=True)
    keys = [{"name": line, "colour": colour, "dash": " ".join(map(str, dash))} for line, colour, dash in looks]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((_HERE / "curves.html.j2").read_text(encoding="utf-8"))
    rows = points[_ROWS].astype(object).where(points[_ROWS].notna(), None).to_dict(orient="records")
    return template.render(
        id=file.stem,
        title=title,
        panels=panels,
        keys=keys,
        seeds=int(points["seeds"].max()),
        rows=rows,
        titles={panel["name"]: panel["title"] for panel in panels},
        json=Markup(json.dumps(rows)),  # noqa: S704 (numbers and names of the catalogue)
    )


def _svg(rows: pd.DataFrame, experiment: Experiment, prefix: str, lines: list[str]) -> Markup:
    """One panel, without the legend, which is of the page."""
    panel = str(rows["panel"].iloc[0])
    points = rows.drop(columns=["line", "panel"])
    spec = charts.learning_curves(points, points, experiment, size=_SIZE)
    for layer in spec["hconcat"][0]["layer"]:
        for channel in {"color", "strokeDash"} & layer.get("encoding", {}).keys():
            layer["encoding"][channel] = {**layer["encoding"][channel], "legend": None}
    spec["params"] = [{**own, "bind": None} for own in spec["params"]]
    name = f"{prefix}-{panel}"
    return in_page(svg_text(spec, name), f"{roles.panel_title(panel)}, by epoch", f"in-{name}", lines)
