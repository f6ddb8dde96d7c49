"""Levels over a sweep: the numbers of the right stage, every cell there, what was not run said to be so."""

import json

import numpy as np
import pandas as pd
import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.paper.table import EXPERIMENTS
from sayso.report.figure import Figure
from sayso.report.figures import figures
from sayso.report.levels import level_chart, level_points
from sayso.stats.values import for_statistics, records_frame
from tests.planted import planted_records

PANELS = ("validation", "entity_attribution", "attribution_as_defined")
SEEDS = range(4)


@pytest.fixture(scope="module")
def sweep(tiny: Experiment) -> Experiment:
    return tiny.vary("alphas", reliability=[0.5, 0.75, 1.0])


@pytest.fixture(scope="module")
def records(sweep: Experiment) -> pd.DataFrame:
    planted = planted_records(sweep, SEEDS, {("exact_match", "validation", "D5cons"): 0.2})
    return records_frame(record for record in planted if record.cell != "reliability=0.75")


@pytest.fixture(scope="module")
def points(records: pd.DataFrame, sweep: Experiment) -> pd.DataFrame:
    return level_points(for_statistics(records), sweep, PANELS)


def by_hand(records: pd.DataFrame, cell: str, eval_set: str, subset: str) -> float:
    """Mean over seeds at the end of the stage that trains on the subset, phrasings averaged."""
    stage, epoch = ("stage2", 6) if subset in ("D5cons", "D6cons", "D8cons", "QA7") else ("stage1", 4)
    rows = records[(records["cell"] == cell) & (records["stage"] == stage) & (records["epoch"] == epoch)]
    rows = rows[(rows["measure"] == "exact_match") & (rows["subset"] == subset)]
    rows = rows[rows["eval_set"].str.split(".").str[0] == eval_set]
    return float(rows.groupby("seed")["value"].mean().mean())


def test_levels_are_means_over_seeds_at_the_end_of_each_subsets_own_stage(
    records: pd.DataFrame, points: pd.DataFrame
) -> None:
    measured = points[points["seeds"] > 0]
    expected = [by_hand(records, str(row.cell), str(row.eval_set), str(row.subset)) for row in measured.itertuples()]
    np.testing.assert_allclose(measured["mean"], expected, rtol=1e-12)
    assert set(measured["seeds"]) == {4}
    assert (measured["low"] <= measured["mean"]).all()
    assert (measured["mean"] <= measured["high"]).all()
    assert dict(zip(measured["subset"], measured["stage"], strict=True))["D10cons_QA10"] == "stage1"


def test_every_cell_is_there_and_the_one_that_was_not_run_is_not_measured(
    points: pd.DataFrame, sweep: Experiment
) -> None:
    for cell in cells(sweep):
        own = points[points["cell"] == cell.name]
        wrong = {subset.name for subset in cell.experiment.subsets if not subset.consistent}
        asked = {subset.name for subset in cell.experiment.subsets if subset.aliased}
        for eval_set in PANELS:
            expected = wrong if eval_set == "attribution_as_defined" else asked
            assert set(own.loc[own["eval_set"] == eval_set, "subset"]) <= expected
        assert (own["seeds"] == (0 if cell.name == "reliability=0.75" else 4)).all()
    assert not points[points["cell"] == "reliability=0.75"].empty
    assert points.loc[points["cell"] == "reliability=0.75", ["mean", "low", "high"]].isna().all(axis=None)


def layers(spec: dict[str, object], mark: str) -> list[dict[str, object]]:
    panels = spec["concat"]
    assert isinstance(panels, list)
    return [layer for panel in panels for layer in panel["layer"] if layer["mark"]["type"] == mark]


def test_along_numbers_there_are_lines_and_a_mark_where_a_cell_was_not_run(
    points: pd.DataFrame, sweep: Experiment
) -> None:
    spec = level_chart(points, sweep)
    assert [panel["title"]["text"] for panel in spec["concat"]] == ["Questions (validation)", "Entity attribution"]
    assert len(layers(spec, "line")) == 2
    words = layers(spec, "text")
    assert [layer["data"] for layer in words] == [{"values": [{"at": 0.75}]}] * 2
    svg = Figure("levels", "", "", spec, points).svg
    assert svg.count("not measured") == 2
    drawn = json.dumps(spec["concat"][1]["data"])
    assert "D2incons_QA2, as defined" in drawn
    assert "D9incons_QA9, as defined" in drawn
    assert "as defined" not in json.dumps(spec["concat"][0]["data"])


def test_along_names_there_are_dots_side_by_side(tiny: Experiment) -> None:
    orders = tiny.vary("orders", definition__order=["TAE", "ATE", "EAT"])
    planted = [record for record in planted_records(orders, SEEDS) if "ATE" not in record.cell]
    points = level_points(for_statistics(records_frame(planted)), orders, PANELS)
    spec = level_chart(points, orders)
    assert not layers(spec, "line")
    scales = [layer["encoding"]["x"]["scale"]["domain"] for layer in layers(spec, "point")]  # type: ignore[index]
    assert scales == [["TAE", "ATE", "EAT"]] * 2
    svg = Figure("levels", "", "", spec, points).svg
    assert svg.count("not measured") == 2


def test_panels_of_a_second_axis_stand_below_each_other(tiny: Experiment) -> None:
    both = tiny.vary("both", definition__order=["TAE", "ATE"], reliability=[0.5, 1.0])
    found = figures(records_frame(planted_records(both, range(3))), both)
    titles = [panel["title"]["text"] for panel in found[0].spec["concat"]]
    assert titles == [
        f"{panel}: definition.order={order}"
        for order in ("TAE", "ATE")
        for panel in ("Questions (validation)", "Entity attribution")
    ]
    assert found[0].spec["columns"] == 2


def test_where_definitions_stand_in_context_all_is_measured_after_stage_1() -> None:
    experiment = EXPERIMENTS["pocket-in-context"].vary("sizes", train__batch_size=[16, 32])
    planted = records_frame(planted_records(experiment, range(3)))
    points = level_points(for_statistics(planted), experiment, PANELS)
    assert set(points["stage"]) == {"stage1"}
    assert {"D1cons_QA1", "D5cons"} <= set(points["subset"])


def test_equal_records_give_equal_charts(records: pd.DataFrame, sweep: Experiment) -> None:
    one, other = (figures(records, sweep) for _ in range(2))
    assert [figure.name for figure in one] == [
        "levels",
        "levels-by-phrasing",
        "gap-by-cell",
        "learning-curves-01",
        "learning-curves-03",
    ]
    assert one[0].svg == other[0].svg
    assert json.dumps([figure.spec for figure in one]) == json.dumps([figure.spec for figure in other])


def test_the_gap_of_a_cell_that_was_not_run_is_said_not_to_be_measured(
    records: pd.DataFrame, sweep: Experiment
) -> None:
    gaps = next(figure for figure in figures(records, sweep) if figure.name == "gap-by-cell")
    absent = gaps.data[gaps.data["cell"] == "reliability=0.75"]
    assert len(absent) == 2
    assert absent["mean"].isna().all()
    assert gaps.svg.count("not measured") == 2
