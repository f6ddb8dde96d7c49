"""Which figures an experiment has."""

from __future__ import annotations

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.report import charts
from sayso.report.figure import Figure
from sayso.report.mechanisms import alignment_figures
from sayso.report.points import cell_gaps, curve_points
from sayso.report.probe_maps import probe_figures
from sayso.stats.values import ATTRIBUTION, for_statistics, gap_points

_EXACT_MATCH_PANELS = ("validation", ATTRIBUTION)
_LOSS_PANELS = ("train_qa", "definitions", "validation")
_CURVES = (
    "Mean over seeds with its 95% interval, after each epoch. The dashed line divides the stages. Subsets whose part "
    "of the data is not trained on yet are faint."
)


def figures(table: pd.DataFrame, experiment: Experiment) -> list[Figure]:
    """All figures that the records of an experiment allow.

    One cell: learning curves, the gap by seed, losses. A sweep: the gap by cell, then the learning curves of each cell.
    """
    table = for_statistics(table)
    present = [cell for cell in cells(experiment) if cell.name in set(table["cell"])]
    if not experiment.axes:
        found = [_curves(table, experiment, present[0].name, "learning-curves", "Learning curves")]
        found += [_gap_by_seed(table, experiment, present[0].name), _losses(table, experiment, present[0].name)]
        found += alignment_figures(table, experiment, present[0].name)
        found += probe_figures(table, present[0].name)
    else:
        found = [_gap_by_cell(table, experiment)]
        for number, cell in enumerate(present, start=1):
            found.append(_curves(table, cell.experiment, cell.name, f"learning-curves-{number:02d}", cell.name))
            found += alignment_figures(table, cell.experiment, cell.name, f"-{number:02d}")
            found += probe_figures(table, cell.name, f"-{number:02d}")
    return [figure for figure in found if figure is not None]


def _curves(table: pd.DataFrame, experiment: Experiment, cell: str, name: str, title: str) -> Figure | None:
    points = curve_points(table, experiment, cell, "exact_match", _EXACT_MATCH_PANELS)
    if points.empty:
        return None
    return Figure(name, title, _CURVES, charts.learning_curves(points, table, experiment), points)


def _losses(table: pd.DataFrame, experiment: Experiment, cell: str) -> Figure | None:
    points = curve_points(table, experiment, cell, "loss", _LOSS_PANELS)
    points = points[points["mean"] > 0]  # drawn on a log scale, where a loss that is 0 to six digits has no place
    if points.empty:
        return None
    chart = charts.learning_curves(points, table, experiment, width=220, height=240)
    return Figure("losses", "Losses", _CURVES, chart, points)


def _gap_by_seed(table: pd.DataFrame, experiment: Experiment, cell: str) -> Figure | None:
    points = gap_points(table, experiment, cell, _EXACT_MATCH_PANELS)
    if points.empty:
        return None
    caption = (
        "Exact match on new aliases defined by the reliable source, minus that on new aliases defined by the "
        "unreliable one, at the end: a dot a seed, sorted. The line is the mean over seeds, the band its 95% interval."
    )
    return Figure("gap-by-seed", "The internalization gap by seed", caption, charts.gap_by_seed(points), points)


def _gap_by_cell(table: pd.DataFrame, experiment: Experiment) -> Figure | None:
    points = cell_gaps(table, experiment, _EXACT_MATCH_PANELS)
    if points.empty:
        return None
    caption = "Mean over seeds with its 95% interval, at the end."
    return Figure("gap-by-cell", "The internalization gap by cell", caption, charts.gap_by_cell(points), points)
