"""SLURM: what it would be asked for, what its queue says, and a real one of one node where it can be started."""

import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.runs_here import deal_of
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.runs import slurm as module
from sayso.runs.crew import Crew, notice_s
from sayso.runs.execute import execute
from sayso.runs.manifest import versions
from sayso.runs.needs import Needs
from sayso.runs.slurm import Array, SlurmArrays, arrays_of
from sayso.runs.slurm_queue import Task, clear, queue, submissions
from sayso.runs.slurm_settings import SlurmSettings, slurm_settings
from tests.core.written import error, make_store

HERE = Path(__file__).parents[1] / "slurm_here.sh"
#: Seconds within which whatever is waited for must have come.
WAIT_S = 120.0


@pytest.fixture
def store(short, tmp_path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, short)
    return result


@pytest.fixture
def jobs(short) -> list[Job]:
    return [Job(cells(short)[0], (seed,)) for seed in (1, 2, 3)]


def test_settings_are_read_and_others_are_for_sbatch():
    found = slurm_settings(["tasks=4", "memory=2.5", "hours=0.5", "gpus=0", "partition=gpu", "--mail_type=END"])
    assert found == SlurmSettings(
        tasks=4, memory=2.5, hours=0.5, gpus=0, sbatch=(("partition", "gpu"), ("mail-type", "END"))
    )
    assert found.needs(Needs(cores=3, gpus=1)) == Needs(cores=3, gpus=0, memory_gb=2.5, hours=0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("partition", "write KEY=VALUE"),
        ("=x", "write KEY=VALUE"),
        ("tasks=0", "tasks=0: machines"),
        ("tasks=1.5", "whole number above 0"),
        ("hours=-1", "a number above 0"),
        ("memory=much", "memory of a job"),
        ("hours=nan", "a number above 0"),
        ("time=5", "time is set by sayso"),
        ("--cpus-per-task=5", "cpus-per-task is set by sayso"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error(text, said):
    assert said in error(slurm_settings, [text])


def test_jobs_that_need_the_same_share_an_array_and_keep_their_order(jobs):
    first, second, third = jobs
    needs = {
        first.id: Needs(hours=2.0),
        second.id: Needs(gpus=1, memory_gb=16.0, hours=1.0),
        third.id: Needs(hours=5.0),
    }
    settings = SlurmSettings(tasks=8, side_by_side=2, sbatch=(("partition", "p"),))
    small, large = arrays_of(jobs, lambda job: needs[job.id], settings)
    assert small == Array(1, Needs(hours=5.0), 2, (first, third))
    assert large == Array(1, Needs(gpus=1, memory_gb=16.0, hours=1.0), 2, (second,))
    assert small.options(settings) == {
        "time": 300,
        "mem": "8000M",
        "cpus_per_task": 2,
        "array_parallelism": 1,
        "signal_delay_s": 120,
        "additional_parameters": {"partition": "p"},
    }
    assert large.options(settings)["gpus_per_node"] == 2
    assert arrays_of(jobs, lambda job: Needs(), SlurmSettings(tasks=2))[0].tasks == 2


@pytest.mark.parametrize(("hours", "seconds"), [(24.0, 120), (0.1, 90), (1 / 60, 15), (0.001, 1)])
def test_notice_of_the_end_is_no_more_than_a_quarter_of_the_time(hours, seconds):
    assert notice_s(hours) == seconds


def program(folder: Path, name: str, script: str) -> None:
    """A program that is found before others."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    folder = Path(tmp_path) / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


def test_the_queue_is_read(programs):
    program(programs, "squeue", "echo '7_0|RUNNING|None'; echo '7_1|PENDING|Resources|x'")
    assert queue(["7"]) == (Task("7_0", "RUNNING", "None"), Task("7_1", "PENDING", "Resources|x"))
    assert queue([]) is None
    program(programs, "squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert queue(["7"]) == ()
    program(programs, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    assert queue(["7"]) is None


def test_what_was_submitted_stands_for_its_jobs_until_the_queue_has_forgotten_it(store, jobs, programs):
    folder = store.runs.new(jobs[:2])
    assert submissions(store) == []
    write_atomically(folder / "submitted.json", '{"arrays": ["7"], "submitted": "now"}')
    program(programs, "squeue", "echo '7_0|PENDING|Resources'; echo '7_1|COMPLETED|None'")
    (found,) = submissions(store)
    assert found.active
    assert found.states == {"pending": 1, "completed": 1}
    clear(store)
    assert store.runs.deals() == {"main": [(1,), (2,)]}
    program(programs, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    clear(store)
    assert store.runs.deals() == {"main": [(1,), (2,)]}
    program(programs, "squeue", "exit 0")
    clear(store)
    assert store.runs.deals() == {}
    assert not store.runs.path.exists()


@pytest.mark.parametrize("content", ["{}", "[]", '{"arrays": 3}', "{"])
def test_a_damaged_submission_is_an_error_that_names_its_file(store, jobs, content):
    folder = store.runs.new(jobs)
    write_atomically(folder / "submitted.json", content)
    assert str(folder / "submitted.json") in error(submissions, store)


def test_without_slurm_here_nothing_is_submitted(store, jobs, monkeypatch):
    monkeypatch.setenv("PATH", "")
    said = error(SlurmArrays(store, lambda job: Needs()).run, jobs, lambda *_: None)
    assert said == "--on slurm: no 'sbatch' here; run this on a login node of the cluster"
    assert not store.runs.path.exists()


def crew(store: Store, run: str, **different: str) -> Crew:
    return Crew(str(store.path), run, 1, 1, False, 60, {**versions(), **different}, [])


@pytest.mark.parametrize("name", ["python", "torch", "sayso"])
def test_a_machine_with_another_version_runs_nothing(store, jobs, name):
    folder = store.runs.new(jobs)
    assert f"{name} is {versions()[name]} on" in error(crew(store, folder.name, **{name: "0.0.0"}))
    assert not list(store.jobs_path.iterdir())


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path):
    assert "results must be on a disk that all share" in error(crew(Store(tmp_path / "none"), "x"))


def test_a_crew_runs_what_is_left_and_a_job_that_fails_ends_no_other(brief, tmp_path):
    store = Store(tmp_path / "results")
    sweep = brief.vary("sweep", knowledge__entities=[8, 5000])  # of the second there are not so many
    make_store(store, sweep)
    good, bad = cells(sweep)
    jobs = [Job(bad, (1,)), Job(bad, (2,)), Job(good, (1,))]
    folder = store.runs.new(jobs)
    assert deal_of(folder) == [(job.cell.name, job.seeds) for job in jobs]
    said = error(crew(store, folder.name))
    assert "knowledge" in said
    assert said.endswith("(and 1 more)")
    assert store.job(jobs[2].id).finished


# A real one


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Path]:
    if shutil.which("slurmctld") is None or shutil.which("munged") is None:
        pytest.skip("no SLURM here: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("starting a SLURM takes root")
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([str(HERE), "start", str(folder)], capture_output=True, text=True, check=False)
    if started.returncode != 0:
        pytest.skip(f"SLURM does not start here: {' '.join(started.stderr.split())[-300:]}")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    subprocess.run(["scancel", "--user=root"], check=False)
    subprocess.run([str(HERE), "stop", str(folder)], check=True)
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before


def until(true: Callable[[], object]) -> None:
    """Wait for something."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


class Running:
    """An executor that runs in a thread, and what it raised."""

    def __init__(self, store: Store, jobs: list[Job]) -> None:
        self.said: str | None = None
        self._executor = SlurmArrays(
            store, lambda job: Needs(memory_gb=1.0, hours=0.2), SlurmSettings(tasks=1, side_by_side=1)
        )
        self._thread = threading.Thread(target=self._run, args=(jobs,))
        self._thread.start()

    def _run(self, jobs: list[Job]) -> None:
        try:
            self._executor.run(jobs, lambda *_: None)
        except SaysoError as error:
            self.said = str(error)

    def ended(self) -> str | None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.said


def control(*arguments: str) -> None:
    subprocess.run(["scontrol", *arguments], check=True, capture_output=True)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # submitit leaves its pipes to the collector
def test_a_task_that_is_preempted_keeps_its_epoch_and_goes_on_to_the_same_records(
    cluster, quick, tmp_path, monkeypatch
):
    """Then its node is drained, what waits is cancelled, and the same command finishes the rest."""
    monkeypatch.setattr(module, "_LOOK_S", 0.5)
    longer = quick.with_settings({"stages.stage1.epochs": 24, "checkpoint_minutes": 60.0})
    store = Store(tmp_path / "results")
    make_store(store, longer)
    job, other = Job(cells(longer)[0], (1,)), Job(cells(longer)[0], (2,))
    running = Running(store, [job])
    folder = store.job(job.id)
    until(lambda: folder.records_path.exists() and folder.records_path.stat().st_size > 0)
    (submitted,) = submissions(store)
    (array,) = submitted.arrays
    subprocess.run(["scancel", "--signal=USR2", array], check=True)
    until(lambda: submissions(store)[0].states == {"pending": 1})
    assert folder.position_path.exists()  # though no checkpoint was due
    assert not folder.finished
    time.sleep(5.0)  # SLURM itself waits for two minutes, for a node does not take again at once what it has just ended
    control("update", f"JobId={array}", "StartTime=now")
    assert running.ended() is None
    assert not store.runs.path.exists()
    here = JobFolder(tmp_path / "here")
    execute(job, here, lambda event: None)
    assert folder.records_path.read_bytes() == here.records_path.read_bytes()
    assert len(folder.manifest().resumed) == 0  # the same versions, the same machine

    node = subprocess.run(["sinfo", "--noheader", "--format=%n"], capture_output=True, text=True, check=True)
    control("update", f"NodeName={node.stdout.strip()}", "State=DRAIN", "Reason=test")
    running = Running(store, [job, other])
    until(lambda: [each for each in submissions(store) if each.states == {"pending": 1}])
    (submitted,) = submissions(store)
    assert deal_of(submitted.folder) == [("main", (2,))]
    again = Running(store, [job, other])  # as from another machine: nothing is submitted twice
    time.sleep(1.0)
    assert len(submissions(store)) == 1
    subprocess.run(["scancel", submitted.arrays[0]], check=True)
    assert "is not finished: task" in str(running.ended())
    assert "cancelled" in str(again.ended())
    control("update", f"NodeName={node.stdout.strip()}", "State=RESUME")
    clear(store)
    assert Running(store, [job, other]).ended() is None
    assert store.job(other.id).finished
