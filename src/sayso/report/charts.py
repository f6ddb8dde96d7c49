"""The charts: one Altair value each, the same on the page (interactive) and as SVG and PNG.

Learning curves follow the paper's figure 3: epochs run on over the stages, which a dashed line divides; one line a
subset with its 95% interval over seeds. Colours have the paper's roles. Line styles repeat what colours say of the
source, for readers who see colours differently: solid for the reliable source, dashed for the unreliable one, dotted
for no definition, dash-dotted for a new source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report.points import measured_stages
from sayso.stats.comparisons import mean_interval
from sayso.stats.values import GAP, ordered

COLOURS = {
    "D1cons_QA1": "#7b3fa0",  # purple
    "D2incons_QA2": "#e26fb5",  # pink
    "QA3": "#c98a00",  # ochre
    "QA4": "#555f6b",  # slate
    "D5cons": "#1f6fd6",  # blue
    "D6cons": "#d7301f",  # red
    "QA7": "#9aa3ad",  # light slate
    "D8cons": "#0b9e77",  # green
    "D9incons_QA9": "#27b4cf",  # cyan
    "D10cons_QA10": "#8a8a00",  # olive
}
_OTHER_COLOURS = ("#8c564b", "#5e9c32", "#333f87", "#b5651d")
_SOURCE_DASHES = ([1, 0], [7, 3], [8, 3, 2, 3])  # in the order of an experiment's sources; the last for all others
_NO_SOURCE_DASH = [2, 2.5]

PANEL_TITLES = {
    "validation": "Questions (validation)",
    "entity_attribution": "Entity attribution",
    "train_qa": "Training questions",
    "definitions": "Definitions",
    "questions": "Questions",
    "cosine": "Cosine",
    "inner product": "Inner product",
    "squared distance": "Squared L2 distance",
}
_AXIS_TITLES = {"exact_match": "exact match", "loss": "loss (nats per token)", "gradient_alignment": ""}
#: Panels of a measure (None: all of them) whose values fall by orders of magnitude.
_LOG = {
    "loss": None,
    "gradient_alignment": ("squared distance", "definitions", "questions"),
}
# Nothing below 0 has a place on a log scale.
_BAND_ON_LOG = {"low": "max(datum.low, datum.mean / 3)"}
_GAP_TITLE = f"gap: {GAP[0]} − {GAP[1]} (exact match)"
_INK, _FAINT = "#22272e", "#8b949e"
_FONT = "Liberation Sans, Helvetica, Arial, sans-serif"


def learning_curves(
    points: pd.DataFrame, table: pd.DataFrame, experiment: Experiment, *, width: int = 360, height: int = 280
) -> alt.HConcatChart:
    """Draw `curve_points` of one measure, one panel an evaluation set; clicking a subset's name picks it out.

    Subsets whose part of the data is not trained on yet are drawn faint and without interval.
    """
    measure = str(points["measure"].iloc[0])
    names = ordered(points["subset"].unique())
    pick = alt.selection_point(name="subsets", fields=["subset"], bind="legend")
    colour = alt.Color(
        "subset:N",
        title=None,
        scale=alt.Scale(domain=names, range=colours(names)),
        legend=alt.Legend(symbolType="stroke", symbolSize=500, symbolStrokeWidth=2.5, symbolOpacity=1),
    )
    dash = alt.StrokeDash("subset:N", title=None, scale=alt.Scale(domain=names, range=dashes(names, experiment)))
    panels: list[alt.LayerChart] = []
    for eval_set, rows in points.groupby("eval_set", sort=False):
        log = _is_log(measure, str(eval_set))
        base = alt.Chart(inline(rows)).encode(
            x=alt.X("position:Q", title="epoch", axis=alt.Axis(tickMinStep=1, grid=False)),
            y=alt.Y(
                "mean:Q",
                title=_AXIS_TITLES.get(measure, measure),
                scale=alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False),
                axis=alt.Axis(tickCount=6),
            ),
            color=colour,
            detail="stage:N",
        )
        chosen = alt.when(pick)
        band = (
            base.transform_filter("datum.trained && isValid(datum.low)")
            .transform_calculate(**(_BAND_ON_LOG if log else {}))
            .mark_area(strokeWidth=0)
            .encode(y=alt.Y("low:Q"), y2="high:Q", opacity=chosen.then(alt.value(0.14)).otherwise(alt.value(0.02)))
        )
        line = base.mark_line(strokeWidth=2.2, strokeCap="butt").encode(
            strokeDash=dash,
            opacity=chosen.then(alt.Opacity("trained:O", scale=_TRAINED, legend=None)).otherwise(alt.value(0.08)),
        )
        spots = base.mark_point(size=60, opacity=0, filled=True).encode(tooltip=_CURVE_TOOLTIP)
        if not panels:  # named, for Altair would number views and equal charts would differ
            spots = spots.properties(name="spots").add_params(pick)
        layers = [band, line, spots, *_stage_marks(table, experiment)]
        panels.append(panel(alt.layer(*layers), str(eval_set), width, height))
    return finish(alt.hconcat(*panels, spacing=28))


def gap_by_seed(points: pd.DataFrame, *, width: int = 400, height: int = 240) -> alt.HConcatChart:
    """Draw `gap_points`: a dot a seed, sorted; the line and the band are the mean over seeds and its 95% interval."""
    panels: list[alt.LayerChart] = []
    for eval_set, rows in points.groupby("eval_set", sort=False):
        found = mean_interval(rows["gap"], within=(-1.0, 1.0))
        whole = alt.InlineData(values=[_finite({"mean": found.mean, "low": found.low, "high": found.high, "zero": 0})])
        gap = alt.Y("gap:Q", title=_GAP_TITLE)
        seed = alt.X(
            "seed:N",
            title="seed",
            sort=[int(value) for value in rows["seed"]],
            axis=alt.Axis(labelAngle=0, labelOverlap=True),
        )
        above = alt.condition("datum.gap > 0", alt.value(COLOURS[GAP[0]]), alt.value(COLOURS[GAP[1]]))
        tooltip = [alt.Tooltip("seed:N"), *(alt.Tooltip(f"{name}:Q", format=".3f") for name in (*GAP, "gap"))]
        dots = (
            alt.Chart(inline(rows))
            .mark_point(size=70, filled=True, opacity=1)
            .encode(seed, gap, color=above, tooltip=tooltip)
        )
        band = alt.Chart(whole).mark_rect(color=COLOURS[GAP[0]], opacity=0.13).encode(y="low:Q", y2="high:Q")
        mean = alt.Chart(whole).mark_rule(color=COLOURS[GAP[0]], strokeWidth=2).encode(y="mean:Q")
        zero = alt.Chart(whole).mark_rule(color=_INK, strokeDash=[4, 3]).encode(y="zero:Q")
        spread = [] if math.isnan(found.low) else [band]
        panels.append(panel(alt.layer(*spread, zero, mean, dots), str(eval_set), width, height))
    return finish(alt.hconcat(*panels, spacing=28))


def gap_by_cell(points: pd.DataFrame, *, width: int = 330) -> alt.HConcatChart:
    """Draw `cell_gaps`: the mean gap of each cell and its 95% interval."""
    order = list(dict.fromkeys(points["cell"]))
    panels: list[alt.LayerChart] = []
    for eval_set, rows in points.groupby("eval_set", sort=False):
        axis = alt.Axis(labelLimit=320) if not panels else None
        base = alt.Chart(inline(rows)).encode(y=alt.Y("cell:N", title=None, sort=order, axis=axis))
        tooltip = [alt.Tooltip("cell:N"), *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high"))]
        gap = alt.X("mean:Q", title=_GAP_TITLE, axis=alt.Axis(tickCount=5))
        dots = base.mark_point(size=70, filled=True, opacity=1, color=COLOURS[GAP[0]]).encode(x=gap, tooltip=tooltip)
        interval = base.transform_filter("isValid(datum.low)").mark_rule(color=COLOURS[GAP[0]], strokeWidth=2)
        zero = (
            alt.Chart(alt.InlineData(values=[{"zero": 0}])).mark_rule(color=_INK, strokeDash=[4, 3]).encode(x="zero:Q")
        )
        layers = alt.layer(zero, interval.encode(x="low:Q", x2="high:Q"), dots)
        panels.append(panel(layers, str(eval_set), width, 26 * len(order) + 20))
    return finish(alt.hconcat(*panels, spacing=28))


def colours(names: Sequence[str]) -> list[str]:
    """Colour of each subset: the paper's role where it has one, else one of a few others in turn."""
    others = [name for name in names if name not in COLOURS]
    return [COLOURS.get(name) or _OTHER_COLOURS[others.index(name) % len(_OTHER_COLOURS)] for name in names]


def dashes(names: Sequence[str], experiment: Experiment) -> list[list[float]]:
    """Line style of each subset, by its source."""
    sources = [source.name for source in experiment.sources]
    source_of = {subset.name: subset.source for subset in experiment.subsets}
    result: list[list[float]] = []
    for name in names:
        source = source_of.get(name)
        place = min(sources.index(source), len(_SOURCE_DASHES) - 1) if source in sources else None
        result.append(_NO_SOURCE_DASH if place is None else list(_SOURCE_DASHES[place]))
    return result


def _is_log(measure: str, panel: str) -> bool:
    """Whether a panel has a log scale."""
    panels = _LOG.get(measure, ())
    return panels is None or panel in panels


_TRAINED = alt.Scale(domain=[True, False], range=[1, 0.22])
_CURVE_TOOLTIP = [
    alt.Tooltip("subset:N"),
    alt.Tooltip("stage:N"),
    alt.Tooltip("epoch:Q"),
    *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")),
    alt.Tooltip("seeds:Q"),
]


def _stage_marks(table: pd.DataFrame, experiment: Experiment) -> list[alt.Chart]:
    """Dashed lines between stages, and the name of each stage above its epochs."""
    stages = [(stage, before) for stage, before in measured_stages(table, experiment) if stage.epochs]
    ends = alt.InlineData(values=[{"position": before} for _, before in stages if before])
    names = alt.InlineData(
        values=[{"position": before + stage.epochs / 2, "name": stage.name} for stage, before in stages]
    )
    return [
        alt.Chart(ends).mark_rule(color=_INK, strokeDash=[5, 4], strokeWidth=1.2).encode(x="position:Q"),
        alt.Chart(names).mark_text(color=_FAINT, fontSize=11).encode(x="position:Q", y=alt.value(-8), text="name:N"),
    ]


def panel(chart: alt.LayerChart | alt.FacetChart, eval_set: str, width: int, height: int) -> alt.LayerChart:
    """Give a panel its size and title."""
    title = alt.TitleParams(PANEL_TITLES.get(eval_set, eval_set), offset=20)
    assert isinstance(chart, alt.LayerChart)
    sized: alt.LayerChart = chart.properties(width=width, height=height, title=title)
    return sized


def finish(chart: alt.HConcatChart) -> alt.HConcatChart:
    """Give a chart the fonts and colours of all."""
    text = {"labelColor": _INK, "titleColor": _INK, "labelFontSize": 11, "titleFontSize": 12}
    finished: alt.HConcatChart = (
        chart.configure(font=_FONT, background="white", padding=6)
        .configure_axis(**text, titleFontWeight="normal", gridColor="#e8ebee", domainColor=_FAINT, tickColor=_FAINT)
        .configure_legend(labelColor=_INK, labelFontSize=12, labelLimit=240, rowPadding=4)
        .configure_title(color=_INK, fontSize=13, anchor="start", fontWeight="bold")
        .configure_view(stroke=None)
    )
    return finished


def inline(rows: pd.DataFrame) -> alt.InlineData:
    """Rows inside the chart itself; what was not measured is null."""
    records: list[Mapping[str, Any]] = rows.to_dict(orient="records")  # type: ignore[assignment]
    return alt.InlineData(values=[_finite(record) for record in records])


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which NaN is null and numbers have six digits, as in the records."""
    return {
        key: (None if pd.isna(value) else round(value, 6)) if isinstance(value, float) else value
        for key, value in row.items()
    }
