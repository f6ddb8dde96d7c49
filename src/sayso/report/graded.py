"""What is believed of sources against how reliable they were: the trust curve, and shapes that were fitted to it."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.core.subsets import Source, Subset, names_of
from sayso.report import roles, vega
from sayso.report.figure import Figure
from sayso.report.vega import Spec
from sayso.stats.comparisons import LEAST_SEEDS, Floats, mean_interval
from sayso.stats.numbers import with_interval
from sayso.stats.shapes import Shape, normalised, rational, shapes
from sayso.stats.values import ATTRIBUTION, by_seed, stage_training

#: Panels: evaluation set, measure and what of it, and the axis.
PANELS = (
    ("validation", "exact_match", "", "exact match"),
    (ATTRIBUTION, "exact_match", "", "exact match"),
    ("validation", "belief", "calibrated_log_odds", "log-odds (nats)"),
    (ATTRIBUTION, "belief", "calibrated_log_odds", "log-odds (nats)"),
)
_LEAST_SOURCES = 3
_LOOKS = {"linear": [6.0, 3.0], "threshold": [2.0, 2.0], "log-odds": [8.0, 3.0, 2.0, 3.0]}
_COLUMNS = ["cell", "eval_set", "measure", "source", "reliability", "met", "mean", "low", "high", "seeds", *_LOOKS]


def graded_sources(experiment: Experiment) -> list[Source]:
    """The sources with a reliability of their own, least reliable first; none where these are not different."""
    found = [source for source in experiment.sources if source.reliability is not None]
    different = len({source.reliability for source in found}) == len(found) >= _LEAST_SOURCES
    return sorted(found, key=lambda source: source.reliability or 0.0) if different else []


def trust_figure(table: pd.DataFrame, experiment: Experiment, cell: str, suffix: str) -> list[Figure]:
    """The trust curve of a cell, where it has sources of at least three reliabilities and new definitions of each."""
    sources = graded_sources(experiment)
    stage = stage_training(experiment, "X2")
    if not sources or stage is None:
        return []
    names = [names_of(source.name)[2] for source in sources]
    right, met = [source.reliability or 0.0 for source in sources], _met(experiment, sources)
    rows: list[dict[str, object]] = []
    panels: list[Spec] = []
    told: list[str] = []
    for eval_set, measure, what, axis in PANELS:
        found = by_seed(table, cell=cell, stage=stage, measure=measure, eval_set=eval_set, what=what)
        values = found.reindex(columns=names).dropna().to_numpy(dtype=float)
        if len(values) < LEAST_SEEDS:
            continue
        fitted = shapes(right, met, values)
        own = _rows(cell, eval_set, measure, sources, met, values, fitted)
        panels.append(_panel(pd.DataFrame(own), axis, roles.panel_title(eval_set)))
        told.append(f"{roles.panel_title(eval_set)}, {axis}: {_told(right, met, values, fitted)}")
        rows += own
    if not panels:
        return []
    caption = (
        "What is believed of new definitions, against the share of definitions in stage 1 about which their source was "
        "right: mean over seeds with its 95% interval. Lines are fitted to the means (dashed: straight; dotted: a "
        "threshold; dash-dotted: a rational reader's log-odds); which fits best was found on seeds it was not fitted "
        f"to. In brackets what a rational reader would expect. {' '.join(told)}"
    )
    chart = vega.whole(panels, columns=2)
    return [Figure(f"trust-curve{suffix}", "Trust against reliability", caption, chart, pd.DataFrame(rows)[_COLUMNS])]


def _met(experiment: Experiment, sources: list[Source]) -> list[int]:
    """How many definitions of each source stand beside answers in X1."""
    dealt = sizes(experiment.subsets, experiment.split.items(experiment.knowledge.size()))
    per = experiment.split.definitions_per_alias
    return [
        per * sum(size for subset, size in zip(experiment.subsets, dealt, strict=True) if _is_met(subset, source.name))
        for source in sources
    ]


def _is_met(subset: Subset, source: str) -> bool:
    return subset.group == "X1" and subset.source == source and subset.has_qa


def _rows(
    cell: str,
    eval_set: str,
    measure: str,
    sources: list[Source],
    met: list[int],
    values: Floats,
    fitted: list[Shape],
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for at, source in enumerate(sources):
        rows.append(
            {
                "cell": cell,
                "eval_set": eval_set,
                "measure": measure,
                "source": source.name,
                "reliability": source.reliability,
                "met": met[at],
                **asdict(mean_interval(values[:, at])),
                **{shape.name: float(shape.fitted[at]) for shape in fitted if shape.name in _LOOKS},
            }
        )
    return rows


def _panel(rows: pd.DataFrame, axis: str, title: str) -> Spec:
    at = vega.number("reliability", "how reliable the source was", scale={"domain": [0, 1]}, axis={"tickCount": 5})
    lines = [
        vega.layer(
            "line",
            {"color": vega.FAINT, "strokeWidth": 1.5, "strokeDash": dash, **_curve(name)},
            x=at,
            y=vega.number(name),
        )
        for name, dash in _LOOKS.items()
    ]
    interval = vega.layer("rule", {"strokeWidth": 2, "color": _COLOUR}, x=at, **vega.low_to_high())
    dots = vega.layer(
        "point",
        {"size": 70, "filled": True, "opacity": 1, "color": _COLOUR},
        x=at,
        y=vega.number("mean", axis, scale=vega.ROOMY),
        tooltip=vega.tooltip(["source", "seeds"], ["reliability", "mean", "low", "high"]),
    )
    return vega.panel(title, (300, 220), [*lines, interval, dots, vega.headroom()], rows)


#: The colour of what was measured.
_COLOUR = roles.COLOURS["D5cons"]


def _curve(name: str) -> Spec:
    """How a fitted line runs between sources."""
    return {"interpolate": "step"} if name == "threshold" else {"interpolate": "monotone"}


def _told(right: list[float], met: list[int], values: Floats, fitted: list[Shape]) -> str:
    """Which shape fits, how much worse the others do, and what a rational reader would have believed."""
    best, *others = fitted
    worse = [shape.name for shape in others if shape.excess.low > 0]
    open_ = [shape.name for shape in others if not shape.excess.low > 0]
    parts = [f"{_SHAPES[best.name]} fits best"]
    parts += [f"better than {_listed(worse)}"] if worse else []
    parts += [f"{_listed(open_)} cannot be told from it"] if open_ else []
    between = normalised(right, values)[1:-1]
    expected = rational(right, met)
    scaled = (expected - expected[0]) / (expected[-1] - expected[0])
    said = ", ".join(
        f"{with_interval(each.mean, each.low, each.high)} ({least:.2f})"
        for each, least in zip(between, scaled[1:-1], strict=True)
    )
    return f"{'; '.join(parts)}. Where the least reliable one is 0 and the most reliable 1, those between are {said}."


_SHAPES = {
    "flat": "no difference",
    "linear": "a straight line",
    "threshold": "a threshold",
    "log-odds": "a rational reader's log-odds",
}


def _listed(names: list[str]) -> str:
    words = [_SHAPES[name] for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
