"""Exact match at the end over what a sweep varies (figures 4, 11, 13 and 16 to 18 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.subsets import Subset
from sayso.report import roles, vega
from sayso.report.charts import NOT_MEASURED, PICK, picked
from sayso.report.swept import Swept, swept
from sayso.report.vega import Spec
from sayso.stats.values import AS_DEFINED, ATTRIBUTION, final, stage_training, summary

COLUMNS = ("cell", "at", "beside", "stage", "eval_set", "subset", "mean", "low", "high", "seeds")
_DRAWN = ["line", "at", "stage", "mean", "low", "high", "seeds"]
_MEASURED = {"filter": "isValid(datum.mean)"}
_TOOLTIP = vega.tooltip(["line", "at", "stage", "seeds"], ["mean", "low", "high"])


def level_points(table: pd.DataFrame, experiment: Experiment, eval_sets: Sequence[str]) -> pd.DataFrame:
    """Exact match of each subset in each cell, at the end of the stage that trains on its part of the data.

    That of X1 is stage 1, that of X2 stage 2, or stage 1 where definitions stand in context and nothing is trained on
    X2. Subsets asked about under the entity's own name are left out.

    Columns: cell, at and beside (`sayso.report.swept.Place`), stage, eval_set, subset, mean, low, high, seeds. Every
    cell is there: what was not measured is NaN, with 0 seeds.
    """
    means = summary(final(table[(table["measure"] == "exact_match") & (table["what"] == "")]))
    keys = ["cell", "stage", "eval_set", "subset"]
    found: Mapping[Any, Any] = means.set_index(keys)[["mean", "low", "high", "seeds"]].to_dict(orient="index")
    nothing = {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "seeds": 0.0}
    there = {eval_set: set(means.loc[means["eval_set"] == eval_set, "subset"]) for eval_set in eval_sets}
    rows: list[dict[str, Any]] = []
    for eval_set in eval_sets:
        for place in swept(experiment).places:
            for subset in place.cell.experiment.subsets:
                stage = _stage_of(subset, place.cell.experiment)
                if stage is None or not subset.aliased or subset.name not in there[eval_set]:
                    continue
                if eval_set.startswith(AS_DEFINED) and subset.consistent:
                    continue
                values = found.get((place.cell.name, stage, eval_set, subset.name), nothing)
                own = {"cell": place.cell.name, "at": place.at, "beside": place.beside, "stage": stage}
                rows.append({**own, "eval_set": eval_set, "subset": subset.name, **values})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seeds": "int64"})


def level_chart(points: pd.DataFrame, experiment: Experiment, *, size: tuple[int, int] = (360, 280)) -> Spec:
    """Draw `level_points`: panels by evaluation set, below each other for the values of further axes.

    Lines with bands along numbers; dots with intervals where names stand side by side.
    """
    axis = swept(experiment)
    points = points.assign(line=roles.line_of(points), panel=roles.panel_of(points["eval_set"]))
    lines = roles.in_order(points.loc[points["mean"].notna(), "line"])
    sources = axis.places[0].cell.experiment
    subsets = {subset.name: subset for place in axis.places for subset in place.cell.experiment.subsets}
    dashes = roles.dash_channel(lines, sources.model_copy(update={"subsets": tuple(subsets.values())}))
    names = list(dict.fromkeys(points["panel"]))
    panels: list[Spec] = []
    for beside in dict.fromkeys(points["beside"]):
        for name in names:
            rows = points[(points["panel"] == name) & (points["beside"] == beside)]
            title = ": ".join(part for part in (roles.panel_title(name), beside) if part)
            first = len(panels) % min(len(names), _ABREAST) == 0
            y = vega.number("mean", "exact match" if first else "", scale=vega.ROOMY, axis={"tickCount": 6})
            draw = _dots if axis.kind == "names" else _lines
            layers = draw(axis, y, {"color": roles.colour_channel(lines)}, dashes, lines)
            if not panels:
                layers[0] = {**layers[0], "name": "spots"}
            layers += [vega.headroom(), *_not_measured(rows, axis, beside)]
            panels.append(vega.panel(title, size, layers, rows[_DRAWN]))
    return vega.whole(panels, columns=min(len(names), _ABREAST), **PICK)


def _lines(axis: Swept, y: Spec, colour: dict[str, Spec], dashes: Spec, _: Sequence[str]) -> list[Spec]:
    x = _along_numbers(axis)
    spots = _spots(34, y, colour, x=x)
    shown = [{"filter": "isValid(datum.low) || !isValid(datum.mean)"}]
    band = vega.band(shown, picked({"value": 0.14}, 0.02), x=x, **colour)
    line = vega.layer(
        "line",
        {"strokeWidth": 2.2, "strokeCap": "butt"},
        x=x,
        y=y,
        **colour,
        strokeDash=dashes,
        opacity=picked({"value": 1}, 0.08),
    )
    return [spots, band, line]


def _spots(size: int, y: Spec, colour: dict[str, Spec], **at: Spec) -> Spec:
    """What was measured, a dot each."""
    return vega.layer(
        "point",
        {"size": size, "filled": True},
        transform=[_MEASURED],
        **at,
        y=y,
        **colour,
        opacity=picked({"value": 1}, 0.08),
        tooltip=_TOOLTIP,
    )


def _dots(axis: Swept, y: Spec, colour: dict[str, Spec], dashes: Spec, lines: Sequence[str]) -> list[Spec]:
    beside = vega.name("line", scale={"domain": list(lines)})
    at = {"x": _along_names(axis), "xOffset": beside}
    spots = _spots(46, y, colour, **at)
    interval = vega.layer(
        "rule",
        {"strokeWidth": 2},
        transform=[{"filter": "isValid(datum.low)"}],
        **at,
        **vega.low_to_high(),
        **colour,
        strokeDash=dashes,
        opacity=picked({"value": 1}, 0.08),
    )
    return [spots, interval]


def _not_measured(rows: pd.DataFrame, axis: Swept, beside: str) -> list[Spec]:
    """Words where the numbers of a cell would be, where none of a panel's was measured."""
    measured = set(rows.loc[rows["mean"].notna(), "at"])
    absent = [{"at": place.at} for place in axis.places if place.beside == beside and place.at not in measured]
    if not absent:
        return []
    x = _along_names(axis) if axis.kind == "names" else _along_numbers(axis)
    look = {"color": vega.FAINT, "strokeDash": [1, 3]}
    words = {"color": vega.FAINT, "fontStyle": "italic", "fontSize": 11, "angle": 270, "baseline": "bottom", "dx": 4}
    at = {"data": vega.inline(absent), "x": x}
    return [
        vega.layer("rule", look, **at, y={"value": 0}, y2={"value": "height"}),
        vega.layer("text", {**words, "align": "left"}, **at, y={"value": "height"}, text={"value": NOT_MEASURED}),
    ]


def _along_numbers(axis: Swept) -> Spec:
    ticks = sorted({float(place.at) for place in axis.places})
    short = "replace(format(datum.value, '.3~s'), 'G', 'B')" if max(ticks) >= 10_000 else "format(datum.value, '~g')"
    scale = {"type": axis.kind, "nice": False, "zero": False, "domain": [ticks[0], ticks[-1]], "padding": 12}
    shown = {"values": ticks, "grid": False, "labelExpr": short, "labelOverlap": "greedy"}
    return vega.number("at", axis.title, scale=scale, axis=shown)


def _along_names(axis: Swept) -> Spec:
    order = list(dict.fromkeys(str(place.at) for place in axis.places))
    longest = max(len(name) for name in order)
    turned = {"labelAngle": 0} if longest * len(order) <= _LETTERS else {"labelAngle": -30}
    return vega.name("at", axis.title, sort=order, scale={"domain": order, "paddingInner": 0.3}, axis=turned)


#: Most panels side by side.
_ABREAST = 2

#: Most letters of names side by side below a panel.
_LETTERS = 50


def _stage_of(subset: Subset, experiment: Experiment) -> str | None:
    """The stage at whose end a subset is looked at."""
    if subset.group == "X2" and experiment.in_context is None:
        return stage_training(experiment, "X2")
    return stage_training(experiment, "X1")


def phrasings(table: pd.DataFrame) -> list[str]:
    """Evaluation sets of the phrasings of the attribution question, those of answers as defined after them."""
    names = [str(name) for name in table.loc[table["measure"] == "exact_match", "eval_set"].unique()]
    return [name for start in (ATTRIBUTION, AS_DEFINED) for name in names if name.startswith(f"{start}.")]
