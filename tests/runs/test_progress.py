"""Positions, checkpoints and records stay in step, whatever writes when."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.runs.progress import Progress, read_positions
from tests.core.written import record


class Slow:
    """Writes checkpoints only when told that they are on disk."""

    replicas = 1

    def __init__(self) -> None:
        self.writing: list[tuple[Path, Future[None]]] = []
        self.loaded: list[str] = []

    def save(self, path: Path) -> Future[None]:
        self.writing.append((path, Future()))
        return self.writing[-1][1]

    def written(self) -> None:
        path, future = self.writing.pop(0)
        path.write_text("weights", encoding="utf-8")
        future.set_result(None)

    def load(self, path: Path) -> None:
        if path.read_text(encoding="utf-8") != "weights":
            raise SaysoError(f"{path}: not a readable checkpoint")
        self.loaded.append(path.name)


class Clock:
    minutes = 0.0

    def __call__(self) -> float:
        return 60 * self.minutes


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path)


def names(folder: JobFolder) -> list[str]:
    return [position.checkpoint for position in read_positions(folder)]


def test_a_position_is_written_when_its_checkpoint_is_on_disk_and_not_before(folder):
    learner, clock = Slow(), Clock()
    progress = Progress(folder, learner, 10, set(), clock)  # type: ignore[arg-type]
    clock.minutes = 10
    progress.keep(0, 1, [record(epoch=1)], last=False)
    assert names(folder) == []
    progress.keep(0, 2, [record(epoch=2)], last=False)
    assert names(folder) == []
    learner.written()
    progress.keep(0, 3, [record(epoch=3)], last=False)
    assert names(folder) == ["checkpoint-0-1.pt"]
    (position,) = read_positions(folder)
    assert folder.records_path.read_bytes()[: position.records].count(b"\n") == 1
    assert folder.records_path.read_bytes().count(b"\n") == 3


def test_a_checkpoint_is_due_when_the_time_has_passed_since_the_last_one(folder):
    learner, clock = Slow(), Clock()
    progress = Progress(folder, learner, 10, set(), clock)  # type: ignore[arg-type]
    due = []
    for epoch in range(1, 8):
        clock.minutes += 4
        progress.keep(0, epoch, [], last=False)
        due.append(bool(learner.writing))
        if learner.writing:
            learner.written()
    assert due == [False, False, True, False, False, True, False]


def test_two_generations_stay_and_the_newest_that_can_be_read_is_gone_on_from(folder, caplog):
    learner, clock = Slow(), Clock()
    progress = Progress(folder, learner, 0, set(), clock)  # type: ignore[arg-type]
    real = learner.save

    def at_once(path: Path) -> Future[None]:
        future = real(path)
        learner.written()
        return future

    learner.save = at_once  # type: ignore[method-assign]
    for epoch in (1, 2, 3):
        progress.keep(0, epoch, [record(epoch=epoch)], last=False)
    assert names(folder) == ["checkpoint-0-3.pt", "checkpoint-0-2.pt"]
    assert sorted(path.name for path in folder.path.glob("checkpoint-*")) == ["checkpoint-0-2.pt", "checkpoint-0-3.pt"]
    folder.checkpoint_path(0, 3).write_text("weig", encoding="utf-8")
    again = Progress(folder, learner, 0, set(), clock)  # type: ignore[arg-type]
    position = again.resume()
    assert position is not None
    assert (position.leg, position.epoch) == (0, 2)
    assert learner.loaded == ["checkpoint-0-2.pt"]
    assert folder.records_path.read_bytes().count(b"\n") == 2
    assert "checkpoint-0-3.pt: not a readable checkpoint; going on from the checkpoint before it" in caplog.text


def test_without_a_position_a_job_begins_and_what_was_recorded_goes(folder):
    folder.append([record()])
    assert Progress(folder, Slow(), 0, set()).resume() is None  # type: ignore[arg-type]
    assert folder.records_path.read_bytes() == b""


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", "3", "[3]", '[{"leg": 0}]', '[{"leg": "a", "epoch": 1}]'])
def test_a_damaged_position_is_an_error_that_names_it(folder, damage):
    folder.position_path.write_text(damage, encoding="utf-8")
    with pytest.raises(SaysoError, match=r"position\.json"):
        read_positions(folder)


def test_an_error_while_a_checkpoint_was_written_comes_out(folder):
    learner, clock = Slow(), Clock()
    progress = Progress(folder, learner, 0, set(), clock)  # type: ignore[arg-type]
    progress.keep(0, 1, [], last=False)
    learner.writing[0][1].set_exception(OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        progress.keep(0, 2, [], last=False)
    assert json.dumps(names(folder)) == "[]"
