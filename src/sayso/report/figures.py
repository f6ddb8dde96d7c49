"""Which figures an experiment has, and which of the paper's each stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.sweep import Cell, cells
from sayso.report import charts
from sayso.report.attributes import attribute_chart, attribute_points
from sayso.report.by_source import by_source_figure
from sayso.report.contests import conflict_figure
from sayso.report.figure import Figure
from sayso.report.graded import trust_figure
from sayso.report.levels import level_chart, level_points, phrasings
from sayso.report.mechanisms import alignment_figures
from sayso.report.points import cell_gaps, curve_points
from sayso.report.probe_maps import probe_figures
from sayso.report.swept import swept
from sayso.stats.entities import BY_ENTITY
from sayso.stats.values import AS_DEFINED, ATTRIBUTION, for_statistics, gap_points

_PANELS = ("validation", ATTRIBUTION, AS_DEFINED)
_LOSS_PANELS = ("train_qa", "definitions", "validation")
_INTERVAL = "Mean over seeds with its 95% interval"
_CURVES = (
    f"{_INTERVAL}, after each epoch. The dashed line divides the stages. Subsets whose part of the data is not trained "
    "on yet are faint."
)
_AS_DEFINED = " As defined: the answer counted right is the entity a wrong definition names."

#: The figures of the paper that a figure here is drawn as, by the start of its name.
DRAWN_AS = {
    "levels": ("4a", "4b", "4c", "13", "16", "17", "18", "22", "23"),
    "levels-by-phrasing": ("11",),
    "learning-curves": ("3a", "3b", "10", "14", "15", "17", "19", "20", "21", "22", "23"),
    "phrasings": ("9", "10", "14", "15"),
    "losses": ("8",),
    "gradient-alignment": ("6", "24", "26"),
    "gradient-norms": ("25",),
    "probes": ("7",),
}


def figures(table: pd.DataFrame, experiment: Experiment, paper: Sequence[str] = ()) -> list[Figure]:
    """All figures that the records of an experiment allow.

    One cell: learning curves, attribution phrasing by phrasing, the gap by seed, losses, exact match by question type,
    mechanisms. A sweep: levels over what it varies, the gap by cell, then the curves of each cell.

    Parameters
    ----------
    table
        Records, as `sayso.stats.values.records_frame` makes them.
    paper
        The figures of the paper the experiment stands for ("3a", "8"); each figure says which of them it is.
    """
    table = for_statistics(table[table["measure"] != BY_ENTITY])
    if not experiment.axes:
        return _of(_of_cell(table, Cell("main", experiment), ""), paper)
    found = _of([*_levels(table, experiment), *_gap_by_cell(table, experiment)], paper)
    of_cell = {str(name): rows for name, rows in table.groupby("cell", sort=False)}
    for number, cell in enumerate(cells(experiment), start=1):
        if cell.name in of_cell:
            own = _of_cell(of_cell[cell.name], cell, f"-{number:02d}")
            known = _of(own, [name for name in paper if name in DRAWN_AS["probes"]])
            found += _of(own, ["12"], {"learning-curves": ("12",)}) if _is_figure_12(cell, paper) else known
    return found


def _is_figure_12(cell: Cell, paper: Sequence[str]) -> bool:
    """Whether a cell is the word order whose curves the paper shows: entity, alias (there: variable), tag."""
    return "12" in paper and cell.name == "definition.order=EAT"


def _of(found: Sequence[Figure], paper: Sequence[str], drawn_as: dict[str, tuple[str, ...]] = DRAWN_AS) -> list[Figure]:
    """Figures with those of the paper's that they stand for."""
    return [
        dataclasses.replace(
            figure, of=tuple(name for name in paper if name in drawn_as.get(figure.name.rstrip("-0123456789"), ()))
        )
        for figure in found
    ]


def _of_cell(table: pd.DataFrame, cell: Cell, suffix: str) -> list[Figure]:
    """What the records of one cell allow; of a sweep's, the curves, question types and mechanisms."""
    alone = not suffix
    found = _curves(table, cell, suffix)
    if alone:
        found += [*_phrasings(table, cell), *_gap_by_seed(table, cell), *_losses(table, cell)]
    found += trust_figure(table, cell.experiment, cell.name, suffix)
    found += by_source_figure(table, cell.experiment, cell.name, suffix)
    found += conflict_figure(table, cell.experiment, cell.name, suffix)
    found += _by_attribute(table, cell, suffix)
    found += alignment_figures(table, cell.experiment, cell.name, suffix)
    found += probe_figures(table, cell.name, suffix)
    return found if alone else [_with_cell(figure, cell) for figure in found]


def _with_cell(figure: Figure, cell: Cell) -> Figure:
    return dataclasses.replace(figure, title=f"{figure.title}: {cell.name}")


def _curves(table: pd.DataFrame, cell: Cell, suffix: str) -> list[Figure]:
    points = curve_points(table, cell.experiment, cell.name, "exact_match", _PANELS)
    if points.empty:
        return []
    chart = charts.learning_curves(points, table, cell.experiment)
    return [Figure(f"learning-curves{suffix}", "Learning curves", _caption(_CURVES, points), chart, points)]


def _phrasings(table: pd.DataFrame, cell: Cell) -> list[Figure]:
    points = curve_points(table, cell.experiment, cell.name, "exact_match", phrasings(table))
    panels = points["eval_set"].str.startswith(f"{ATTRIBUTION}.") & (points["eval_set"].str.count(r"\.") == 1)
    if points.loc[panels, "eval_set"].nunique() < 2:
        return []
    chart = charts.learning_curves(points, table, cell.experiment, size=(170, 220), together=True)
    title = "Entity attribution, phrasing by phrasing"
    return [Figure("phrasings", title, _caption(_CURVES, points), chart, points)]


def _losses(table: pd.DataFrame, cell: Cell) -> list[Figure]:
    points = curve_points(table, cell.experiment, cell.name, "loss", _LOSS_PANELS)
    points = points[points["mean"] > 0]  # drawn on a log scale, where a loss that is 0 to six digits has no place
    if points.empty:
        return []
    chart = charts.learning_curves(points, table, cell.experiment, size=(220, 240))
    return [Figure("losses", "Losses", _CURVES, chart, points)]


def _by_attribute(table: pd.DataFrame, cell: Cell, suffix: str) -> list[Figure]:
    points = attribute_points(table, cell.experiment, cell.name)
    if points.empty:
        return []
    caption = f"{_INTERVAL}, at the end of each stage, of the subsets trained on by then."
    title = "Exact match by question type"
    return [Figure(f"by-attribute{suffix}", title, caption, attribute_chart(points), points)]


def _gap_by_seed(table: pd.DataFrame, cell: Cell) -> list[Figure]:
    points = gap_points(table, cell.experiment, cell.name, _PANELS[:2])
    if points.empty:
        return []
    caption = (
        "Exact match on new aliases defined by the reliable source, minus that on new aliases defined by the "
        "unreliable one, at the end: a dot a seed, sorted. The line is the mean over seeds, the band its 95% interval."
    )
    return [Figure("gap-by-seed", "The internalization gap by seed", caption, charts.gap_by_seed(points), points)]


def _levels(table: pd.DataFrame, experiment: Experiment) -> list[Figure]:
    over = swept(experiment).title
    caption = (
        f"{_INTERVAL}: aliases of X1 at the end of stage 1, new ones at the end of stage 2, or all at the end of a "
        "single stage."
    )
    found = []
    for name, title, eval_sets in (
        ("levels", f"Exact match over {over}", _PANELS),
        ("levels-by-phrasing", f"Entity attribution over {over}, phrasing by phrasing", tuple(phrasings(table))),
    ):
        points = level_points(table, experiment, eval_sets)
        size = (360, 280) if name == "levels" else (300, 200)
        if points["mean"].notna().any():
            chart = level_chart(points, experiment, size=size)
            found.append(Figure(name, title, _caption(caption, points), chart, points))
    return found


def _gap_by_cell(table: pd.DataFrame, experiment: Experiment) -> list[Figure]:
    points = cell_gaps(table, experiment, _PANELS[:2])
    if points.empty:
        return []
    caption = f"{_INTERVAL}, at the end."
    chart = charts.gap_by_cell(points, experiment)
    return [Figure("gap-by-cell", "The internalization gap by cell", caption, chart, points)]


def _caption(caption: str, points: pd.DataFrame) -> str:
    """With what is meant by answers as defined, where there are any."""
    return caption + (_AS_DEFINED if points["eval_set"].str.startswith(AS_DEFINED).any() else "")
