"""The charts of exact match, losses and gaps, each as a specification: the same on the page and as files.

Learning curves follow the paper's figure 3: epochs run on over the stages, which a dashed line divides; one line a
subset with its 95% interval over seeds. What subsets look like: `sayso.report.roles`.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report import drawing, roles, vega
from sayso.report.points import measured_stages
from sayso.report.swept import swept
from sayso.report.vega import Spec
from sayso.stats.comparisons import mean_interval
from sayso.stats.values import GAP

_AXIS_TITLES = {"exact_match": "exact match", "loss": "loss (nats per token)", "gradient_alignment": ""}
#: Panels of a measure (None: all of them) whose values fall by orders of magnitude.
_LOG = {
    "loss": None,
    "gradient_alignment": ("squared distance", "definitions", "questions"),
}
# Nothing below 0 has a place on a log scale.
_BAND_ON_LOG = {"calculate": "max(datum.low, datum.mean / 3)", "as": "low"}
_GAP_TITLE = f"gap: {GAP[0]} − {GAP[1]} (exact match)"
_TRAINED = {
    "field": "trained",
    "type": "ordinal",
    "scale": {"domain": [True, False], "range": [1, 0.22]},
    "legend": None,
}
_IN_STAGE = {"field": "epoch", "type": "nominal", "title": drawing.IN_STAGE}  # the axis counts over all stages
_TOOLTIP = [*vega.tooltip(["line", "stage"], []), _IN_STAGE, *vega.tooltip([], ["mean", "low", "high"])]
_DRAWN = ["line", "stage", "position", "epoch", "trained", "mean", "low", "high", "seeds"]
#: Clicking a subset's name picks it out.
PICK: dict[str, Any] = {
    "params": [
        {"name": "subsets", "select": {"type": "point", "fields": ["line"]}, "bind": "legend", "views": ["spots"]}
    ]
}


def learning_curves(
    points: pd.DataFrame,
    table: pd.DataFrame,
    experiment: Experiment,
    *,
    size: tuple[int, int] = (360, 280),
    together: bool = False,
) -> Spec:
    """Draw `curve_points` of one measure, one panel an evaluation set; clicking a subset's name picks it out.

    Subsets whose part of the data is not trained on yet are drawn faint and without interval. `together`: all panels
    have one vertical scale.
    """
    measure = str(points["measure"].iloc[0])
    points = points.assign(line=roles.line_of(points), panel=roles.panel_of(points["eval_set"]))
    lines = roles.in_order(points["line"])
    panels: list[Spec] = []
    for name, rows in points.groupby("panel", sort=False):
        log = _is_log(measure, str(name))
        y = vega.number(
            "mean",
            _AXIS_TITLES.get(measure, measure) if not panels or not together else "",
            scale=_scale(points if together else rows, log=log, together=together),
            axis={"tickCount": 6},
        )
        along = {
            "x": vega.number("position", "epoch", axis={"tickMinStep": 1, "grid": False}),
            "color": roles.colour_channel(lines),
            "detail": {"field": "stage", "type": "nominal"},
        }
        shown = [{"filter": "datum.trained && isValid(datum.low)"}, *([_BAND_ON_LOG] if log else [])]
        band = vega.band(shown, picked({"value": 0.14}, 0.02), **along)
        line = vega.layer(
            "line",
            {"strokeWidth": 2.2, "strokeCap": "butt"},
            **along,
            y=y,
            strokeDash=roles.dash_channel(lines, experiment),
            opacity=picked(_TRAINED, 0.08),
        )
        spots = vega.layer(
            "point",
            {"size": 60, "opacity": 0, "filled": True},
            **along,
            y=y,
            tooltip=_TOOLTIP,
            **({} if panels else {"name": "spots"}),
        )
        spread = [band] if (rows["trained"] & rows["low"].notna()).any() else []
        layers = [*spread, line, spots, *_stage_marks(table, experiment)]
        panels.append(vega.panel(roles.panel_title(str(name)), size, layers, rows[_DRAWN]))
    return vega.whole(panels, **PICK)


def gap_by_seed(points: pd.DataFrame, *, size: tuple[int, int] = (400, 240)) -> Spec:
    """Draw `gap_points`: a dot a seed, sorted; the line and the band are the mean over seeds and its 95% interval."""
    panels: list[Spec] = []
    for eval_set, rows in points.groupby("eval_set", sort=False):
        found = mean_interval(rows["gap"], within=(-1.0, 1.0))
        mean = vega.inline([{"mean": found.mean, "low": found.low, "high": found.high}])
        colour = {
            "condition": {"test": "datum.gap > 0", "value": roles.COLOURS[GAP[0]]},
            "value": roles.COLOURS[GAP[1]],
        }
        seeds = vega.name(
            "seed",
            "seed",
            sort=[int(value) for value in rows["seed"]],
            axis={"labelAngle": 0, "labelOverlap": True},
        )
        dots = vega.layer(
            "point",
            {"size": 70, "filled": True, "opacity": 1},
            data=vega.inline(rows[["seed", *GAP, "gap"]]),
            x=seeds,
            y=vega.number("gap", _GAP_TITLE, scale=vega.ROOMY),
            color=colour,
            tooltip=vega.tooltip(["seed"], [*GAP, "gap"]),
        )
        blue = roles.COLOURS[GAP[0]]
        look = {"color": blue, "opacity": 0.13}
        band = vega.layer("rect", look, data=mean, **vega.low_to_high())
        rule = vega.layer("rule", {"color": blue, "strokeWidth": 2}, data=mean, y=vega.number("mean"))
        spread = [] if math.isnan(found.low) else [band]
        layers = [*spread, vega.zero_rule("y"), rule, dots, vega.headroom()]
        panels.append(vega.panel(roles.panel_title(str(eval_set)), size, layers))
    return vega.whole(panels)


def gap_by_cell(points: pd.DataFrame, experiment: Experiment, *, width: int = 330) -> Spec:
    """Draw `cell_gaps`: the mean gap of each cell and its 95% interval; a cell without one was not measured."""
    axis = swept(experiment)
    label = {place.cell.name: place.label for place in axis.places}
    order = list(label.values())
    points = points.assign(label=points["cell"].map(label))
    panels: list[Spec] = []
    for eval_set, rows in points.groupby("eval_set", sort=False):
        blue = roles.COLOURS[GAP[0]]
        there, absent = rows[rows["mean"].notna()], rows[rows["mean"].isna()]
        own = {"axis": {"labelLimit": 320} if not panels else None}
        y = vega.name("label", axis.title if not panels else None, sort=order, scale={"domain": order}, **own)
        dots = vega.layer(
            "point",
            {"size": 70, "filled": True, "opacity": 1, "color": blue},
            data=vega.inline(there[["label", "cell", "mean", "low", "high", "seeds"]]),
            x=vega.number("mean", _GAP_TITLE, axis={"tickCount": 5}),
            y=y,
            tooltip=vega.tooltip(["cell", "seeds"], ["mean", "low", "high"]),
        )
        interval = vega.layer(
            "rule",
            {"color": blue, "strokeWidth": 2},
            data=vega.inline(there.loc[there["low"].notna(), ["label", "low", "high"]]),
            x=vega.number("low"),
            x2={"field": "high"},
            y=y,
        )
        unknown = vega.layer(
            "text",
            {"color": vega.FAINT, "fontStyle": "italic", "align": "left", "fontSize": 11},
            data=vega.inline(absent[["label"]]),
            x={"value": 4},
            y=y,
            text={"value": NOT_MEASURED},
        )
        layers = [vega.zero_rule("x"), interval, dots, *([] if absent.empty else [unknown])]
        panels.append(vega.panel(roles.panel_title(str(eval_set)), (width, 26 * len(order) + 20), layers))
    return vega.whole(panels)


#: What stands where a cell's numbers would.
NOT_MEASURED = "not measured"


def picked(shown: Spec, otherwise: float) -> Spec:
    """Opacity of a mark while its subset is picked, or none is, and while another one is."""
    return {"condition": {"param": "subsets", **shown}, "value": otherwise}


def _is_log(measure: str, panel: str) -> bool:
    """Whether a panel has a log scale."""
    panels = _LOG.get(measure, ())
    return panels is None or panel in panels


def _scale(rows: pd.DataFrame, *, log: bool, together: bool) -> Spec:
    if log:
        return {"type": "log", "nice": False}
    if not together:
        return {"zero": False}
    ends = rows.loc[rows["trained"]] if rows["trained"].any() else rows
    low = min(rows["mean"].min(), ends["low"].min())
    high = max(rows["mean"].max(), ends["high"].max())
    return {"zero": False, "domain": [round(float(low), 6), round(float(high), 6)]}


def _stage_marks(table: pd.DataFrame, experiment: Experiment) -> list[Spec]:
    """Dashed lines between stages, and the name of each stage above its epochs."""
    stages = [(stage, before) for stage, before in measured_stages(table, experiment) if stage.epochs]
    ends = [{"position": before} for _, before in stages if before]
    names = [{"position": before + stage.epochs / 2, "name": stage.name} for stage, before in stages]
    look = {"color": vega.INK, "strokeDash": [5, 4], "strokeWidth": 1.2}
    words = {"color": vega.FAINT, "fontSize": 11}
    at = vega.number("position")
    text = {"field": "name", "type": "nominal"}
    return [
        *([vega.layer("rule", look, data=vega.inline(ends), x=at)] if ends else []),
        vega.layer("text", words, data=vega.inline(names), x=at, y={"value": -8}, text=text),
    ]
