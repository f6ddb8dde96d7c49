import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sayso.core.records import JobFolder
from sayso.core.sweep import Job
from sayso.runs.worker import EXIT_STOPPED, job_to_json

WAIT_S = 60.0


@contextmanager
def worker(line: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that was told its job and whose standard input is still open."""
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sayso.runs.worker"],
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


def test_a_worker_killed_at_many_moments_goes_on_to_the_same_records(job, tmp_path):
    """SIGKILL after each of several events, then once more from the start to the end: the same bytes, nothing twice."""
    with worker(request(job, tmp_path / "whole"), tmp_path / "log.txt") as process:
        expected = [event for event in events_of(process) if event["event"] == "epoch"]
        assert process.wait(WAIT_S) == 0
    told: list[tuple[str, int]] = []
    for lives in (1, 2, 3):  # how many epochs it may tell of before it is killed
        with worker(request(job, tmp_path / "job"), tmp_path / "log.txt") as process:
            for event in events_of(process):
                if event["event"] == "epoch":
                    told.append((event["stage"], event["epoch"]))
                    lives -= 1
                if lives == 0:
                    process.send_signal(signal.SIGKILL)
                    break
            process.wait(WAIT_S)
    with worker(request(job, tmp_path / "job"), tmp_path / "log.txt") as process:
        told += [(event["stage"], event["epoch"]) for event in events_of(process) if event["event"] == "epoch"]
        assert process.wait(WAIT_S) == 0
    whole = (tmp_path / "whole" / "records.jsonl").read_bytes()
    assert (tmp_path / "job" / "records.jsonl").read_bytes() == whole
    assert len(told) == len(set(told))  # no epoch that was told of is done twice
    assert set(told) <= {(event["stage"], event["epoch"]) for event in expected}


def test_a_worker_ends_when_its_parent_does(job, tmp_path):
    """Its parent starts it, waits for its first word, and is killed: the pipe to the worker closes, whatever happens."""
    code = f"""
import os, signal, subprocess, sys
process = subprocess.Popen([sys.executable, "-m", "sayso.runs.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
process.stdin.write({request(job.__class__(job.cell, tuple(range(16))), tmp_path / "job")!r} + chr(10))
process.stdin.flush()
process.stdout.readline()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert parent.returncode == -signal.SIGKILL
    # `run` returns only when all that inherited the parent's standard error have closed it: the worker has ended
    pid = int(parent.stdout)
    with pytest.raises(ProcessLookupError):
        _alive(pid)
    assert not JobFolder(tmp_path / "job").finished


def _alive(pid: int) -> None:
    """Raise ProcessLookupError where the process has ended (also where nobody has collected its exit code yet)."""
    os.kill(pid, 0)
    status = Path(f"/proc/{pid}/stat")
    if status.exists() and status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
        raise ProcessLookupError


def test_closing_its_input_stops_a_worker(job, tmp_path):
    with worker(request(job, tmp_path / "job"), tmp_path / "log.txt") as process:
        next(events_of(process))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == EXIT_STOPPED
    assert not JobFolder(tmp_path / "job").finished


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knowledge": {"entities": 10000, "facts": "notables"}}, "knowledge.entities is 10000, but notables has"),
        ({"model": {"config": {"hiden_size": 3}}}, "did you mean 'hidden_size'"),
        ({"split": {"trained_questions": 0}}, "split.trained_questions: input should be greater than or equal to 1"),
    ],
)
def test_an_error_the_user_can_put_right_is_told_and_nothing_else(job, tmp_path, change, message):
    line = json.loads(request(job, tmp_path / "job"))
    for part, settings in change.items():
        line["experiment"][part].update(settings)
    with worker(json.dumps(line), tmp_path / "log.txt") as process:
        *_, last = events_of(process)
        assert process.wait(WAIT_S) == 2
    assert last["event"] == "error"
    assert message in last["message"]
    assert "Traceback" not in (tmp_path / "log.txt").read_text(encoding="utf-8")
