"""Exact match by what is asked: bars for each kind of question at the end of each stage."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report import roles, vega
from sayso.report.charts import PICK, picked
from sayso.report.points import begun, measured_stages
from sayso.report.vega import Spec
from sayso.stats.values import final, ordered, summary

#: Records of `sayso.measures.by_attribute`; their evaluation sets are named ``validation.born``.
BY_ATTRIBUTE = "exact_match_by_attribute"

_COLUMNS = ["cell", "stage", "eval_set", "attribute", "subset", "mean", "low", "high", "seeds"]


def attribute_points(table: pd.DataFrame, experiment: Experiment, cell: str) -> pd.DataFrame:
    """Mean and interval of each subset by kind of question, at the end of each stage that had trained on it by then.

    Columns: cell, stage, eval_set, attribute, subset, mean, low, high, seeds.
    """
    rows = table[(table["cell"] == cell) & (table["measure"] == BY_ATTRIBUTE)]
    means = summary(final(rows))
    stages = [stage for stage, _ in measured_stages(rows, experiment)]
    trained = begun(experiment, stages)
    pairs = zip(means["stage"], means["subset"], strict=True)
    means = means[np.array([pair in trained for pair in pairs], dtype=bool)]
    if means.empty:
        return pd.DataFrame(columns=_COLUMNS)
    parts = means["eval_set"].str.rpartition(".")
    found = means.assign(eval_set=parts[0], attribute=parts[2])
    places = [stage.name for stage in stages], list(dict.fromkeys(found["attribute"])), ordered(found["subset"])
    for column, names in zip(("stage", "attribute", "subset"), places, strict=True):
        found[f"{column} place"] = found[column].map({name: place for place, name in enumerate(dict.fromkeys(names))})
    by = ["eval_set", *(f"{column} place" for column in ("stage", "attribute", "subset"))]
    found = found.sort_values(by, kind="stable", ignore_index=True)
    return found[_COLUMNS]


def attribute_chart(points: pd.DataFrame, *, size: tuple[int, int] = (400, 220)) -> Spec:
    """Draw `attribute_points`: a panel a stage."""
    points = points.assign(line=points["subset"])
    lines = roles.in_order(points["line"])
    attributes = list(dict.fromkeys(points["attribute"]))
    panels: list[Spec] = []
    for (eval_set, stage), rows in points.groupby(["eval_set", "stage"], sort=False):
        there = [line for line in lines if line in set(rows["line"])]
        at = {
            "x": vega.name("attribute", sort=attributes, scale={"domain": attributes}, axis={"labelAngle": -30}),
            "xOffset": vega.name("line", scale={"domain": there}),
        }
        drawn = rows[["line", "attribute", "mean", "low", "high", "seeds"]]
        bars = vega.layer(
            "bar",
            {},
            **({} if panels else {"name": "spots"}),
            data=vega.inline(drawn),
            **at,
            y=vega.number("mean", "" if panels else "exact match", axis={"tickCount": 6}),
            color={**roles.colour_channel(lines), "legend": {"symbolType": "square", "symbolOpacity": 1}},
            opacity=picked({"value": 0.85}, 0.1),
            tooltip=vega.tooltip(["line", "attribute", "seeds"], ["mean", "low", "high"]),
        )
        interval = vega.layer(
            "rule",
            {"strokeWidth": 1.2, "color": vega.INK},
            data=vega.inline(drawn[drawn["low"].notna()]),
            **at,
            **vega.low_to_high(),
        )
        panels.append(
            vega.panel(f"{roles.panel_title(str(eval_set))}, after {stage}", size, [bars, interval, vega.headroom()])
        )
    return vega.whole(panels, columns=2, resolve={"scale": {"xOffset": "independent"}}, **PICK)
