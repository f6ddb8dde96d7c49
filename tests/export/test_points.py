"""Where records stand in training, and what of them is new to a tracker."""

import dataclasses
import math

import numpy as np
import pytest

from sayso.core.records import Record
from sayso.export.points import Series, Steps, tag_of
from tests.conftest import make_tiny
from tests.core.written import record

TINY = make_tiny()  # stages of 1, 4 and 6 epochs


def at(stage: str, epoch: int, stage2_seed: int = 0, value: float = 0.5) -> Record:
    return dataclasses.replace(record(epoch=epoch, value=value), stage=stage, stage2_seed=stage2_seed)


def taken(series: Series, *records: Record) -> dict[int, dict[str, float]]:
    steps = Steps(TINY)
    for each in records:
        series.take(each, steps.step(each), 100.0 + steps.step(each))
    return {point.step: dict(point.values) for point in series.fresh().points}


def test_tags_name_what_is_there():
    assert tag_of(record()) == "exact_match/validation/QA3"
    assert tag_of(dataclasses.replace(record(), what="layer 2")) == "exact_match/validation/QA3/layer 2"
    assert tag_of(dataclasses.replace(record(), subset="")) == "exact_match/validation"


def test_steps_count_epochs_of_all_stages():
    steps = Steps(TINY)
    assert [steps.step(at(*place)) for place in [("stage0", 1), ("stage1", 4), ("stage2", 0), ("stage2", 6)]] == [
        1,
        5,
        5,
        11,
    ]
    assert steps.total == 11


def test_a_further_deal_of_x2_begins_where_stage_2_does_and_comes_later():
    steps = Steps(TINY.with_settings({"stage2_seeds": 3}))
    assert [steps.step(at("stage2", epoch, 2)) for epoch in (0, 6)] == [5, 11]
    assert [steps.done(at("stage2", epoch, seed)) for seed in (0, 1, 2) for epoch in (0, 6)] == [5, 11, 11, 17, 17, 23]
    assert steps.total == 23


def test_the_start_of_a_stage_is_the_end_of_the_one_before_where_that_was_measured():
    tag = "exact_match/validation/QA3"
    assert taken(Series(), at("stage1", 4, value=0.25), at("stage2", 0, value=0.75)) == {5: {tag: 0.25}}
    assert taken(Series(), at("stage2", 0, value=0.75)) == {5: {tag: 0.75}}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_could_not_be_measured_is_left_out(value):
    assert taken(Series(), at("stage1", 1, value=value)) == {}


def test_nothing_is_fresh_twice():
    series = Series()
    records = [at("stage1", epoch, value=epoch / 7) for epoch in range(5)]
    assert list(taken(series, *records)) == [1, 2, 3, 4, 5]
    assert taken(series, *records) == {}
    kept = Series(
        {tag: {step: (float(np.float32(v)), t) for step, (v, t) in of.items()} for tag, of in series.there.items()}
    )
    assert taken(kept, *records, at("stage2", 1)) == {6: {tag_of(record()): 0.5}}


def test_another_value_is_fresh_and_says_how_far_back_that_goes():
    series = Series()
    taken(series, *(at("stage1", epoch) for epoch in range(5)))
    for each in (at("stage1", 3, value=0.9), at("stage1", 2, value=0.8), at("stage2", 1)):
        series.take(each, Steps(TINY).step(each), 7.0)
    fresh = series.fresh()
    assert (fresh.back_to, [point.step for point in fresh.points], len(fresh)) == (3, [3, 4, 6], 3)
    assert [(point.step, *point.values.values()) for point in series.since(3)] == [
        (3, 0.8),
        (4, 0.9),
        (5, 0.5),
        (6, 0.5),
    ]
    assert series.fresh() == type(fresh)((), None)
