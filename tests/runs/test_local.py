import contextlib
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.lease import Watch, take
from sayso.core.store import Store
from sayso.core.sweep import Job, cells, plan
from sayso.learners.specs import HFModel
from sayso.runs import local, worker_process
from sayso.runs.execute import execute
from sayso.runs.local import LocalProcesses
from sayso.runs.progress import read_positions
from sayso.runs.worker import job_to_json
from tests.core.written import make_store

Told = list[tuple[str, dict[str, object]]]


@pytest.fixture
def store(short, tmp_path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, short)
    return result


def test_jobs_run_in_processes_of_their_own_and_give_what_they_give_in_this_one(store, quick, tmp_path):
    jobs = plan(quick, (1, 2), 2)
    told: Told = []
    LocalProcesses(store, 2).run(jobs, lambda job_id, event: told.append((job_id, event)))
    for job in jobs:
        own = [event for job_id, event in told if job_id == job.id]
        kinds = [str(event["event"]) for event in own if event["event"] != "step"]
        assert [kind for kind in kinds if kind != "measuring"] == ["building", *["epoch"] * 6, "finished"]
        assert "measuring" in kinds
        here = JobFolder(tmp_path / job.id)
        execute(job, here, lambda event: None)
        assert store.job(job.id).finished
        assert store.job(job.id).records_path.read_bytes() == here.records_path.read_bytes()


def test_an_error_of_a_worker_is_raised_here_and_no_further_job_is_begun(store, short):
    broken = short.with_settings({"knowledge.facts": "notables", "knowledge.entities": 1000, "knowledge.pool": 100})
    bad, good = Job(cells(broken)[0], (1,)), Job(cells(short)[0], (1,))
    with pytest.raises(SaysoError, match=r"knowledge\.entities is 1000, but notables has") as caught:
        LocalProcesses(store, 1).run([bad, good], lambda *_: None)
    assert "\n" not in str(caught.value)
    assert not store.job(good.id).path.exists()


def fake_python(folder: Path, script: str) -> str:
    """A program to start instead of Python."""
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_worker_that_dies_without_a_word_is_an_error_that_names_its_log(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, "read line; echo oh no >&2; exit 7"))
    with pytest.raises(SaysoError, match="ended with code 7; its log is") as caught:
        LocalProcesses(store, 1).run([job], lambda *_: None)
    log = store.job(job.id).path / "log.txt"
    assert str(log) in str(caught.value)
    assert log.read_text(encoding="utf-8") == "oh no\n"


def test_what_code_of_a_users_raised_is_in_the_error(store, job, tmp_path, monkeypatch):
    script = """read line; cat >&2 <<'END'; exit 1
Traceback (most recent call last):
  File "mine.py", line 3, in measure
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero
END"""
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, script))
    with pytest.raises(SaysoError, match=r"ended with code 1 \(ZeroDivisionError: division by zero\); its log is"):
        LocalProcesses(store, 1).run([job], lambda *_: None)


def test_a_worker_has_a_working_folder_even_if_its_parent_has_none_any_more(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, "read line; pwd >&2; exit 7"))
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SaysoError, match="ended with code 7"):
        LocalProcesses(store, 1).run([job], lambda *_: None)
    folder = store.job(job.id).path
    assert (folder / "log.txt").read_text(encoding="utf-8") == f"{folder}\n"


def test_a_worker_that_is_killed_is_an_error_that_says_how_to_go_on(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, "read line; kill -9 $$"))
    with pytest.raises(SaysoError, match=r"ended with code -9.*run again to go on"):
        LocalProcesses(store, 1).run([job], lambda *_: None)


def test_a_worker_that_dies_before_it_is_told_its_job_is_an_error_too(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, "exit 7"))
    executor = LocalProcesses(store, 1)

    def after_its_end(*arguments: Any, **options: Any) -> str:
        executor._running[job.id].wait()
        return job_to_json(*arguments, **options)

    monkeypatch.setattr(local, "job_to_json", after_its_end)
    with pytest.raises(SaysoError, match="ended with code 7; its log is"):
        executor.run([job], lambda *_: None)


def test_lines_that_are_no_events_are_passed_over(store, job, tmp_path, monkeypatch):
    lines = ('echo "a library says hello"', "echo 3", 'echo "[]"', 'echo "{}"', 'echo \'{"event": "building"}\'')
    script = "; ".join(("read line", *lines, 'printf \'{"event": "epo\''))
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, script))
    told: Told = []
    runner = threading.Thread(
        target=LocalProcesses(store, 1).run, args=([job], lambda *one: told.append(one)), daemon=True
    )
    runner.start()
    runner.join(60)
    assert not runner.is_alive()  # who takes such a line for an event waits for ever
    assert told == [(job.id, {"event": "building"})]


def test_only_as_many_run_at_a_time_as_asked(store, short, tmp_path, monkeypatch):
    """Each worker says when it begins and ends; with two at a time there are never more than two in between."""
    script = 'read line; echo \'{"event": "make_store"}\'; sleep 0.1; echo \'{"event": "end"}\''
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, script))
    jobs = [Job(cells(short)[0], (seed,)) for seed in range(6)]
    running, most = 0, 0

    def hear(job_id: str, event: dict[str, object]) -> None:
        nonlocal running, most
        running += 1 if event["event"] == "make_store" else -1
        most = max(most, running)

    LocalProcesses(store, 2).run(jobs, hear)
    assert running == 0
    assert 1 <= most <= 2


def test_a_job_sees_as_many_gpus_as_train_its_model(store, short, tmp_path, monkeypatch):
    script = 'read line; echo "{\\"event\\": \\"has\\", \\"gpus\\": \\"$CUDA_VISIBLE_DEVICES\\"}"; sleep 0.1'
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, script))
    together = short.model_copy(update={"model": HFModel(name="m", devices=2)})
    told: list[object] = []
    jobs = [Job(cells(together)[0], (seed,)) for seed in range(4)]
    LocalProcesses(store, 2, gpus=("0", "1", "2", "3")).run(jobs, lambda _, event: told.append(event["gpus"]))
    assert set(told) == {"0,1", "2,3"}
    assert len(told) == 4


@pytest.mark.parametrize(
    ("processes", "gpus", "most"),
    [(2, ("0", "1"), 1), (5, ("3", "GPU-8f"), 3), (1, ("7",), 1), (2, ("0", "1", "2"), 1)],
)
def test_each_job_sees_the_gpu_that_fewest_others_have(store, short, tmp_path, monkeypatch, processes, gpus, most):
    script = (
        'read line; echo "{\\"event\\": \\"has\\", \\"gpu\\": \\"$CUDA_VISIBLE_DEVICES\\"}"; sleep 0.1; '
        'echo "{\\"event\\": \\"gives back\\", \\"gpu\\": \\"$CUDA_VISIBLE_DEVICES\\"}"'
    )
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, script))
    jobs = [Job(cells(short)[0], (seed,)) for seed in range(8)]
    holders, busiest, told = dict.fromkeys(gpus, 0), 0, set()

    def hear(job_id: str, event: dict[str, object]) -> None:
        nonlocal busiest
        gpu = str(event["gpu"])
        holders[gpu] += 1 if event["event"] == "has" else -1
        busiest = max(busiest, *holders.values())
        told.add(gpu)

    LocalProcesses(store, processes, gpus=gpus).run(jobs, hear)
    assert told == set(gpus[: max(processes, 1)])
    assert busiest <= most
    assert set(holders.values()) == {0}


def test_where_no_gpu_is_handed_out_workers_see_what_their_parent_does(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, 'read line; echo "$CUDA_VISIBLE_DEVICES" >&2; exit 7'))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(SaysoError, match="ended with code 7"):
        LocalProcesses(store, 1).run([job], lambda *_: None)
    assert (store.job(job.id).path / "log.txt").read_text(encoding="utf-8") == "4,5\n"


def test_an_interrupt_stops_all_workers_and_the_same_call_goes_on(store, quick):
    """Ctrl-C while an epoch is told of: everything ends, and a second call does what is left."""
    jobs = plan(quick, (1, 2), 1)
    pids: list[int] = []

    def interrupt(job_id: str, event: dict[str, object]) -> None:
        if event["event"] == "epoch":
            pids.extend(process.pid for process in executor._running.values())
            raise KeyboardInterrupt

    executor = LocalProcesses(store, 2)
    with pytest.raises(KeyboardInterrupt):
        executor.run(jobs, interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    told: list[object] = []
    LocalProcesses(store, 2).run(jobs, lambda job_id, event: told.append(event.get("done")))
    assert 1 not in told
    assert 6 in told
    assert store.job(jobs[0].id).finished


def test_a_worker_that_does_not_stop_is_killed(store, job, tmp_path, monkeypatch):
    monkeypatch.setattr(worker_process, "_WAIT_S", 0.2)
    monkeypatch.setattr(sys, "executable", fake_python(tmp_path, 'read line; echo \'{"event": "x"}\'; exec sleep 600'))
    executor = LocalProcesses(store, 1)
    pids: list[int] = []

    def interrupt(job_id: str, event: dict[str, object]) -> None:
        pids.extend(process.pid for process in executor._running.values())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executor.run([job], interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_folder_that_cannot_be_written_is_an_error(store, job):
    store.jobs_path.rmdir()
    store.jobs_path.write_text("in the way", encoding="utf-8")
    with pytest.raises(SaysoError, match="cannot write here"):
        LocalProcesses(store, 1).run([job], lambda *_: None)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """Whoever listened to a worker has ended with it."""
    yield
    for thread in threading.enumerate():
        if thread.name.endswith("(_listen)"):
            with contextlib.suppress(RuntimeError):
                thread.join(10)
            assert not thread.is_alive()


def test_a_job_that_another_process_holds_is_left_to_it_and_run_here_if_that_one_ends_before(store, brief):
    """The first is finished elsewhere, the second is given up there; the third nobody else has."""
    first, second, third = (Job(cells(brief)[0], (seed,)) for seed in (1, 2, 3))
    for job in (first, second):
        store.job(job.id).path.mkdir(parents=True)
    holds = {job.id: take(store.job(job.id).path) for job in (first, second)}
    told: Told = []

    def hear(job_id: str, event: dict[str, object]) -> None:
        told.append((job_id, event))
        if (job_id, event["event"]) == (third.id, "finished"):
            folder = store.job(first.id)
            folder.append([])
            folder.finish("now")
            for lease in holds.values():
                lease.give_back()

    LocalProcesses(store, 1).run([first, second, third], hear)
    kinds = {
        job.id: [event["event"] for job_id, event in told if job_id == job.id and event["event"] in HEARD]
        for job in (first, second, third)
    }
    assert kinds[first.id] == ["elsewhere", "finished"]
    assert kinds[second.id] == ["elsewhere", "building", "finished"]
    assert kinds[third.id] == ["building", "finished"]
    assert f"process {os.getpid()} on" in str(next(event["by"] for _, event in told if event["event"] == "elsewhere"))


HEARD = ("elsewhere", "building", "finished")


def test_a_job_that_another_took_between_the_look_and_the_start_is_left_to_it(store, brief, monkeypatch):
    """The worker finds out, and says so; it is no failure."""
    job = Job(cells(brief)[0], (1,))
    folder = store.job(job.id)
    folder.path.mkdir(parents=True)
    monkeypatch.setattr(Watch, "free", lambda self: True)  # it looked free just now
    lease = take(folder.path)
    real, looks = job_to_json, []

    def hand_over(*arguments: Any, **options: Any) -> str:
        looks.append(1)
        if len(looks) == 2:
            lease.give_back()
        return real(*arguments, **options)

    monkeypatch.setattr(local, "job_to_json", hand_over)
    LocalProcesses(store, 1).run([job], lambda *_: None)
    assert len(looks) == 2
    assert folder.finished


def test_two_runs_of_one_folder_do_every_job_once(brief, tmp_path):
    """As on two machines that share a disk: the same jobs, in processes that know nothing of each other."""
    out = Store(tmp_path / "results")
    make_store(out, brief)
    jobs = plan(brief, (1, 2, 3), 3)
    built: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            LocalProcesses(out, 1).run(
                jobs, lambda job_id, event: built.append(job_id) if event["event"] == "building" else None
            )
        except BaseException as error:
            errors.append(error)

    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert errors == []
    assert sorted(built) == sorted(job.id for job in jobs)
    for job in jobs:
        here = JobFolder(tmp_path / job.id)
        execute(job, here, lambda event: None)
        assert out.job(job.id).records_path.read_bytes() == here.records_path.read_bytes()


def test_told_to_stop_workers_keep_their_epoch_and_end(store, quick):
    """No checkpoint is due for an hour, and there is one all the same."""
    long = quick.with_settings({"stages.stage0.epochs": 100_000, "checkpoint_minutes": 60.0})
    first, second = (Job(cells(long)[0], (seed,)) for seed in (1, 2))
    executor = LocalProcesses(store, 1)
    stopping: list[threading.Thread] = []

    def hear(job_id: str, event: dict[str, object]) -> None:
        if event["event"] == "epoch" and not stopping:
            stopping.append(threading.Thread(target=executor.stop, args=(60.0,)))
            stopping[0].start()

    executor.run([first, second], hear)
    stopping[0].join()
    (position, *_) = read_positions(store.job(first.id))
    assert position.epoch >= 1
    assert (store.job(first.id).path / position.checkpoint).exists()
    assert store.job(first.id).failure() is None
    assert not store.job(first.id).finished
    assert not store.job(second.id).path.exists()
