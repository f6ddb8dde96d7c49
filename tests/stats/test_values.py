"""Records become tables without losing, doubling or inventing numbers."""

import math
from dataclasses import astuple, replace
from typing import Any

import pandas as pd
import pytest
from scipy import stats as scipy_stats

from sayso.core.columns import Columns
from sayso.core.experiment import Experiment
from sayso.core.records import COLUMNS, Record
from sayso.stats import values
from tests.planted import planted_records


def record(seed: int = 0, value: float = 0.5, **changes: Any) -> Record:
    base: dict[str, Any] = {"experiment": "tiny", "cell": "main", "seed": seed, "stage": "stage1", "epoch": 1, "n": 10}
    base |= {"measure": "exact_match", "eval_set": "validation", "subset": "QA3", "value": value}
    return Record(**(base | changes))


def test_a_table_has_the_columns_of_records_in_their_order(tiny: Experiment) -> None:
    records = planted_records(tiny, range(2))
    found = values.records_frame(records)
    assert tuple(found.columns) == COLUMNS
    assert [Record(*row) for row in found.itertuples(index=False, name=None)] == records


def test_no_records_are_an_empty_table() -> None:
    found = values.records_frame([])
    assert tuple(found.columns) == COLUMNS
    assert values.final_table(found).empty


def test_a_seed_run_twice_counts_once() -> None:
    found = values.records_frame([record(0, 0.5), record(1, 0.7), record(0, 0.5000001)])
    assert found["value"].tolist() == [0.5, 0.7]


def test_attribution_is_averaged_over_phrasings_within_each_seed() -> None:
    names = ["entity_attribution.name", "entity_attribution.who"]
    shares = {(0, names[0]): 0.2, (0, names[1]): 0.4, (1, names[0]): 0.5, (1, names[1]): math.nan}
    records = [record(seed, value, eval_set=name) for (seed, name), value in shares.items()]
    found = values.with_attribution(values.records_frame(records))
    average = found[found["eval_set"] == "entity_attribution"]
    assert average["seed"].tolist() == [0, 1]
    assert average["value"].tolist() == pytest.approx([0.3, math.nan], nan_ok=True)
    assert average["n"].tolist() == [20, 20]


def test_attribution_as_defined_is_an_average_of_its_own() -> None:
    names = ["entity_attribution.name", "attribution_as_defined.name", "attribution_as_defined.who"]
    records = [record(0, value, eval_set=name) for name, value in zip(names, (0.9, 0.1, 0.3), strict=True)]
    found = values.for_statistics(values.records_frame(records)).set_index("eval_set")["value"]
    assert found["entity_attribution"] == 0.9
    assert found["attribution_as_defined"] == pytest.approx(0.2)


def test_final_values_are_those_of_the_last_epoch_of_each_stage(tiny: Experiment) -> None:
    found = values.final(values.records_frame(planted_records(tiny, range(2))))
    assert set(zip(found["stage"], found["epoch"], strict=True)) == {("stage1", 4), ("stage2", 6)}


def test_the_summary_counts_measured_seeds_only() -> None:
    found = values.summary(values.records_frame([record(0, 0.2), record(1, 0.4), record(2, math.nan)])).iloc[0]
    assert (found["mean"], found["seeds"]) == (pytest.approx(0.3), 2)
    assert math.isnan(found["low"])
    assert math.isnan(values.summary(values.records_frame([record()]))["low"].iloc[0])


def test_shares_have_intervals_between_0_and_1_and_losses_have_t_intervals() -> None:
    numbers = (0.9, 1.0, 1.0, 0.98)
    records = [record(seed, x, measure=measure) for seed, x in enumerate(numbers) for measure in ("f1", "loss")]
    rows = values.summary(values.records_frame(records)).set_index("measure")
    found = {measure: rows.loc[measure].to_dict() for measure in ("f1", "loss")}
    assert found["f1"]["low"] < 0.9 < found["f1"]["mean"] < found["f1"]["high"] < 1
    half = scipy_stats.t.ppf(0.975, 3) * scipy_stats.sem(numbers)
    assert found["loss"]["high"] == pytest.approx(found["loss"]["mean"] + half)


def test_values_by_seed_are_one_row_a_seed_and_one_column_a_subset() -> None:
    records = [record(1, 0.1), record(0, 0.2), record(0, 0.3, subset="D1cons_QA1"), record(0, 0.9, epoch=0)]
    found = values.by_seed(
        values.records_frame(records), cell="main", stage="stage1", measure="exact_match", eval_set="validation"
    )
    assert list(found.columns) == ["D1cons_QA1", "QA3"]
    assert found["QA3"].tolist() == [0.2, 0.1]
    assert found["D1cons_QA1"].tolist() == pytest.approx([0.3, math.nan], nan_ok=True)


def test_subsets_stand_in_the_order_of_table_1() -> None:
    assert values.ordered(["mine", "QA7", "D10cons_QA10", "D2incons_QA2", "QA3"]) == [
        "D2incons_QA2",
        "QA3",
        "QA7",
        "D10cons_QA10",
        "mine",
    ]


def test_numbers_of_one_measure_on_different_things_are_kept_apart() -> None:
    layers = [record(seed, seed + layer, measure="probe", what=f"layer {layer}") for layer in (0, 1) for seed in (0, 2)]
    table = values.records_frame([record(0, 0.5), *layers])
    found = values.final_table(table).set_index("what")["mean"]
    assert found.to_dict() == {"": 0.5, "layer 0": 1.0, "layer 1": 2.0}
    chosen = {"cell": "main", "stage": "stage1", "measure": "probe", "eval_set": "validation"}
    assert values.by_seed(table, **chosen, what="layer 1")["QA3"].tolist() == [1.0, 3.0]
    assert values.by_seed(table, **chosen).empty


def test_intervals_of_those_numbers_of_belief_that_are_shares_stay_between_0_and_1() -> None:
    names = ("accuracy", "calibrated_versus", "log_odds", "calibrated_log_odds")
    records = [
        record(seed, value, measure="belief", what=name)
        for name in names
        for seed, value in enumerate((1.0, 1.0, 1.0, 0.8))
    ]
    high = values.final_table(values.records_frame(records)).set_index("what")["high"]
    assert high[list(names[:2])].max() <= 1 < high[list(names[2:])].min()


def test_a_table_of_columns_is_that_of_the_records_whether_or_not_text_is_in_categories(tiny: Experiment) -> None:
    records = [r for cell in ("b", "a") for r in planted_records(tiny, range(3)) for r in (replace(r, cell=cell),)]
    records += [replace(r, stage2_seed=1, value=r.value + 0.5) for r in records if r.stage == "stage2"]
    records += [replace(records[5], value=9.0), replace(records[0], what="layer 2", value=math.nan)]  # the first again
    columns = Columns()
    columns.extend(list(zip(*map(astuple, records), strict=True)))
    table, found = values.records_frame(records), values.columns_frame(columns)
    pd.testing.assert_frame_equal(found, table)
    small = values.columns_frame(columns, categories=True)
    assert small["cell"].dtype == "category"
    pd.testing.assert_frame_equal(values.final_table(small), values.final_table(table))
    pd.testing.assert_frame_equal(values.columns_frame(Columns()), values.records_frame([]))
