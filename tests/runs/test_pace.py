from typing import Any

from sayso.core.learner import StepDone
from sayso.runs.pace import EVERY_S, Pace


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
