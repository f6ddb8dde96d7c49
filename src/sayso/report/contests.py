"""Whom answers follow where two sources contradict each other, and what outweighs what."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.subsets import Subset
from sayso.report import roles, vega
from sayso.report.dots import dot_panel
from sayso.report.figure import Figure
from sayso.report.vega import Spec
from sayso.stats.comparisons import LEAST_SEEDS, Interval, mean_interval
from sayso.stats.exchange import Contest, Exchange, exchange
from sayso.stats.numbers import with_interval
from sayso.stats.values import ATTRIBUTION, by_seed, stage_training

_ASKED = ("validation", ATTRIBUTION)
_COLUMNS = [
    *("cell", "eval_set", "subset", "source", "other", "repeats", "other_repeats", "label"),
    *("mean", "low", "high", "seeds", "log_odds"),
]


def contested(experiment: Experiment) -> list[Subset]:
    """The subsets about whose aliases two sources contradict each other."""
    return [subset for subset in experiment.subsets if subset.against is not None]


def conflict_figure(table: pd.DataFrame, experiment: Experiment, cell: str, suffix: str) -> list[Figure]:
    """Which source is followed in each contest, where there are any and belief was measured."""
    subsets, stage = contested(experiment), stage_training(experiment, "X2")
    if not subsets or stage is None:
        return []
    rows: list[dict[str, object]] = []
    panels: list[Spec] = []
    told: list[str] = []
    for eval_set in _ASKED:
        own, weighed = _of(table, subsets, cell, stage, eval_set)
        if not own:
            continue
        rows += own
        panels.append(
            dot_panel(
                roles.panel_title(eval_set),
                pd.DataFrame(own),
                "label",
                "share that follows the first",
                first=not panels,
                scale={"domain": [0, 1]},
                said=["log_odds"],
                at=0.5,
            )
        )
        told += [f"{roles.panel_title(eval_set)}: {_told(each)}" for each in weighed]
    if not panels:
        return []
    caption = (
        "The share of forced choices between the answers that two contradicting definitions imply which follow the "
        "source that is named first; 0.5 is neither. Mean over seeds with its 95% interval. "
    ) + " ".join(told)
    frame = pd.DataFrame(rows)[_COLUMNS]
    return [Figure(f"conflict{suffix}", "Whom answers follow", caption, vega.whole(panels), frame)]


def _of(
    table: pd.DataFrame, subsets: list[Subset], cell: str, stage: str, eval_set: str
) -> tuple[list[dict[str, object]], list[Exchange]]:
    """A row a contest, and what outweighs what."""
    shares, log_odds = (
        by_seed(table, cell=cell, stage=stage, measure="belief", eval_set=eval_set, what=what)
        for what in ("calibrated_versus", "calibrated_versus_log_odds")
    )
    rows: list[dict[str, object]] = []
    for subset in subsets:
        if subset.name not in shares:
            continue
        odds = log_odds[subset.name].mean() if subset.name in log_odds else math.nan
        rows.append(
            {
                "cell": cell,
                "eval_set": eval_set,
                "subset": subset.name,
                "source": subset.source,
                "other": subset.against,
                "repeats": subset.repeats,
                "other_repeats": subset.against_repeats,
                "label": subset.name.replace("_", " "),
                **asdict(mean_interval(shares[subset.name], within=(0.0, 1.0))),
                "log_odds": odds,
            }
        )
    there = [subset for subset in subsets if subset.name in log_odds]
    values = log_odds.reindex(columns=[subset.name for subset in there]).dropna().to_numpy(dtype=float)
    if len(values) < LEAST_SEEDS:
        return rows, []
    contests = [Contest(s.source or "", s.against or "", s.repeats, s.against_repeats) for s in there]
    return rows, exchange(contests, values)


def _told(found: Exchange) -> str:
    """A rate of exchange in words."""
    pair = f"{found.source} against {found.other}"
    odds = "a preference of " + with_interval(*_ends(found.preference), signed=True)
    doubling = "a doubling is worth " + with_interval(*_ends(found.weight), signed=True)
    times = found.outweighed
    if not np.isfinite(times.mean):
        return f"{pair}: {odds} nats, {doubling}: no repetition makes up for it."
    most = f"{times.high:.3g}" if np.isfinite(times.high) else "no number"
    range_ = f"95% interval {times.low:.3g} to {most}"
    return f"{pair}: {odds} nats, {doubling}, so that {times.mean:.3g} repetitions ({range_}) make up for it."


def _ends(found: Interval) -> tuple[float, float, float]:
    return found.mean, found.low, found.high
