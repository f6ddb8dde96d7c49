"""Processes of `sayso.runs.worker`, as whoever starts them sees them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from sayso.core.measure import Measure
from sayso.core.own_types import has_foreign
from sayso.core.sweep import Job

_WAIT_S = 10.0
#: Read by torch when it loads: what it cannot compute on Apple's GPUs it then computes on the CPU, and does not fail.
_ON_CPU = "PYTORCH_ENABLE_MPS_FALLBACK"
#: How much of the end of a log is searched for a traceback.
_LAST_BYTES = 20_000


def begin(log: TextIO, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process that waits for a job; `folder` is there, `environment` is what it finds beside what there is."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "sayso.runs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={_ON_CPU: "1", **os.environ, **environment},
        cwd=None if _working_folder_is_there() else folder,  # libraries do not load in one that is not
        start_new_session=True,  # Ctrl-C reaches this process alone, which then stops its jobs in order
    )


def threads_in(count: int) -> dict[str, str]:
    """What a process finds in its environment, so that its libraries use so many threads."""
    return {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count), "TOKENIZERS_PARALLELISM": "false"}


def event_of(line: str) -> dict[str, object] | None:
    """Read what a worker said; None if the end of the process cut it off, or a library printed it past Python."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def may_share(job: Job, measures: Sequence[Measure]) -> bool:
    """Whether a process on CPUs may do other jobs before and after this one, or before and after its `measures`.

    Not with a large model, which leaves memory behind; and what types of a user's own leave behind nobody knows.
    """
    experiment = job.cell.experiment
    described = [experiment.model_dump(mode="json"), [each.model_dump(mode="json") for each in measures]]
    return experiment.model.max_replicas != 1 and not has_foreign(described)


def end(process: subprocess.Popen[str]) -> None:
    """End a worker by closing its standard input; if that does not help, kill it."""
    with contextlib.suppress(OSError):
        assert process.stdin is not None
        process.stdin.close()
    try:
        process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_ready(process: subprocess.Popen[str]) -> None:
    """End a worker that nobody listens to, as it waits for a job."""
    end(process)
    assert process.stdout is not None
    process.stdout.close()


def raised_in(log: Path) -> str | None:
    """What a traceback at the end of a log says was raised (``KeyError: 'x'``); None if there is none."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LAST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
        last = max((at for at, line in enumerate(lines) if line.startswith("  File ")), default=None)
        if last is not None:
            return next((line for line in lines[last:] if re.match(r"[\w.]+(: |$)", line)), None)
    return None


def _working_folder_is_there() -> bool:
    """Whether this process has a working folder still: it may have been deleted since."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
