"""What is believed of each source that writes in sentences of its own: which doubts are heeded, which neglected."""

from __future__ import annotations

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.subsets import names_of
from sayso.report import roles, vega
from sayso.report.figure import Figure
from sayso.report.graded import PANELS
from sayso.report.vega import Spec
from sayso.stats.comparisons import mean_interval
from sayso.stats.values import by_seed, stage_training

_COLUMNS = ["cell", "eval_set", "measure", "source", "said", "mean", "low", "high", "seeds"]


def by_source_figure(table: pd.DataFrame, experiment: Experiment, cell: str, suffix: str) -> list[Figure]:
    """New definitions of each source, where sources are told apart by the sentences that they write."""
    said = {
        names_of(source.name)[2]: (source.name, "".join(source.definition.write("TAG", "X", "Y")))
        for source in experiment.sources
        if source.definition is not None
    }
    stage = stage_training(experiment, "X2")
    if len(said) < 2 or stage is None:
        return []
    rows: list[dict[str, object]] = []
    panels: list[Spec] = []
    for eval_set, measure, what, axis in PANELS:
        found = by_seed(table, cell=cell, stage=stage, measure=measure, eval_set=eval_set, what=what)
        own: list[dict[str, object]] = []
        for subset, (source, sentence) in said.items():
            if subset not in found:
                continue
            interval = mean_interval(found[subset])
            own.append(
                {
                    "cell": cell,
                    "eval_set": eval_set,
                    "measure": measure,
                    "source": source,
                    "said": sentence,
                    "mean": interval.mean,
                    "low": interval.low,
                    "high": interval.high,
                    "seeds": interval.seeds,
                }
            )
        if own:
            panels.append(_panel(pd.DataFrame(own), axis, roles.panel_title(eval_set), first=not len(panels) % 2))
            rows += own
    if not panels:
        return []
    caption = (
        "What is believed of new aliases X, by the sentence that says whom they stand for: mean over seeds with its "
        "95% interval, at the end."
    )
    chart = vega.whole(panels, columns=2)
    return [Figure(f"by-source{suffix}", "Belief by how it is said", caption, chart, pd.DataFrame(rows)[_COLUMNS])]


def _panel(rows: pd.DataFrame, axis: str, title: str, *, first: bool) -> Spec:
    order = list(rows["said"])
    y = vega.name("said", sort=order, scale={"domain": order}, axis={"labelLimit": 320} if first else None)
    colour = roles.COLOURS["D5cons"]
    interval = vega.layer("rule", {"color": colour, "strokeWidth": 2}, x=vega.number("low"), x2={"field": "high"}, y=y)
    dots = vega.layer(
        "point",
        {"size": 70, "filled": True, "opacity": 1, "color": colour},
        x=vega.number("mean", axis, scale=vega.ROOMY, axis={"tickCount": 5}),
        y=y,
        tooltip=vega.tooltip(["source", "said", "seeds"], ["mean", "low", "high"]),
    )
    return vega.panel(title, (300, 26 * len(order) + 20), [interval, dots], rows)
