from typing import Any

import pytest

from sayso.core.learner import MatrixPeak, StepDone
from sayso.runs.pace import EVERY_S, Pace, Speed


def test_steps_are_told_of_once_a_second_with_all_tokens_of_the_epoch() -> None:
    events: list[dict[str, Any]] = []
    now = [100.0]
    pace = Pace("stage1", 3, events.append, lambda: now[0])
    pace.begin(1)
    for number in range(1, 9):
        now[0] += EVERY_S / 4
        pace.step(StepDone(number, 8, 10))
    assert [(each["step"], each["seconds"], each["tokens"]) for each in events] == [
        (4, EVERY_S, 40),
        (8, 2 * EVERY_S, 80),
    ]
    assert {(each["event"], each["stage"], each["epoch"], each["epochs"], each["steps"]) for each in events} == {
        ("step", "stage1", 2, 3, 8)
    }
    pace.begin(2)
    now[0] += EVERY_S
    pace.step(StepDone(1, 8, 10))
    assert events[-1]["epoch"] == 3
    assert events[-1]["tokens"] == 10


def test_what_share_of_a_measure_is_done_is_told_of_once_a_second() -> None:
    events: list[dict[str, Any]] = []
    now = [100.0]
    pace = Pace("stage1", 3, events.append, lambda: now[0])
    pace.measuring("f1", 3)
    said = {"event": "measuring", "stage": "stage1", "epoch": 3, "epochs": 3, "measure": "f1"}
    assert events == [said | {"share": 0.0}]
    for share in (0.125, 0.25, 0.5, 0.75):
        now[0] += EVERY_S / 2
        pace.share(share)
    assert events[1:] == [said | {"share": 0.25}, said | {"share": 0.75}]
    pace.measuring("probes", 3)
    assert events[-1] == said | {"measure": "probes", "share": 0.0}


def test_steps_say_what_share_of_the_matrix_peak_they_reach() -> None:
    events: list[dict[str, Any]] = []
    now = [0.0]
    pace = Pace("stage1", 1, events.append, lambda: now[0], peak=MatrixPeak("float32", operations=1e9, token=1e6))
    pace.begin(0)
    now[0] += 2 * EVERY_S
    pace.step(StepDone(1, 2, 500))  # half a second of products
    assert events[0]["share_of_matrix_peak"] == pytest.approx(0.25 / EVERY_S)


def test_speed_is_that_of_training_whatever_is_measured_between() -> None:
    now, speed = [0.0], Speed()
    assert speed.summary() == {}
    for stage, rate in (("stage1", 1e9), ("stage2", 2e9)):
        peak = MatrixPeak("float32", operations=rate, token=1e6)
        pace = Pace(stage, 1, lambda _: None, lambda: now[0], speed=speed, peak=peak)
        pace.measuring("exact_match", 0)
        now[0] += 100.0
        pace.begin(0)
        for number in (1, 2):
            now[0] += 3.0
            pace.step(StepDone(number, 2, 1000))
        now[0] += 4.0  # the device is still at it
        pace.trained()
        now[0] += 50.0
        pace.measuring("exact_match", 1)
    expected = {"tokens": 4000, "seconds": 20.0, "tokens_a_second": 200.0, "share_of_matrix_peak": 0.15}
    assert speed.summary() == expected


def test_speed_has_no_share_where_no_peak_is_known() -> None:
    speed = Speed()
    speed.add(100, 2.0, None)
    assert speed.summary() == {"tokens": 100, "seconds": 2.0, "tokens_a_second": 50.0}
