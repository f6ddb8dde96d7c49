"""The numbers behind each chart, one row a mark: what is drawn, and what is written beside it as CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.core.training import Stage
from sayso.stats.comparisons import mean_interval
from sayso.stats.values import gap_points, ordered, summary


def measured_stages(table: pd.DataFrame, experiment: Experiment) -> list[tuple[Stage, int]]:
    """Stages in which the subsets were measured, each with the number of epochs before it."""
    present = set(table["stage"].unique())
    stages: list[tuple[Stage, int]] = []
    before = 0
    for stage in experiment.stages:
        if stage.measured and stage.name in present:
            stages.append((stage, before))
            before += stage.epochs
    return stages


def curve_points(
    table: pd.DataFrame, experiment: Experiment, cell: str, measure: str, eval_sets: Sequence[str]
) -> pd.DataFrame:
    """Mean and interval of each subset after each epoch of a cell, the epochs continuing over the stages.

    Columns: cell, stage, epoch (of the stage), position (on the axis), measure, eval_set, subset, mean, low, high,
    seeds, and trained: whether training on the subset's part of the data (X1, X2) has begun. Subsets asked about under
    the entity's own name are left out of entity attribution, where the question would hold its answer.
    """
    rows = table[(table["cell"] == cell) & (table["measure"] == measure) & (table["what"] == "")]
    rows = rows[rows["eval_set"].isin(eval_sets)]
    stages = measured_stages(table, experiment)
    own_name = {subset.name for subset in experiment.subsets if not subset.aliased}
    rows = rows[rows["stage"].isin([stage.name for stage, _ in stages])]
    rows = rows[~(rows["eval_set"].str.startswith("entity_attribution") & rows["subset"].isin(own_name))]
    points = summary(rows).drop(columns="what")
    offset = {stage.name: before for stage, before in stages}
    points.insert(3, "position", points["epoch"] + points["stage"].map(offset).astype("int64"))
    have_begun = begun(experiment, [stage for stage, _ in stages])
    points["trained"] = [pair in have_begun for pair in zip(points["stage"], points["subset"], strict=True)]
    rank = {name: place for place, name in enumerate(ordered(points["subset"].unique()))}
    points = points.assign(rank=points["subset"].map(rank), panel=points["eval_set"].map(list(eval_sets).index))
    points = points.sort_values(["panel", "rank", "position", "stage"], kind="stable", ignore_index=True)
    return points.drop(columns=["rank", "panel"])


def cell_gaps(table: pd.DataFrame, experiment: Experiment, eval_sets: Sequence[str]) -> pd.DataFrame:
    """Mean internalization gap of each cell with its 95% interval, by evaluation set.

    Columns: cell, eval_set, mean, low, high, seeds; cells in the experiment's order. A cell that was not measured is
    NaN with 0 seeds; an evaluation set that no cell was measured on is left out.
    """
    rows = []
    for cell in cells(experiment):
        points = gap_points(table, cell.experiment, cell.name, eval_sets)
        for eval_set in eval_sets:
            found = mean_interval(points.loc[points["eval_set"] == eval_set, "gap"], within=(-1.0, 1.0))
            rows.append([cell.name, eval_set, found.mean, found.low, found.high, found.seeds])
    gaps = pd.DataFrame(rows, columns=["cell", "eval_set", "mean", "low", "high", "seeds"])
    return gaps[gaps.groupby("eval_set")["seeds"].transform("max") > 0].reset_index(drop=True)


def begun(experiment: Experiment, stages: Sequence[Stage]) -> set[tuple[str, str]]:
    """Stages and subsets such that training on the subset's part of the data has begun by then."""
    parts: set[str] = set()
    trained: set[tuple[str, str]] = set()
    for stage in stages:
        parts |= set(stage.parts) if stage.epochs else set()
        trained |= {(stage.name, subset.name) for subset in experiment.subsets if subset.group in parts}
    return trained
