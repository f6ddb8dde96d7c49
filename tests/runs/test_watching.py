"""Folders watched from their files alone, at moments that the files' times make up."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import Origin
from sayso.core.job_folder import JobFolder
from sayso.core.lease import held
from sayso.core.records import Record
from sayso.core.seeds import Seeds
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.runs.manifest import describe
from sayso.runs.recorded import Recorded
from sayso.runs.watching import Watcher
from tests.core.written import make_store

BEGAN = 1_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sweep(short: Experiment) -> Experiment:
    """Two cells, of six and of eight epochs, asked for with three seeds."""
    varied = short.vary("sweep", stages__stage2__epochs=[2, 4])
    return varied.model_copy(update={"seeds": Seeds(first=1, count=3)})


@pytest.fixture
def store(sweep: Experiment, tmp_path: Path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, sweep)
    return result


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(store: Store, clock: Clock) -> Watcher:
    return Watcher(store, clock)


def begin(store: Store, sweep: Experiment, cell: int, *seeds: int) -> JobFolder:
    job = Job(cells(sweep)[cell], seeds)
    folder = store.job(job.id)
    folder.open(describe(job, object(), Origin("data", None)))
    os.utime(folder.manifest_path, (BEGAN, BEGAN))
    return folder


def come_to(
    folder: JobFolder, stage: str, epoch: int, seconds: float, value: float = 0.5, stage2_seed: int = 0
) -> None:
    """Record an epoch, so many seconds after the beginning."""
    manifest = folder.manifest()
    score = ("exact_match", "validation", "QA3", value, 10, stage2_seed)
    folder.append([Record("sweep", manifest.cell, seed, stage, epoch, *score) for seed in manifest.seeds])
    os.utime(folder.records_path, (BEGAN + seconds, BEGAN + seconds))


def keep(folder: JobFolder, leg: int, epoch: int, seconds: float) -> None:
    """Write a checkpoint."""
    path = folder.checkpoint_path(leg, epoch)
    path.touch()
    os.utime(path, (BEGAN + seconds, BEGAN + seconds))
    records = folder.records_path.stat().st_size if folder.records_path.exists() else 0
    position = {"leg": leg, "epoch": epoch, "checkpoint": path.name, "records": records}
    folder.position_path.write_text(json.dumps([position]), encoding="utf-8")
    os.utime(folder.position_path, (BEGAN + seconds, BEGAN + seconds))


def test_what_nobody_has_begun_is_to_do(watcher, sweep):
    seen = watcher.look()
    assert [cell.name for cell in seen.cells] == [cell.name for cell in cells(sweep)]
    assert [cell.to_do for cell in seen.cells] == [(1, 2, 3)] * 2
    assert (seen.jobs, seen.done, seen.total) == ((), 0, 3 * 6 + 3 * 8)
    assert (seen.a_minute, seen.left, seen.finished) == (None, None, False)
    assert watcher.curves(seen.of_interest()).moments() == []


def test_a_running_job_is_where_its_records_are_and_goes_as_fast_as_they_come(watcher, store, sweep, clock):
    folder = begin(store, sweep, 1, 1, 2)
    with held(folder.path):
        clock.now = BEGAN + 5
        (job,) = watcher.look().jobs
        assert (job.state, job.stage, job.epoch, job.done, job.total, job.pace) == ("running", "stage0", 0, 0, 8, None)
        keep(folder, 0, 2, seconds=20)
        come_to(folder, "stage1", 1, seconds=30)
        clock.now = BEGAN + 31
        seen = watcher.look()
    (job,) = seen.jobs
    assert (job.cell, job.seeds) == (seen.cells[1].name, (1, 2))
    assert (job.stage, job.epoch, job.epochs, job.done) == ("stage1", 1, 2, 3)
    assert job.pace == pytest.approx(3 / 30)
    assert job.moved >= BEGAN + 30
    assert seen.a_minute == pytest.approx(60 * 2 * 3 / 30)
    assert (seen.done, seen.total) == (2 * 3, 3 * 6 + 3 * 8)
    assert seen.left == pytest.approx((seen.total - seen.done) / (2 * 3 / 30))


def test_a_stage_that_has_ended_makes_way_for_the_next(watcher, store, sweep):
    folder = begin(store, sweep, 0, 1)
    come_to(folder, "stage1", 2, seconds=10)
    with held(folder.path):
        (job,) = watcher.look().jobs
    assert (job.stage, job.epoch, job.epochs, job.done) == ("stage2", 0, 2, 4)


def test_a_stopped_job_is_where_its_checkpoint_is_and_says_the_end_of_its_log(watcher, store, sweep):
    folder = begin(store, sweep, 0, 1)
    keep(folder, 0, 2, seconds=5)
    come_to(folder, "stage1", 1, seconds=9)
    log = folder.path / "log.txt"
    log.write_text(
        "Traceback (most recent call last):\n  ...\nRuntimeError: \x1b[31mno\x1b[0m card\n\n", encoding="utf-8"
    )
    seen = watcher.look()
    (job,) = seen.jobs
    assert (job.state, job.done, job.pace) == ("stopped", 2, None)
    assert job.said == "RuntimeError:  [31mno [0m card"
    assert (seen.done, seen.a_minute, seen.left) == (2, None, None)
    os.utime(log, (BEGAN - 9, BEGAN - 9))  # an earlier try's
    assert watcher.look().jobs[0].said == ""


def test_curves_are_means_over_the_seeds_of_all_jobs(watcher, store, sweep):
    one, other, elsewhere = (begin(store, sweep, *of) for of in ((0, 1), (0, 2, 3), (1, 1)))
    come_to(one, "stage1", 1, 1, value=0.3)
    come_to(other, "stage1", 1, 1, value=0.6)
    come_to(one, "stage1", 2, 2, value=0.9)
    come_to(elsewhere, "stage1", 1, 1, value=0.0)
    watcher.look()
    curves = watcher.curves(cells(sweep)[0].name)
    assert curves.means == {("stage1", 1, "QA3"): (pytest.approx(0.5), 3), ("stage1", 2, "QA3"): (0.9, 1)}
    assert curves.moments() == [("stage1", 1), ("stage1", 2)]
    assert curves.subsets(sweep) == ["QA3"]
    assert curves.stages == (("stage1", 2), ("stage2", 2))


def test_a_finished_job_is_read_to_its_end_once(watcher, store, sweep, monkeypatch):
    folder = begin(store, sweep, 0, 1)
    come_to(folder, "stage1", 1, 1)
    watcher.look()
    come_to(folder, "stage2", 2, 2, value=0.7)
    folder.finish("now")
    seen = watcher.look()
    assert (seen.jobs, seen.done) == ((), 6)
    assert watcher.curves(seen.cells[0].name).means["stage2", 2, "QA3"] == (0.7, 1)
    monkeypatch.setattr(Recorded, "look", lambda _: pytest.fail("read again"))
    assert watcher.look().cells[0].finished == (1,)
    assert ("stage2", 2, "QA3") in watcher.curves(seen.cells[0].name).means


def test_before_a_job_has_come_anywhere_it_is_thought_to_go_as_those_before_it(watcher, store, sweep):
    for seeds, finished in (((1,), "2024-05-01T10:01:00+00:00"), ((2,), "2024-05-01T10:02:00+00:00")):
        folder = begin(store, sweep, 0, *seeds)
        folder.open(dataclasses.replace(folder.manifest(), started="2024-05-01T10:00:00+00:00"))
        folder.append([])
        folder.finish(finished)
    assert watcher.look().left is None  # nothing runs
    with held(begin(store, sweep, 0, 3).path):
        seen = watcher.look()
    assert seen.a_minute is None
    assert seen.left == pytest.approx((6 + 3 * 8) / ((6 / 60 + 6 / 120) / 2))


def test_all_is_done_when_every_seed_has_finished(watcher, store, sweep):
    for cell in (0, 1):
        folder = begin(store, sweep, cell, 1, 2, 3)
        folder.append([])
        folder.finish("now")
    seen = watcher.look()
    assert seen.finished
    assert seen.done == seen.total == 42
    assert seen.left == 0


def test_a_job_that_is_gone_is_forgotten_and_one_begun_anew_begins_anew(watcher, store, sweep):
    folder = begin(store, sweep, 0, 1)
    come_to(folder, "stage1", 1, 1, value=0.7)
    folder.finish("now")
    watcher.look()
    shutil.rmtree(folder.path)
    seen = watcher.look()
    assert seen.cells[0].to_do == (1, 2, 3)
    assert watcher.curves(seen.cells[0].name).means == {}
    again = begin(store, sweep, 0, 1)
    come_to(again, "stage1", 1, 1, value=0.2)
    watcher.look()
    assert watcher.curves(seen.cells[0].name).means == {("stage1", 1, "QA3"): (0.2, 1)}


def test_a_seed_in_two_jobs_counts_once(watcher, store, sweep):
    done, stopped = begin(store, sweep, 0, 1, 2), begin(store, sweep, 0, 2, 3)
    done.append([])
    done.finish("now")
    keep(stopped, 0, 1, seconds=1)
    seen = watcher.look()
    assert (seen.cells[0].finished, seen.cells[0].stopped, seen.cells[0].count) == ((1, 2), (3,), 3)
    assert seen.done == 2 * 6 + 1


def test_no_job_is_thought_to_end_before_its_own_epochs_are_done(watcher, store, sweep, clock):
    slow, fast = begin(store, sweep, 1, 1), begin(store, sweep, 0, 1, 2, 3)
    come_to(slow, "stage0", 1, seconds=100)
    come_to(fast, "stage2", 1, seconds=5)
    clock.now = BEGAN + 100
    with held(slow.path), held(fast.path):
        seen = watcher.look()
    assert seen.left is not None
    assert seen.left >= 7 * 100


def test_looking_writes_nothing(watcher, store, sweep):
    come_to(begin(store, sweep, 0, 1), "stage1", 1, 1)
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    watcher.look()
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before


def test_what_is_no_results_folder_is_an_error(tmp_path):
    with pytest.raises(SaysoError, match="not a results folder"):
        Watcher(Store(tmp_path)).look()
