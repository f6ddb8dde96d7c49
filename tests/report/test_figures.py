"""There is a figure for each measured thing, drawn as the paper draws it, and it says which of the paper's it is."""

from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.paper.table import TABLE
from sayso.report.attributes import attribute_points
from sayso.report.figure import Figure
from sayso.report.figures import DRAWN_AS, figures
from sayso.stats.values import for_statistics, records_frame
from tests.planted import PHRASINGS, planted_records

ATTRIBUTES = ("born", "gender", "nationality")


@pytest.fixture(scope="module")
def records(tiny: Experiment) -> list[Record]:
    planted = planted_records(tiny, range(4), {("exact_match", "entity_attribution", "D5cons"): 0.2})
    asked = [
        replace(record, measure="exact_match_by_attribute", eval_set=f"validation.{attribute}")
        for attribute in ATTRIBUTES
        for record in planted
        if (record.measure, record.eval_set) == ("exact_match", "validation")
    ]
    return planted + asked


@pytest.fixture(scope="module")
def drawn(records: list[Record], tiny: Experiment) -> dict[str, Figure]:
    found = figures(records_frame(records), tiny, ("3a", "3b", "8", "9"))
    return {figure.name: figure for figure in found}


def test_each_says_what_of_the_paper_it_stands_for(drawn: dict[str, Figure]) -> None:
    assert {name: figure.of for name, figure in drawn.items()} == {
        "learning-curves": ("3a", "3b"),
        "phrasings": ("9",),
        "gap-by-seed": (),
        "losses": ("8",),
        "by-attribute": (),
    }
    assert [figure.place for figure in drawn.values()] == ["figures 3a and 3b", "figure 9", "", "figure 8", ""]


def test_every_figure_with_results_in_the_paper_is_drawn_as_one_here() -> None:
    ours = {name for names in DRAWN_AS.values() for name in names} | {"12"}
    assert ours == {name for row in TABLE.values() for name in row.about.figures}


def test_the_word_order_whose_curves_the_paper_shows_is_figure_12(tiny: Experiment) -> None:
    orders = tiny.vary("orders", definition__order=["TAE", "EAT"])
    found = figures(records_frame(planted_records(orders, range(3))), orders, ("4b", "11", "12"))
    assert {figure.name: figure.of for figure in found} == {
        "levels": ("4b",),
        "levels-by-phrasing": ("11",),
        "gap-by-cell": (),
        "learning-curves-01": (),
        "learning-curves-02": ("12",),
    }


def test_phrasings_stand_apart_on_one_scale(drawn: dict[str, Figure], records: list[Record]) -> None:
    figure = drawn["phrasings"]
    panels = figure.spec["hconcat"]
    assert [panel["title"]["text"] for panel in panels] == [
        "Attribution: name",
        "Attribution: who is it",
        "Attribution: meaning",
        "Attribution: stands for",
    ]
    domains = [
        layer["encoding"]["y"]["scale"]["domain"]
        for p in panels
        for layer in p["layer"]
        if "line" in str(layer["mark"])
    ]
    assert len({tuple(domain) for domain in domains}) == 1
    table = records_frame(records)
    for name in PHRASINGS:
        own = table.query(
            "measure == 'exact_match' and eval_set == @asked and subset == 'D5cons' and stage == 'stage2'",
            local_dict={"asked": f"entity_attribution.{name}"},
        )
        curve = figure.data.query(
            "eval_set == @asked and subset == 'D5cons' and stage == 'stage2'",
            local_dict={"asked": f"entity_attribution.{name}"},
        )
        np.testing.assert_allclose(curve["mean"], own.groupby("epoch")["value"].mean(), rtol=1e-12)


def test_answers_as_defined_are_lines_beside_attribution_and_of_wrong_definitions_alone(
    drawn: dict[str, Figure], records: list[Record]
) -> None:
    figure = drawn["learning-curves"]
    questions, attribution = figure.spec["hconcat"]
    names = [{row["line"] for row in panel["data"]["values"]} for panel in (questions, attribution)]
    assert [{name for name in found if "as defined" in name} for found in names] == [
        set(),
        {"D2incons_QA2, as defined"},
    ]
    table = records_frame(records)
    own = table[table["eval_set"].str.startswith("attribution_as_defined.") & (table["measure"] == "exact_match")]
    expected = own[own["stage"] == "stage1"].groupby(["epoch", "seed"])["value"].mean().groupby("epoch").mean()
    line = figure.data.query("eval_set == 'attribution_as_defined' and stage == 'stage1'")
    np.testing.assert_allclose(line["mean"], expected, rtol=1e-12)
    assert set(line["subset"]) == {"D2incons_QA2"}


def test_bars_by_question_type_are_of_the_end_of_each_stage_and_of_what_was_trained_by_then(
    drawn: dict[str, Figure], records: list[Record], tiny: Experiment
) -> None:
    points = drawn["by-attribute"].data
    assert points.equals(attribute_points(for_statistics(records_frame(records)), tiny, "main"))
    assert list(points["attribute"].unique()) == list(ATTRIBUTES)
    table = records_frame(records).query("measure == 'exact_match_by_attribute'")
    ends = {"stage1": 4, "stage2": 6}
    for row in points.itertuples():
        own = table[(table["stage"] == row.stage) & (table["epoch"] == ends[str(row.stage)])]
        own = own[(own["subset"] == row.subset) & (own["eval_set"] == f"validation.{row.attribute}")]
        assert row.mean == pytest.approx(own["value"].mean())
    assert "D5cons" not in set(points.loc[points["stage"] == "stage1", "subset"])
    assert "D5cons" in set(points.loc[points["stage"] == "stage2", "subset"])


def test_every_chart_is_what_the_schema_of_vega_lite_allows(drawn: dict[str, Figure], tiny: Experiment) -> None:
    orders = tiny.vary("orders", definition__order=["TAE", "EAT"])
    alphas = tiny.vary("alphas", reliability=[0.5, 1.0])
    swept = [figure for e in (orders, alphas) for figure in figures(records_frame(planted_records(e, range(3))), e)]
    for figure in (*drawn.values(), *swept):
        alt.Root.validate(figure.spec)
    for figure in (drawn["losses"], swept[0]):  # reading the others takes Altair seconds each, and shows no more
        chart = figure.chart  # made anew each time it is asked for
        assert isinstance(chart, alt.HConcatChart | alt.ConcatChart)
        assert chart.to_dict(validate=True)["$schema"] == figure.spec["$schema"]
    assert {type(figure.chart) for figure in (drawn["losses"], swept[0])} == {alt.HConcatChart, alt.ConcatChart}
    with pytest.raises(Exception, match="blot"):
        alt.Root.validate({**drawn["losses"].spec, "hconcat": [{"mark": "blot"}]})


def test_what_was_not_measured_has_no_figure(tiny: Experiment) -> None:
    only = [record for record in planted_records(tiny, range(3)) if record.eval_set == "train_qa"]
    assert [figure.name for figure in figures(records_frame(only), tiny)] == ["losses"]
    one = [record for record in planted_records(tiny, range(3)) if not record.eval_set.endswith(PHRASINGS[1:])]
    assert "phrasings" not in {figure.name for figure in figures(records_frame(one), tiny)}
    assert isinstance(attribute_points(records_frame(one), tiny, "main"), pd.DataFrame)
