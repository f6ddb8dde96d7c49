"""Hand a results folder's records on to an experiment tracker: all that is there, or as long as there is more to come.

Reads files alone, so that jobs may run anywhere. A tracker says what it has of a run and is given what it has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sayso.core.errors import SaysoError
from sayso.core.experiment import load_spec
from sayso.core.job_folder import JobFolder
from sayso.core.records import Record
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.export.growing import Growing, began, last_heard
from sayso.export.points import Fresh, Run, Series, Steps, run_of

#: Seconds between two looks at a folder that is followed.
EVERY_S = 5.0


class Tracker(Protocol):
    """Where runs can be watched."""

    def series(self, run: Run) -> Series:
        """What it has of a run."""

    def add(self, run: Run, fresh: Fresh, series: Series) -> None:
        """Show what is fresh of a run; `series` is all of it."""

    def close(self, run: Run) -> None:
        """Nothing more comes of a run for now."""


@dataclass(frozen=True)
class Added:
    """What a look at a job gave: new values of its seeds. `finished`: nothing more will come of it."""

    cell: str
    seeds: tuple[int, ...]
    values: int
    finished: bool


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Parameters
    ----------
    runs
        How many runs there are now: one for each cell and seed.
    values
        How many values it added to them.
    finished
        Whether all jobs had finished.
    """

    runs: int
    values: int
    finished: bool


class _Job:
    """A job that is handed on, and how far that has come."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder, self.manifest = folder, folder.manifest()
        self.finished = False
        self.series: dict[Run, Series] = {}
        self._steps = Steps(load_spec(self.manifest.experiment, str(folder.manifest_path), own_only=True))
        self._growing = Growing(folder.records_path)
        self._time, self._done = began(folder), 0

    @property
    def seeds(self) -> list[tuple[str, int]]:
        """Its cell with each of its seeds."""
        return [(self.manifest.cell, seed) for seed in self.manifest.seeds]

    def more(self, tracker: Tracker, owners: Owners) -> Added:
        """Hand on what is new since the last time, of the seeds that are this job's."""
        records = list(self.folder.records()) if self.finished else self._growing.more()
        times = self._times(records)
        for record in records:
            if owners.has(self, record.seed):
                run = run_of(self.manifest, record.seed, record.stage2_seed)
                if run not in self.series:
                    self.series[run] = tracker.series(run)
                self.series[run].take(record, self._steps.step(record), times(self._steps.done(record)))
        values = 0
        for run, series in self.series.items():
            if fresh := series.fresh():
                tracker.add(run, fresh, series)
                values += len(fresh)
        return Added(self.manifest.cell, self.manifest.seeds, values, self.finished)

    def close(self, tracker: Tracker) -> None:
        """Let go of its runs."""
        for run in self.series:
            tracker.close(run)
        self.series = {}

    def _times(self, records: list[Record]) -> Callable[[int], float]:
        """When epochs were done: evenly between the last time something was heard of the job and now."""
        start, done = self._time, self._done
        last = self._steps.total if self.finished else max(map(self._steps.done, records), default=done)
        end = max(start, last_heard(self.folder))
        if records:
            self._time, self._done = end, last
        pace = (end - start) / max(last - done, 1)
        return lambda epochs: start + pace * max(epochs - done, 0)


class Owners:
    """Whose seeds are whose, where several jobs have one: a finished job's, or else that of the job begun last."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, int], _Job] = {}

    def claim(self, job: _Job) -> None:
        """Give a job the seeds that are nobody's, or that it has before their owner."""
        for seed in job.seeds:
            other = self._of.setdefault(seed, job)
            if not other.finished and (job.finished, job.manifest.started) > (False, other.manifest.started):
                self._of[seed] = job

    def has(self, job: _Job, seed: int) -> bool:
        """Whether a seed of its cell is the job's."""
        return self._of.get((job.manifest.cell, seed)) is job


def export(
    store: Store,
    tracker: Tracker,
    *,
    follow: bool = False,
    every: float = EVERY_S,
    on_added: Callable[[Added], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Exported:
    """Hand all records on; with `follow` look again every so many seconds until all jobs that are planned finished.

    A seed that was run in two jobs is handed on once.

    Raises
    ------
    SaysoError
        If it is not a results folder, nothing was recorded yet (and it is not followed), or files are damaged.
    """
    names = [cell.name for cell in cells(store.experiment())]
    jobs: dict[str, _Job] = {}
    owners, done = Owners(), set[tuple[str, int]]()
    runs, values = set[tuple[str, int, int]](), 0
    try:
        while True:
            for job in _looked_at(store, jobs, owners):
                added = job.more(tracker, owners)
                runs |= {(run.cell, run.seed, run.stage2_seed) for run in job.series}
                values += added.values
                if added.finished:
                    job.close(tracker)
                    done.update(job.seeds)
                if on_added is not None and (added.values or added.finished):
                    on_added(added)
            finished = done.issuperset((name, seed) for name in names for seed in store.plans()[-1])
            if finished or not follow:
                break
            sleep(every)
    finally:
        for job in jobs.values():
            job.close(tracker)
    if not runs:
        raise SaysoError(f"{store.path}: nothing was recorded yet; wait for its first epoch, or follow it")
    return Exported(len(runs), values, finished)


def _looked_at(store: Store, jobs: dict[str, _Job], owners: Owners) -> list[_Job]:
    """Jobs that had not finished when they were last looked at, with those begun since; seeds have their owners."""
    before = {name for name, job in jobs.items() if job.finished}
    for folder in store.jobs():
        name = folder.path.name
        if name not in before:
            if name not in jobs:
                jobs[name] = _Job(folder)
            job = jobs[name]
            job.finished = folder.finished
            owners.claim(job)
    return [job for name, job in jobs.items() if name not in before]
