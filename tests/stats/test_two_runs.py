"""Numbers of two runs against scipy's tests of the same values."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sayso.core.experiment import Experiment
from sayso.stats.two_runs import change, changes, differing
from sayso.stats.values import records_frame
from tests.planted import planted_records


def by_seed(values: list[float], first: int = 100) -> pd.Series:
    return pd.Series(values, index=range(first, first + len(values)), dtype=float)


def test_the_same_seeds_are_compared_within_each() -> None:
    one, other = by_seed([0.1, 0.5, 0.3, 0.9]), by_seed([0.25, 0.6, 0.5, 0.95])
    found = change(one, other[::-1])  # in whatever order
    right = stats.ttest_rel(other, one)
    assert found.paired
    assert not found.same
    assert found.seeds == (4, 4)
    assert found.difference == pytest.approx(0.125)
    assert found.p == pytest.approx(right.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(right.confidence_interval(0.95)))


@pytest.mark.parametrize("first", [101, 300])
def test_other_seeds_are_two_samples(first: int) -> None:
    one, other = by_seed([0.1, 0.5, 0.3, 0.9]), by_seed([0.25, 0.6, 0.5, 0.95, 0.7], first)
    found = change(one, other)
    right = stats.ttest_ind(other, one, equal_var=False)
    assert not found.paired
    assert found.seeds == (4, 5)
    assert found.p == pytest.approx(right.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(right.confidence_interval(0.95)))


def test_what_was_not_measured_is_left_out_and_too_few_seeds_say_nothing() -> None:
    one, other = by_seed([0.1, 0.5, 0.3, 0.9]), by_seed([0.2, np.nan, 0.4, 0.9])
    assert change(one, other).seeds == (4, 3)
    for few in (by_seed([0.1, 0.2]), by_seed([]), by_seed([np.nan] * 4)):
        found = change(one, few)
        assert np.isnan([found.low, found.high, found.p]).all()
    assert np.isnan(change(by_seed([]), by_seed([])).difference)
    still = change(by_seed([0.5, 0.5, 0.5]), by_seed([0.5, 0.5, 0.5]))
    assert still.same
    assert np.isnan(still.p)


@pytest.mark.parametrize("first", [100, 300])
def test_what_differs_by_the_same_in_every_seed_differs(tiny: Experiment, first: int) -> None:
    found = change(by_seed([0.0] * 4), by_seed([1.0] * 4, first))
    assert (found.low, found.high, found.difference) == (1.0, 1.0, 1.0)
    assert np.isnan(found.p)
    records = planted_records(tiny, range(4))
    more = [replace(r, value=r.value + 0.5) if r.subset == "QA7" and r.measure == "loss" else r for r in records]
    table = differing(changes(records_frame(records), records_frame(more)))
    assert set(table["subset"]) == {"QA7"}
    assert set(table["measure"]) == {"loss"}


def test_a_planted_change_is_found_and_no_other(tiny: Experiment) -> None:
    records = planted_records(tiny, range(12))
    again = planted_records(tiny, range(12), draw=1)
    planted = [
        replace(record, value=record.value + 0.3)
        if (record.measure, record.eval_set, record.subset, record.stage)
        == ("exact_match", "validation", "D5cons", "stage2")
        else record
        for record in again
    ]
    table = changes(records_frame(records), records_frame(planted))
    (row,) = differing(table).to_dict(orient="records")
    assert (row["stage"], row["measure"], row["eval_set"], row["subset"]) == (
        "stage2",
        "exact_match",
        "validation",
        "D5cons",
    )
    assert row["low"] < 0.3 < row["high"]
    assert len(table) > 100
    same = changes(records_frame(records), records_frame(records))
    assert same["same"].all()
    assert differing(same).empty


def test_where_nothing_differs_few_families_say_that_something_does(tiny: Experiment) -> None:
    ends = tiny.with_settings({"stages.stage1.epochs": 1, "stages.stage2.epochs": 1})  # which alone are compared
    found = [
        not differing(
            changes(*(records_frame(planted_records(ends, range(8), draw=2 * draw + side)) for side in (0, 1)))
        ).empty
        for draw in range(20)
    ]
    assert sum(found) <= 4  # 1 is to be expected of 20; 5 and more come out once in four hundred


def test_runs_without_a_number_in_common_have_no_row(tiny: Experiment) -> None:
    records = planted_records(tiny, range(4))
    other = [replace(record, cell="elsewhere") for record in records]
    assert changes(records_frame(records), records_frame(other)).empty


@pytest.mark.filterwarnings("error")
def test_other_seeds_with_nearly_the_same_values_have_no_spread_and_warn_of_nothing() -> None:
    near = [0.7, 0.7 + 1e-16, 0.7 - 1e-16, 0.7 + 2e-16]
    found = change(by_seed(near), by_seed(near, 300))
    assert np.isnan(found.p)
    assert found.low == found.high == pytest.approx(0.0, abs=1e-15)
    one_sided = change(by_seed(near), by_seed([0.7, 0.8, 0.75, 0.9], 300))
    right = stats.ttest_1samp([0.7, 0.8, 0.75, 0.9], 0.7)
    assert one_sided.p == pytest.approx(right.pvalue)
    assert (one_sided.low, one_sided.high) == pytest.approx(tuple(np.array(right.confidence_interval(0.95)) - 0.7))
