import json
import os
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import Origin
from sayso.core.job_folder import JobFolder
from sayso.core.lease import held
from sayso.core.lease_file import disk_time
from sayso.core.seeds import Seeds
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.runs.manifest import describe
from sayso.runs.status import CellStatus, JobStatus, epochs_done, status
from tests.core.test_lease import leave
from tests.core.written import make_store


@pytest.fixture
def sweep(short: Experiment) -> Experiment:
    """Two cells, of six and of eight epochs, asked for with three seeds."""
    varied = short.vary("sweep", stages__stage2__epochs=[2, 4])
    return varied.model_copy(update={"seeds": Seeds(first=1, count=3)})


@pytest.fixture
def store(sweep, tmp_path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, sweep)
    return result


def begin(store: Store, experiment: Experiment, cell: int, *seeds: int) -> JobFolder:
    job = Job(cells(experiment)[cell], seeds)
    folder = store.job(job.id)
    folder.open(describe(job, object(), Origin("data", None)))
    return folder


def come_to(folder: JobFolder, stage: int, epoch: int) -> None:
    position = {"leg": stage, "epoch": epoch, "checkpoint": "x", "records": 0}
    folder.position_path.write_text(json.dumps([position]), encoding="utf-8")


def test_what_nobody_has_begun_is_to_do(store, sweep):
    found = status(store)
    short, long = (cell.name for cell in cells(sweep))
    assert found.cells == (CellStatus(short, (), (1, 2, 3)), CellStatus(long, (), (1, 2, 3)))
    assert found.seeds == found.unfinished == (1, 2, 3)
    assert found.experiment.digest() == sweep.digest()


def test_each_job_says_how_far_it_has_come(store, sweep):
    begin(store, sweep, 1, 1)
    come_to(begin(store, sweep, 1, 2), 2, 3)
    finished = begin(store, sweep, 0, 2, 3)
    finished.append([])
    finished.finish("now")
    short, long = status(store).cells
    assert short == CellStatus(short.name, (JobStatus(short.name, (2, 3), "finished", 6, 6),), (1,))
    assert long.jobs == (JobStatus(long.name, (1,), "stopped", 0, 8), JobStatus(long.name, (2,), "stopped", 7, 8))
    assert long.to_do == (3,)
    assert long.seeds("stopped") == (1, 2)
    assert long.seeds("finished") == ()


def test_a_seed_is_unfinished_while_any_cell_has_not_finished_it(store, sweep):
    for cell, seeds in ((0, (1, 2)), (1, (2,))):
        folder = begin(store, sweep, cell, *seeds)
        folder.append([])
        folder.finish("now")
    assert status(store).unfinished == (1, 3)


def test_seeds_begun_later_are_asked_for_in_every_cell(store, sweep):
    begin(store, sweep, 0, 9)
    found = status(store)
    assert found.seeds == (1, 2, 3, 9)
    assert [cell.to_do for cell in found.cells] == [(1, 2, 3), (1, 2, 3, 9)]


def test_a_job_runs_while_a_process_holds_it(store, sweep):
    folder = begin(store, sweep, 0, 1)
    with held(folder.path) as lease:
        assert status(store).cells[0].jobs[0].state == "running"
        assert status(store).cells[0].jobs[0].by == lease.owner
        assert status(store).cells[0].seeds("running") == (1,)
    assert status(store).cells[0].jobs[0].state == "stopped"
    assert status(store).cells[0].jobs[0].by is None
    folder.append([])
    folder.finish("now")
    with held(folder.path):
        assert status(store).cells[0].jobs[0].state == "finished"


@pytest.mark.parametrize(("age", "state"), [(0, "running"), (100, "running"), (121, "stopped"), (-5, "running")])
def test_a_job_of_another_machine_runs_while_its_lease_is_renewed(store, sweep, age, state):
    folder = begin(store, sweep, 0, 1)
    path = leave(folder.path)
    then = disk_time(folder.path) - age
    os.utime(path, (then, then))
    assert status(store).cells[0].jobs[0].state == state


def test_a_seed_that_is_being_run_is_unfinished(store, sweep):
    running, finished = (begin(store, sweep, cell, 1, 2, 3) for cell in (0, 1))
    finished.append([])
    finished.finish("now")
    with held(running.path):
        assert status(store).unfinished == (1, 2, 3)


def test_looking_leaves_everything_as_it_was(store, sweep):
    folder = begin(store, sweep, 0, 1)
    come_to(folder, 1, 1)
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    status(store)
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before


def test_a_folder_that_may_only_be_read_tells_as_well(store, sweep, monkeypatch):
    folder = begin(store, sweep, 0, 1)
    leave(folder.path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "touch", refuse)
    assert status(store).cells[0].jobs[0].state == "running"


@pytest.mark.parametrize(("stage", "epoch", "done"), [(0, 1, 1), (0, 2, 2), (1, 1, 3), (2, 2, 6)])
def test_epochs_of_earlier_stages_count(tmp_path, tiny, stage, epoch, done):
    folder = JobFolder(tmp_path)
    two_each = tiny.with_settings({f"stages.stage{number}.epochs": 2 for number in range(3)})
    assert epochs_done(folder, two_each) == 0
    come_to(folder, stage, epoch)
    assert epochs_done(folder, two_each) == done


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"leg": null, "epoch": 1}', '{"leg": 1, "epoch": "x"}', "3"])
def test_a_damaged_position_is_an_error_that_names_it(tmp_path, tiny, damage):
    folder = JobFolder(tmp_path)
    folder.position_path.write_text(damage, encoding="utf-8")
    with pytest.raises(SaysoError, match=r"position\.json") as caught:
        epochs_done(folder, tiny)
    assert "\n" not in str(caught.value)


def test_what_is_no_results_folder_is_an_error(tmp_path):
    with pytest.raises(SaysoError, match="not a results folder"):
        status(Store(tmp_path))
