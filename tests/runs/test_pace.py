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
    pace.measuring("f1", 3)
    assert events[-1] == {"event": "measuring", "stage": "stage1", "epoch": 3, "epochs": 3, "measure": "f1"}
