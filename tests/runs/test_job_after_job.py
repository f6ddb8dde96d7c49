"""Processes that do job after job: the same bytes as from a process that has just begun, whatever was run before."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.store import Store
from sayso.core.sweep import Job, cells, plan
from sayso.runs import local, worker_process
from sayso.runs.execute import execute
from sayso.runs.local import LocalProcesses
from sayso.runs.worker import LOG, job_to_json
from tests.core.written import make_store


@pytest.fixture
def store(short, tmp_path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, short)
    return result


@pytest.fixture
def begun(monkeypatch) -> list[subprocess.Popen[str]]:
    """All processes that were started."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*arguments: Any) -> subprocess.Popen[str]:
        processes.append(worker_process.begin(*arguments))
        return processes[-1]

    monkeypatch.setattr(local, "begin", begin)
    return processes


@pytest.fixture
def brief(short):
    """An epoch a stage, measured at its end."""
    settings: dict[str, object] = {f"stages.{stage.name}.epochs": 1 for stage in short.stages}
    return short.with_settings({**settings, "measures.0.when": "stage", "measures.1.when": "stage"})


def test_one_process_does_different_jobs_one_after_the_other(store, brief, begun, tmp_path):
    """A sum in one order, another size and other seeds come between two jobs with nothing special about them."""
    plain = cells(brief)[0]
    others = [
        cells(brief.with_settings(settings))[0]
        for settings in ({"deterministic": True}, {"model.config.hidden_size": 24})
    ]
    jobs = [Job(plain, (1,)), Job(others[0], (1, 2)), Job(others[1], (3,)), Job(plain, (2,))]
    finished: list[str] = []
    LocalProcesses(store, 1).run(
        jobs, lambda job_id, event: finished.append(job_id) if event["event"] == "finished" else None
    )
    assert len(begun) == 1
    assert begun[0].poll() is not None
    assert sorted(finished) == sorted(job.id for job in jobs)
    for job in (jobs[0], jobs[2], jobs[3]):
        here = JobFolder(tmp_path / job.id)
        execute(job, here, lambda event: None)
        for name in ("records_path", "ledger_path"):
            assert getattr(store.job(job.id), name).read_bytes() == getattr(here, name).read_bytes()


def test_a_job_that_fails_ends_its_process_and_the_next_run_has_another(store, brief, begun):
    broken = brief.with_settings({"knowledge.facts": "notables", "knowledge.entities": 1000, "knowledge.pool": 100})
    good = [Job(cells(brief)[0], (seed,)) for seed in (1, 2)]
    executor = LocalProcesses(store, 2)
    with pytest.raises(SaysoError, match="knowledge"):
        executor.run([Job(cells(broken)[0], (1,))], lambda *_: None)
    assert begun[0].poll() == 2
    executor.run(good[:1], lambda *_: None)
    assert len(begun) == 2
    assert store.job(good[0].id).finished


def fake(monkeypatch, tmp_path: Path, script: str) -> None:
    path = tmp_path / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(worker_process.sys, "executable", str(path))


READY = 'while read line; do echo oops >&2; echo "{\\"event\\": \\"ready\\"}"; done'


def test_a_process_that_died_while_it_waited_is_replaced(store, short, begun, monkeypatch, tmp_path):
    fake(monkeypatch, tmp_path, READY)
    jobs = [Job(cells(short)[0], (seed,)) for seed in (1, 2)]
    executor = LocalProcesses(store, 1)
    real: Callable[..., Any] = executor._one_that_is_ready

    def after_its_death() -> Any:
        for process in executor._ready:
            process.kill()
            process.wait()
        return real()

    monkeypatch.setattr(executor, "_one_that_is_ready", after_its_death)
    executor.run(jobs, lambda *_: None)
    assert len(begun) == 2


@pytest.mark.parametrize("alone", ["a type of a user's own", "a GPU"])
def test_jobs_that_may_leave_something_behind_have_a_process_to_themselves(
    alone, store, short, quick, begun, monkeypatch, tmp_path
):
    fake(monkeypatch, tmp_path, 'read line; case "$line" in *\'"stay": true\'*) exit 7;; esac')
    experiment, gpus = (short, ("0",)) if alone == "a GPU" else (quick, ())
    jobs = [Job(cells(experiment)[0], (seed,)) for seed in (1, 2)]
    LocalProcesses(store, 1, gpus=gpus).run(jobs, lambda *_: None)
    assert len(begun) == 2


def test_what_a_process_says_goes_into_the_log_of_the_job_it_is_at(brief, tmp_path):
    """The second request is none, which ends it with a traceback."""
    folders = [JobFolder(tmp_path / "jobs" / name) for name in ("one", "two")]
    for folder in folders:
        folder.path.mkdir(parents=True)
    job = Job(cells(brief)[0], (1,))
    with (folders[0].path / LOG).open("a", encoding="utf-8") as log:
        process = worker_process.begin(log, tmp_path, worker_process.threads_in(1))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job_to_json(job, folders[0], stay=True) + "\n")
    process.stdin.flush()
    while json.loads(process.stdout.readline())["event"] != "ready":
        pass
    process.stdin.write(json.dumps({"folder": str(folders[1].path), "path": []}) + "\n")
    process.stdin.flush()
    assert process.wait(60) == 1
    worker_process.end_ready(process)
    assert "KeyError" in (folders[1].path / LOG).read_text(encoding="utf-8")
    assert "KeyError" not in (folders[0].path / LOG).read_text(encoding="utf-8")


def test_where_more_jobs_wait_than_run_the_longest_come_first_after_those_that_were_begun(
    store, short, monkeypatch, tmp_path
):
    fake(monkeypatch, tmp_path, 'read line; echo "{\\"event\\": \\"began\\"}"')
    swept = short.model_copy(update={"axes": {"stages.stage1.epochs": [1, 4, 2]}})
    jobs = plan(swept, (1, 2), 1)
    told: list[str] = []
    LocalProcesses(store, 1).run(jobs, lambda job_id, event: told.append(job_id))
    assert told == [jobs[1].id, jobs[2].id, jobs[0].id]
    told.clear()
    folder = store.job(jobs[0].id)
    folder.manifest_path.write_text("{}", encoding="utf-8")  # it was begun
    LocalProcesses(store, 1).run(jobs, lambda job_id, event: told.append(job_id))
    assert told == [jobs[0].id, jobs[1].id, jobs[2].id]
    told.clear()
    LocalProcesses(store, 3).run(jobs, lambda job_id, event: told.append(job_id))
    assert sorted(told) == sorted(job.id for job in jobs)
