"""How far a results folder has come, read from its files alone: nothing needs to run for it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sayso.core.collecting import without_collecting
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import OfSettings
from sayso.core.job_folder import JobFolder
from sayso.core.lease_file import disk_time, is_held
from sayso.core.legs import legs, total_epochs
from sayso.core.owner import Owner
from sayso.core.store import Store
from sayso.core.sweep import cell_names
from sayso.runs.progress import read_positions

State = Literal["finished", "running", "stopped"]


@dataclass(frozen=True)
class JobStatus:
    """A job that was begun: its seeds, how many epochs of all its legs are done for good.

    `by`: which process runs it; `why`: what its last try failed of.
    """

    cell: str
    seeds: tuple[int, ...]
    state: State
    epochs_done: int
    epochs: int
    by: Owner | None = None
    why: str = ""


@dataclass(frozen=True)
class CellStatus:
    """One cell: the jobs begun, and the seeds no job has begun."""

    name: str
    jobs: tuple[JobStatus, ...]
    to_do: tuple[int, ...]

    def seeds(self, state: State) -> tuple[int, ...]:
        """Seeds of all jobs in this state."""
        return tuple(seed for job in self.jobs if job.state == state for seed in job.seeds)


@dataclass(frozen=True)
class Status:
    """A results folder: its experiment, and the cells in the experiment's order."""

    path: Path
    experiment: Experiment
    cells: tuple[CellStatus, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds asked for when the folder was made, and all that were begun since, in order."""
        return tuple(sorted({s for c in self.cells for s in (*(s for job in c.jobs for s in job.seeds), *c.to_do)}))

    @property
    def unfinished(self) -> tuple[int, ...]:
        """Seeds that some cell has not finished, in order."""
        return tuple(sorted({s for c in self.cells for s in (*c.seeds("running"), *c.seeds("stopped"), *c.to_do)}))


@without_collecting()
def status(store: Store) -> Status:
    """Say how far a results folder has come.

    Raises
    ------
    SaysoError
        If it is not a results folder, or its files are damaged.
    """
    experiment = store.experiment()
    found: dict[str, list[JobStatus]] = {}
    for job in statuses(store.jobs(), functools.cache(lambda: disk_time(store.path))):
        found.setdefault(job.cell, []).append(job)
    seeds = sorted({*experiment.seeds, *(seed for jobs in found.values() for job in jobs for seed in job.seeds)})
    result = []
    for name in cell_names(experiment):
        jobs = tuple(sorted(found.get(name, ()), key=lambda job: job.seeds))
        begun = {seed for job in jobs for seed in job.seeds}
        result.append(CellStatus(name, jobs, tuple(seed for seed in seeds if seed not in begun)))
    return Status(store.path, experiment, tuple(result))


def statuses(folders: Iterable[JobFolder], now: Callable[[], float] = time.time) -> Iterator[JobStatus]:
    """Say how far jobs have come that were begun, one after the other; `now` is as the disk has it.

    Raises
    ------
    SaysoError
        If files of one are damaged.
    """
    experiments = OfSettings(lambda own: (own, total_epochs(own)), own_only=True)
    for folder in folders:
        manifest = folder.manifest()
        own, total = experiments.of(folder, manifest)
        state, owner = _state(folder, now)
        done = total if state == "finished" else epochs_done(folder, own)
        failure = folder.failure() if state == "stopped" else None
        why = "" if failure is None else failure[0]
        yield JobStatus(manifest.cell, manifest.seeds, state, done, total, owner, why)


def epochs_done(folder: JobFolder, experiment: Experiment) -> int:
    """How many epochs of all legs an unfinished job of an experiment without axes has done for good."""
    positions = read_positions(folder)
    if not positions:
        return 0
    run = legs(experiment)
    if positions[0].leg >= len(run):
        raise SaysoError(f"{folder.position_path}: not a position; delete {folder.path} to begin anew")
    return run[positions[0].leg].before + positions[0].epoch


def _state(folder: JobFolder, now: Callable[[], float]) -> tuple[State, Owner | None]:
    """Whether a job begun has finished, is run by some process (and which), or was stopped."""
    if folder.finished:
        return "finished", None
    owner = is_held(folder.path, now)
    if owner is None:
        return ("finished" if folder.finished else "stopped"), None
    return "running", owner
