"""Charts show what was measured, in the paper's layout, and come out the same every time."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from sayso.core.experiment import Experiment
from sayso.core.subsets import with_reliability
from sayso.report import roles
from sayso.report.figure import Figure
from sayso.report.figures import figures
from sayso.report.points import cell_gaps, curve_points
from sayso.stats.values import gap_points, records_frame, with_attribution
from tests.planted import planted_records

PANELS = ("validation", "entity_attribution")
GAP = {("exact_match", "validation", "D5cons"): 0.2}


@pytest.fixture(scope="module")
def measured(tiny: Experiment) -> pd.DataFrame:
    return with_attribution(records_frame(planted_records(tiny, range(4), GAP)))


@pytest.fixture(scope="module")
def drawn(tiny: Experiment) -> list[Figure]:
    return figures(records_frame(planted_records(tiny, range(4), GAP)), tiny)


def test_epochs_run_on_over_the_stages(measured: pd.DataFrame, tiny: Experiment) -> None:
    points = curve_points(measured, tiny, "main", "exact_match", PANELS)
    assert set(points[points["stage"] == "stage1"]["position"]) == set(range(5))
    assert set(points[points["stage"] == "stage2"]["position"]) == set(range(4, 11))


def test_subsets_of_stage_2_are_not_trained_in_stage_1(measured: pd.DataFrame, tiny: Experiment) -> None:
    points = curve_points(measured, tiny, "main", "exact_match", PANELS)
    trained = set(points.loc[points["trained"], ["stage", "subset"]].itertuples(index=False, name=None))
    assert ("stage1", "D5cons") not in trained
    assert {("stage1", "D1cons_QA1"), ("stage2", "D1cons_QA1"), ("stage2", "D5cons")} <= trained


def test_entity_attribution_leaves_out_who_is_asked_about_by_name(measured: pd.DataFrame, tiny: Experiment) -> None:
    points = curve_points(measured, tiny, "main", "exact_match", PANELS)
    assert "QA4" in set(points[points["eval_set"] == "validation"]["subset"])
    assert "QA4" not in set(points[points["eval_set"] == "entity_attribution"]["subset"])


def test_gaps_are_paired_within_seeds_and_sorted(measured: pd.DataFrame, tiny: Experiment) -> None:
    points = gap_points(measured, tiny, "main", PANELS)
    assert points["gap"].tolist() == pytest.approx((points["D5cons"] - points["D6cons"]).tolist())
    for _, rows in points.groupby("eval_set"):
        assert rows["gap"].is_monotonic_increasing
    assert points[points["eval_set"] == "validation"]["gap"].mean() == pytest.approx(0.2, abs=0.05)


def test_a_dashed_line_divides_the_stages(drawn: list[Figure]) -> None:
    spec = drawn[0].spec
    rules = [layer for layer in spec["hconcat"][0]["layer"] if layer["mark"]["type"] == "rule"]
    assert [rule["data"]["values"] for rule in rules] == [[{"position": 4}]]
    assert rules[0]["mark"]["strokeDash"]


def test_colours_have_the_papers_roles_and_never_repeat(tiny: Experiment) -> None:
    names = [subset.name for subset in with_reliability(tiny.subsets, 0.75)]
    assert len(set(roles.colours([*names, "mine", "yours"]))) == len(names) + 2
    styles = dict(
        zip(
            names,
            roles.dashes(names, tiny.model_copy(update={"subsets": with_reliability(tiny.subsets, 0.75)})),
            strict=True,
        )
    )
    assert styles["D5cons"] == styles["D1cons_QA1"] != styles["D6cons"] == styles["D2incons_QA2"]
    assert styles["QA3"] == styles["QA7"] not in (styles["D5cons"], styles["D6cons"], styles["D8cons"])


def test_each_figure_is_saved_as_svg_png_and_csv_the_same_every_time(
    drawn: list[Figure], tiny: Experiment, tmp_path: Path
) -> None:
    assert [figure.name for figure in drawn] == ["learning-curves", "phrasings", "gap-by-seed", "losses"]
    again = figures(records_frame(planted_records(tiny, range(4), GAP)), tiny)
    for figure, copy in zip(drawn, again, strict=True):
        figure.save(tmp_path)
        assert json.dumps(figure.spec) == json.dumps(copy.spec)
        assert "D5cons" in (tmp_path / f"{figure.name}.svg").read_text(encoding="utf-8")
        image = (tmp_path / f"{figure.name}.png").read_bytes()
        assert image.startswith(b"\x89PNG")
        assert int.from_bytes(image[16:20], "big") > 1000  # pixels wide
        assert len(pd.read_csv(tmp_path / f"{figure.name}.csv")) == len(figure.data)
    assert drawn[0].svg == again[0].svg


def test_ids_inside_the_svgs_of_a_page_do_not_clash(drawn: list[Figure]) -> None:
    ids = [found for figure in drawn for found in re.findall(r'id="([^"]+)"', figure.svg)]
    assert len(ids) == len(set(ids))


def test_a_sweep_shows_the_gap_of_each_cell_in_the_experiments_order(tiny: Experiment) -> None:
    sweep = tiny.vary("sizes", train__batch_size=[16, 256, 64])
    drawn = figures(records_frame(planted_records(sweep, range(3), GAP)), sweep)
    assert [figure.name for figure in drawn] == [
        "levels",
        "levels-by-phrasing",
        "gap-by-cell",
        *(f"learning-curves-{number:02d}" for number in (1, 2, 3)),
    ]
    for figure in drawn[:3]:
        assert list(dict.fromkeys(figure.data["cell"])) == [f"train.batch_size={size}" for size in (16, 256, 64)]
    assert "documents a batch" in drawn[2].svg


def test_one_seed_is_drawn_without_intervals(tiny: Experiment) -> None:
    drawn = figures(records_frame(planted_records(tiny, range(1))), tiny)
    assert all(figure.svg.startswith("<svg") for figure in drawn)
    assert cell_gaps(with_attribution(records_frame(planted_records(tiny, range(1)))), tiny, PANELS)["low"].isna().all()


def test_an_experiment_without_the_two_subsets_has_no_gap_to_draw(tiny: Experiment) -> None:
    records = [record for record in planted_records(tiny, range(2)) if record.subset != "D6cons"]
    assert [figure.name for figure in figures(records_frame(records), tiny)] == [
        "learning-curves",
        "phrasings",
        "losses",
    ]
