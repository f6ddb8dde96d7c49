"""Processes that do job after job: the same bytes as from a process that has just begun, whatever was run before."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.store import Store
from sayso.core.sweep import Job, cells, plan
from sayso.runs import execute as execute_module
from sayso.runs import local, worker, worker_process
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


def test_one_process_does_different_jobs_one_after_the_other(store, brief, begun, tmp_path):
    """A job with other settings of everything a process sets up comes before two with nothing special about them."""
    other = brief.with_settings({"deterministic": True, "tf32": True, "model.config.hidden_size": 24})
    jobs = [Job(cells(brief)[0], (1,)), Job(cells(brief)[0], (2,)), Job(cells(other)[0], (1, 2))]
    finished: list[str] = []
    LocalProcesses(store, 1).run(
        jobs, lambda job_id, event: finished.append(job_id) if event["event"] == "finished" else None
    )
    assert len(begun) == 1
    assert begun[0].poll() is not None
    assert finished == [jobs[2].id, jobs[0].id, jobs[1].id]
    here = JobFolder(tmp_path / jobs[1].id)
    execute(jobs[1], here, lambda event: None)
    for name in ("records_path", "ledger_path"):
        assert getattr(store.job(jobs[1].id), name).read_bytes() == getattr(here, name).read_bytes()


def in_this_process(monkeypatch, first: dict[str, Any], then: dict[str, Any], run: Callable[..., None]) -> list[Any]:
    """What a worker says of two requests, and its exit code."""
    told = io.StringIO()
    monkeypatch.setattr(execute_module, "execute", run)
    monkeypatch.setattr(worker, "_stop_with_parent", lambda stop, more: more.put(json.dumps(then)))
    monkeypatch.setattr(logging.getLogger("sayso"), "handlers", [])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(first) + "\n"))
    monkeypatch.setattr(sys, "stdout", told)
    code = worker.main()
    return [*(json.loads(line)["event"] for line in told.getvalue().splitlines()), code]


def test_a_worker_stays_where_it_is_told_to_and_writes_into_the_log_of_the_job_it_is_at(brief, monkeypatch, tmp_path):
    job = Job(cells(brief)[0], (1,))
    ran: list[str] = []
    logs: list[Path] = []
    first, then = (
        json.loads(job_to_json(job, JobFolder(tmp_path / name), stay=name == "one")) for name in ("one", "two")
    )
    monkeypatch.setattr(worker, "_log_to", logs.append)
    run = lambda job, folder, *_, **__: ran.append(folder.path.name)  # noqa: E731
    assert in_this_process(monkeypatch, first, then, run) == ["ready", 0]
    assert ran == ["one", "two"]
    assert logs == [tmp_path / "two" / LOG]


def test_after_a_job_that_failed_a_worker_ends_whatever_it_was_told(brief, monkeypatch, tmp_path):
    first = json.loads(job_to_json(Job(cells(brief)[0], (1,)), JobFolder(tmp_path / "one"), stay=True))

    def fail(*_: object, **__: object) -> None:
        raise SaysoError("no")

    assert in_this_process(monkeypatch, first, first, fail) == ["error", 2]


def test_standard_error_goes_on_in_another_file(tmp_path):
    before = os.dup(2)
    try:
        worker._log_to(tmp_path / LOG)
        os.write(2, b"said\n")
    finally:
        os.dup2(before, 2)
        os.close(before)
    assert (tmp_path / LOG).read_bytes() == b"said\n"


def fake(monkeypatch, tmp_path: Path, script: str) -> None:
    path = tmp_path / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


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


def test_after_a_job_that_failed_the_next_one_has_another_process(store, short, begun, monkeypatch, tmp_path):
    fake(monkeypatch, tmp_path, 'read line; echo "{\\"event\\": \\"error\\", \\"message\\": \\"no\\"}"; exit 2')
    jobs = [Job(cells(short)[0], (seed,)) for seed in (1, 2)]
    with pytest.raises(SaysoError, match=r"no \(and 1 more\)"):
        LocalProcesses(store, 1, run_name="one of several").run(jobs, lambda *_: None)
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
