import json
import os

import pytest

from sayso.core.job_folder import JobFolder
from sayso.core.legs import legs
from sayso.runs.marks import WINDOW_S, Marks, marks_of


def test_one_moment_is_no_pace():
    assert Marks().pace(100.0) is None
    assert Marks([(0.0, 3)]).pace(100.0) is None


def test_a_pace_is_epochs_a_second_between_marks():
    marks = Marks([(100.0, 2)])
    marks.add(110.0, 3)
    marks.add(120.0, 6)
    assert marks.pace(121.0) == pytest.approx(4 / 20)


def test_a_moment_of_no_more_epochs_changes_nothing():
    marks = Marks([(100.0, 2)])
    marks.add(110.0, 3)
    for time, epochs in ((130.0, 3), (140.0, 1), (105.0, 9)):
        marks.add(time, epochs)
    assert marks.pace(111.0) == pytest.approx(1 / 10)


def test_what_was_long_ago_does_not_count():
    marks = Marks([(0.0, 0)])
    for number in range(1, 11):
        marks.add(10_000.0 + number * WINDOW_S / 4, number)
    assert marks.pace(10_000.0 + 10 * WINDOW_S / 4) == pytest.approx(4 / WINDOW_S)


def test_an_epoch_longer_than_the_window_counts_as_it_is():
    marks = Marks([(0.0, 0)])
    marks.add(10 * WINDOW_S, 1)
    marks.add(20 * WINDOW_S, 2)
    assert marks.pace(20 * WINDOW_S) == pytest.approx(1 / (10 * WINDOW_S))


def test_a_pace_falls_where_nothing_comes():
    marks = Marks([(0.0, 0)])
    marks.add(10.0, 5)
    assert marks.pace(20.0) == pytest.approx(0.5)
    assert marks.pace(100.0) == pytest.approx(0.1)
    assert marks.pace(1000.0) == pytest.approx(0.01)


@pytest.fixture
def at(short, tmp_path):
    """Marks by the times of checkpoints of stages and epochs, the newest first."""

    def at(*checkpoints: tuple[float, int, int], began: float):
        positions = []
        for time, leg, epoch in checkpoints:
            path = tmp_path / f"checkpoint-{leg}-{epoch}.pt"
            path.touch()
            os.utime(path, (time, time))
            positions.append({"leg": leg, "epoch": epoch, "checkpoint": path.name, "records": 0})
        if positions:
            (tmp_path / "position.json").write_text(json.dumps(positions), encoding="utf-8")
        return marks_of(JobFolder(tmp_path), legs(short), began)._marks

    return at


def test_a_try_with_no_checkpoint_began_at_nothing(at):
    assert at(began=50.0) == [(50.0, 0)]


def test_a_first_try_began_at_nothing_and_came_to_its_checkpoint(at):
    assert at((80.0, 1, 1), began=50.0) == [(50.0, 0), (80.0, 3)]


def test_a_try_that_goes_on_began_at_the_checkpoint_before_it(at):
    assert at((40.0, 1, 1), (20.0, 0, 2), began=50.0) == [(50.0, 3)]
    assert at((80.0, 1, 2), (40.0, 1, 1), began=50.0) == [(50.0, 3), (80.0, 4)]


def test_where_a_try_began_is_not_known_once_all_checkpoints_are_its_own(at):
    assert at((80.0, 1, 2), (70.0, 1, 1), began=50.0) == [(70.0, 3), (80.0, 4)]
