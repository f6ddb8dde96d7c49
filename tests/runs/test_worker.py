import dataclasses
import errno
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sayso.core.job_folder import JobFolder
from sayso.core.sweep import Cell, Job
from sayso.learners.numerics import WORKSPACE, Numerics
from sayso.measures.losses import MeanLoss
from sayso.runs import execute as execute_module
from sayso.runs import worker as worker_module
from sayso.runs.execute import execute
from sayso.runs.worker import EXIT_STOPPED, job_to_json

WAIT_S = 60.0


class Mine(MeanLoss):
    """A measure of a user's own."""


@contextmanager
def worker(line: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that was told its job and whose standard input is still open."""
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sayso.runs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait(WAIT_S)
        process.stdout.close()
        process.stdin.close()


def events_of(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def request(job: Job, path: Path) -> str:
    return job_to_json(job, JobFolder(path), save_models=False)


def test_a_job_is_one_line(job, tmp_path):
    line = request(job, tmp_path / "job")
    assert "\n" not in line
    assert json.loads(line)["seeds"] == [1, 2]


def test_a_worker_is_told_where_a_users_types_are_and_only_then(job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/somewhere/else"])
    assert json.loads(request(job, tmp_path / "job"))["path"] == []
    measures = (*job.cell.experiment.measures, Mine())
    own = Job(Cell("main", job.cell.experiment.model_copy(update={"measures": measures})), job.seeds)
    line = request(own, tmp_path / "job")
    assert json.loads(line)["experiment"]["measures"][-1]["type"] == f"{__name__}:Mine"
    assert json.loads(line)["path"] == [str(tmp_path), "/somewhere/else"]
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert json.loads(request(own, Path("/job")))["path"] == ["/somewhere/else"]


def test_a_worker_killed_at_several_moments_goes_on_to_the_same_records(quick_job, tmp_path):
    """SIGKILL before the first epoch and after the second, then again to the end: the same bytes, nothing twice."""
    job = quick_job
    execute(job, JobFolder(tmp_path / "whole"), lambda event: None)
    told: list[tuple[str, int]] = []
    moments: tuple[tuple[str, int], ...] = (("building", 1), ("epoch", 2), ("finished", 1))
    for moment in moments:
        with worker(request(job, tmp_path / "job"), tmp_path / "log.txt") as process:
            heard: list[str] = []
            for event in events_of(process):
                heard.append(event["event"])
                if event["event"] == "epoch":
                    told.append((event["stage"], event["epoch"]))
                if (event["event"], heard.count(event["event"])) == moment:
                    break
            if moment[0] != "finished":
                process.send_signal(signal.SIGKILL)
            assert process.wait(WAIT_S) == (0 if moment[0] == "finished" else -signal.SIGKILL)
    whole = (tmp_path / "whole" / "records.jsonl").read_bytes()
    assert (tmp_path / "job" / "records.jsonl").read_bytes() == whole
    assert len(told) == len(set(told))  # no epoch that was told of is done twice
    assert set(told) <= {(stage, epoch) for stage in ("stage0", "stage1", "stage2") for epoch in (1, 2)}


def test_a_worker_ends_when_its_parent_does(job, tmp_path):
    """Its parent starts it, waits for its first word, and is killed: then the pipe to the worker closes."""
    code = f"""
import os, signal, subprocess, sys
command = [sys.executable, "-P", "-m", "sayso.runs.worker"]
process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
process.stdin.write({request(Job(job.cell, tuple(range(16))), tmp_path / "job")!r} + chr(10))
process.stdin.flush()
process.stdout.readline()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert parent.returncode == -signal.SIGKILL
    pid, deadline = int(parent.stdout), time.monotonic() + WAIT_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)
    assert not JobFolder(tmp_path / "job").finished


def alive(pid: int) -> bool:
    """Whether a process has not ended (one that has, and whose exit code nobody has collected yet, is not alive)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def test_closing_its_input_stops_a_worker(job, tmp_path):
    with worker(request(job, tmp_path / "job"), tmp_path / "log.txt") as process:
        next(events_of(process))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == EXIT_STOPPED
    assert not JobFolder(tmp_path / "job").finished


def test_warnings_are_told_and_logged(job, tmp_path, monkeypatch, capsys):
    """A stand-in for a job, in this process, which runs out of memory."""
    told = io.StringIO()
    log = logging.getLogger("sayso")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(execute_module, "execute", lambda *_, **__: log.warning("at most %d documents", 8))
    monkeypatch.setattr(worker_module, "_stop_with_parent", lambda: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(request(job, tmp_path / "job") + "\n"))
    monkeypatch.setattr(sys, "stdout", told)
    assert worker_module.main() == 0
    assert [json.loads(line) for line in told.getvalue().splitlines()] == [
        {"event": "warning", "message": "at most 8 documents"}
    ]
    assert capsys.readouterr().err == "at most 8 documents\n"


def test_a_worker_computes_as_its_experiment_asks(job, tmp_path, monkeypatch):
    asked = dataclasses.replace(
        job, cell=Cell(job.cell.name, job.cell.experiment.with_settings({"deterministic": True, "tf32": True}))
    )
    before, found = Numerics.now(), []
    monkeypatch.setattr(execute_module, "execute", lambda *_, **__: found.append(Numerics.now()))
    monkeypatch.setattr(worker_module, "_stop_with_parent", lambda: None)
    monkeypatch.setenv(WORKSPACE, ":4096:8")
    try:
        for each in (asked, job):
            monkeypatch.setattr(sys, "stdin", io.StringIO(request(each, tmp_path / "job") + "\n"))
            monkeypatch.setattr(sys, "stdout", io.StringIO())
            assert worker_module.main() == 0
    finally:
        before.set_up()
    assert found == [Numerics(deterministic=True, tf32=True), Numerics()]


@pytest.mark.parametrize("named", [True, False])
def test_a_full_disk_is_told_with_its_cause(job, tmp_path, monkeypatch, capsys, named):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *(["records.jsonl"] if named else []))

    told = io.StringIO()
    monkeypatch.setattr(execute_module, "execute", full)
    monkeypatch.setattr(worker_module, "_stop_with_parent", lambda: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(request(job, tmp_path / "job") + "\n"))
    monkeypatch.setattr(sys, "stdout", told)
    assert worker_module.main() == 2
    (event,) = (json.loads(line) for line in told.getvalue().splitlines())
    assert event["event"] == "error"
    place = "records.jsonl" if named else str(tmp_path / "job")
    assert event["message"].startswith(f"{place}: No space left on device; ")
    assert capsys.readouterr().err == event["message"] + "\n"


def test_an_error_the_user_can_put_right_is_told_and_nothing_else(job, tmp_path):
    line = json.loads(request(job, tmp_path / "job"))
    line["experiment"]["model"]["config"] = {"hiden_size": 3}
    with worker(json.dumps(line), tmp_path / "log.txt") as process:
        *_, last = events_of(process)
        assert process.wait(WAIT_S) == 2
    assert last["event"] == "error"
    assert "did you mean 'hidden_size'" in last["message"]
    logged = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "Traceback" not in logged
    assert logged.splitlines()[-1] == last["message"]
