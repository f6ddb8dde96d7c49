"""What runs on the nodes of a Ray cluster (`sayso.runs.on_ray`); nothing here needs Ray."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.experiment import load_spec
from sayso.core.files import file_sha256
from sayso.core.store import Store
from sayso.core.sweep import Cell, Job
from sayso.runs.crew import say
from sayso.runs.local import LocalProcesses
from sayso.runs.manifest import require_same


@dataclass(frozen=True)
class Task:
    """A job of the results folder `results` (absolute), for the run `run`; `experiment` is its cell's, as JSON.

    `environment`: variables that it is to find, beside those of its node. `path`: where whoever sends it finds modules
    (a user's own are looked for there).
    """

    results: str
    run: str
    cell: str
    experiment: Mapping[str, Any]
    seeds: tuple[int, ...]
    threads: int
    save_models: bool
    environment: Mapping[str, str]
    path: Sequence[str]


def run_job(task: Task) -> tuple[str, tuple[str, ...]]:
    """Run a job to its end, or until another process turns out to have it; its name, and what was warned of.

    The job has a process of its own, which ends when this one does.

    Raises
    ------
    SaysoError
        If it fails.
    """
    sys.path += [folder for folder in task.path if folder not in sys.path]
    os.environ.update(task.environment)
    job = Job(Cell(task.cell, load_spec(task.experiment, "experiment", own_only=False)), task.seeds)
    warnings: list[str] = []

    def hear(job_id: str, event: Mapping[str, object]) -> None:
        say(job_id, event)
        if event["event"] == "warning":
            warnings.append(str(event["message"]))

    store = Store(Path(task.results))
    running = LocalProcesses(store, threads=task.threads, save_models=task.save_models, run_name=task.run)
    running.run([job], hear)
    return job.id, tuple(warnings)


def look_around(results: str, sha256: str, versions: Mapping[str, str]) -> None:
    """Make sure that a node can run jobs of a results folder, whose experiment.json has this digest.

    Raises
    ------
    SaysoError
        If it does not see the folder under the same path, or Python, sayso or torch are of other versions there.
    """
    require_same(versions)
    path = Store(Path(results)).experiment_path
    if not path.exists() or file_sha256(path) != sha256:
        what = "another one" if path.exists() else "not there"
        raise SaysoError(f"{path}: {what} on node {platform.node()}; results must be on a disk that all nodes share")
