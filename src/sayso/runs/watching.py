"""A results folder watched while it is run, here or on other machines, from its files alone.

    watcher = Watcher(Store(path))
    seen = watcher.look()          # again and again: only what has changed since is read
    watcher.curves(seen.cells[0].name)

What a job of which no process is left has recorded after its last checkpoint will be made again: it is shown in the
curves, for it will come out the same, and does not count as done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sayso.core.experiment import Experiment
from sayso.core.legs import Leg, legs
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.runs.followed import Followed
from sayso.runs.recorded import Point
from sayso.runs.status import CellStatus, JobStatus, State, Status, status


@dataclass(frozen=True)
class JobSeen:
    """A job that has not finished.

    `stage`, `epoch` of `epochs`: the leg under way, and how many of its epochs are known to be done; `done` of `total`:
    of all legs. `moved`: when its files changed last, in seconds since 1970. `where`: which process runs it, or what it
    ran on. `said`: the last line of its log, of a job that was stopped. `pace`: epochs a second, None where not known.
    """

    cell: str
    seeds: tuple[int, ...]
    state: State
    stage: str
    epoch: int
    epochs: int
    done: int
    total: int
    moved: float
    where: str
    said: str
    pace: float | None


@dataclass(frozen=True)
class CellSeen:
    """A cell: which of its seeds have finished, are running, were stopped, or are to do; a seed counts once."""

    name: str
    finished: tuple[int, ...]
    running: tuple[int, ...]
    stopped: tuple[int, ...]
    to_do: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many seeds there are."""
        return len(self.finished) + len(self.running) + len(self.stopped) + len(self.to_do)


@dataclass(frozen=True)
class Seen:
    """A results folder at a moment.

    `jobs`: those that have not finished. `done` of `total`: epochs, each seed's counted. `a_minute`: how many of them
    are done in a minute now, None where nothing runs or it is not known. `left`: roughly the seconds until all are
    done, None where not known.
    """

    status: Status
    at: float
    cells: tuple[CellSeen, ...]
    jobs: tuple[JobSeen, ...]
    done: int
    total: int
    a_minute: float | None
    left: float | None

    @property
    def path(self) -> Path:
        """The folder."""
        return self.status.path

    @property
    def experiment(self) -> Experiment:
        """What is run in it."""
        return self.status.experiment

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return all(len(cell.finished) == cell.count for cell in self.cells)

    def of_interest(self) -> str:
        """The cell to show where none is asked for: the first that runs, or else was begun, or else the first."""
        running = [cell.name for cell in self.cells if cell.running]
        begun = [cell.name for cell in self.cells if cell.finished or cell.stopped]
        return next(iter([*running, *begun, *(cell.name for cell in self.cells)]))


@dataclass(frozen=True)
class Curves:
    """Exact match on questions in a cell: means over the seeds that have come so far.

    `stages`: those that are measured, with their epochs. `means`: mean and number of seeds by stage, epoch and subset.
    """

    cell: str
    stages: tuple[tuple[str, int], ...]
    means: dict[Point, tuple[float, int]]

    def moments(self) -> list[tuple[str, int]]:
        """Stages and epochs that there are means of, in the order of training."""
        order = [name for name, _ in self.stages]
        return sorted({point[:2] for point in self.means}, key=lambda at: (order.index(at[0]), at[1]))

    def subsets(self, experiment: Experiment) -> list[str]:
        """Subsets that there are means of, in the experiment's order."""
        there = {subset for _, _, subset in self.means}
        return [subset.name for subset in experiment.subsets if subset.name in there]


class Watcher:
    """Looks at a results folder again and again; `took`: the seconds that the last look took."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.store, self._clock = store, clock
        self._jobs: dict[str, Followed] = {}
        self._legs: dict[str, list[Leg]] = {}
        self.took = 0.0

    def look(self) -> Seen:
        """Say how far the folder has come.

        Raises
        ------
        SaysoError
            If it is not a results folder, or its files are damaged.
        """
        began = time.monotonic()
        found, now = status(self.store), self._clock()
        if any(cell.name not in self._legs for cell in found.cells):
            self._legs = {cell.name: legs(cell.experiment) for cell in cells(found.experiment)}
        self._follow()
        by_seeds = {(each.cell, each.seeds): each for each in self._jobs.values()}
        jobs: list[JobSeen] = []
        before: list[float] = []
        for job in (job for cell in found.cells for job in cell.jobs):
            followed = by_seeds.get((job.cell, job.seeds))
            if followed is None:  # begun, or withdrawn, between the two looks
                continue
            if job.state == "finished":
                followed.finish()
                before += [len(job.seeds) * job.epochs / followed.took] if followed.took else []
            else:
                jobs.append(self._unfinished(job, followed, now))
        totals = {name: run[-1].before + run[-1].stage.epochs for name, run in self._legs.items()}
        self.took = time.monotonic() - began
        return _together(found, jobs, now, totals, before)

    def curves(self, cell: str) -> Curves:
        """What has been recorded in a cell at the last look, of all jobs."""
        means: dict[Point, tuple[float, int]] = {}
        for job in self._jobs.values():
            for point, (total, seeds) in job.means.items() if job.cell == cell else ():
                before = means.get(point, (0.0, 0))
                means[point] = (before[0] + total, before[1] + seeds)
        measured = {leg.stage.name: leg.stage.epochs for leg in self._legs[cell] if leg.stage.measured}
        return Curves(
            cell,
            tuple(measured.items()),
            {point: (total / seeds, seeds) for point, (total, seeds) in means.items() if point[0] in measured},
        )

    def _follow(self) -> None:
        """Begin to follow jobs that are new, and forget those that are gone."""
        try:
            names = {entry.name for entry in os.scandir(self.store.jobs_path)}
        except FileNotFoundError:
            names = set()
        for name in self._jobs.keys() - names:
            del self._jobs[name]
        for name in names - self._jobs.keys():
            folder = self.store.job(name)
            if folder.begun:
                self._jobs[name] = Followed(folder)

    def _unfinished(self, job: JobStatus, followed: Followed, now: float) -> JobSeen:
        run = self._legs[job.cell]
        followed.look(run)
        done = job.epochs_done if job.state == "stopped" else max(job.epochs_done, followed.epochs(run))
        leg = next((leg for leg in run if done < leg.before + leg.stage.epochs), run[-1])
        return JobSeen(
            cell=job.cell,
            seeds=job.seeds,
            state=job.state,
            stage=leg.label,
            epoch=done - leg.before,
            epochs=leg.stage.epochs,
            done=done,
            total=job.epochs,
            moved=followed.moved,
            where=followed.where if job.by is None else str(job.by),
            said=followed.last_of_log() if job.state == "stopped" else "",
            pace=followed.marks.pace(now) if job.state == "running" else None,
        )


def _together(found: Status, jobs: list[JobSeen], now: float, totals: dict[str, int], before: list[float]) -> Seen:
    """All cells and jobs, and how long they will take; `before`: epochs a second of jobs that have finished."""
    seen = tuple(_cell(cell) for cell in found.cells)
    total = sum(totals[cell.name] * cell.count for cell in seen)
    done = sum(totals[cell.name] * len(cell.finished) for cell in seen)
    own = {cell.name: {*cell.running, *cell.stopped} for cell in seen}
    done += sum(job.done * len(own[job.cell] & {*job.seeds}) for job in jobs)
    running = [job for job in jobs if job.state == "running"]
    paces = [job.pace * len(job.seeds) for job in running if job.pace]
    left = _left(total - done, running, paces or ([median(before)] if before else []))
    return Seen(found, now, seen, tuple(jobs), done, total, 60 * sum(paces) if paces else None, left)


def _left(epochs: int, running: list[JobSeen], paces: list[float]) -> float | None:
    """Seconds that so many epochs will take: no fewer than the running job that takes longest will.

    A job of which nothing is known yet is taken to go as the others do. `paces`: epochs a second of those that tell.
    """
    if not epochs:
        return 0.0
    if not paces or not running:
        return None
    longest = max([(job.total - job.done) / job.pace for job in running if job.pace], default=0.0)
    return max(longest, epochs / (len(running) * sum(paces) / len(paces)))


def _cell(cell: CellStatus) -> CellSeen:
    finished = set(cell.seeds("finished"))
    running = set(cell.seeds("running")) - finished
    stopped = set(cell.seeds("stopped")) - finished - running
    return CellSeen(cell.name, tuple(sorted(finished)), tuple(sorted(running)), tuple(sorted(stopped)), cell.to_do)
