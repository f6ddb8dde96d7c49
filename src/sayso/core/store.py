"""A results folder: one experiment, and a folder for each of its jobs.

DIR/experiment.json    what is run here
DIR/plans.json         which seeds were to be run in all, and how that was changed after there were results
DIR/runs/ID/           a run that is under way (`sayso.core.runs_here`)
DIR/.lease-N           who plans a run here, or was the last to (`sayso.core.lease`)
DIR/jobs/ID/           one job; `sayso.core.job_folder` says what is in it
DIR/index/             the same as tables; `sayso.query.index` makes them of the jobs
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from sayso.core import settings as settings_by_path
from sayso.core.collecting import without_collecting
from sayso.core.columns import Columns
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.files import read_json, write_atomically
from sayso.core.identity import require_one_origin
from sayso.core.job_folder import JobFolder
from sayso.core.lease import held
from sayso.core.lease_file import PREFIX
from sayso.core.ledger import Contribution
from sayso.core.predictions import Answered, predictions
from sayso.core.records import Record
from sayso.core.runs_here import Deals, Runs
from sayso.core.spec import canonical_json
from sayso.core.sweep import Job, cell_names

#: Chooses the jobs of a run, given those of others that are under way.
Choose: TypeAlias = Callable[[Deals], Sequence[Job]]

#: Seconds to wait for another run that is being planned: it may read thousands of jobs, or measure what fits on a GPU.
_WAIT_S = 600.0


def _nothing(_others: Deals) -> Sequence[Job]:
    return ()


class Store:
    """A results folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.experiment_path = path / "experiment.json"
        self.plans_path = path / "plans.json"
        self.jobs_path = path / "jobs"
        self.runs = Runs(path / "runs")
        self.index_path = path / "index"

    @contextlib.contextmanager
    def held(self, experiment: Experiment, choose: Choose = _nothing) -> Iterator[Sequence[Job]]:
        """Begin a run of an experiment: make the folder, or check that it belongs to it; `choose` says which jobs.

        Several runs may be under way, on any machines. Each chooses alone, given the jobs of the others, and the seeds
        become part of the folder's `plans`. An error that comes before any job has got anywhere leaves no folder and no
        plan behind.

        Raises
        ------
        SaysoError
            If the folder cannot be written, holds another experiment, or another process keeps it to itself.
        """
        with self._one_line(), contextlib.ExitStack() as until_the_end:
            with self._alone():
                self._create(experiment)
                planned, begun = self.plans(), len(self.jobs())
                self._plan(experiment.seeds)
                try:
                    jobs = choose(self.runs.deals())
                    until_the_end.enter_context(self.runs.joined(jobs))
                except SaysoError:
                    self._undo(planned, begun)
                    raise
            try:
                yield jobs
            except SaysoError:
                until_the_end.close()
                with self._alone():
                    self._undo(planned, begun)
                raise

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from beginning a run for a moment."""
        self.path.mkdir(parents=True, exist_ok=True)
        with held(self.path, _WAIT_S):
            yield

    @contextlib.contextmanager
    def _one_line(self) -> Iterator[None]:
        """Say in one line that the folder cannot be written."""
        try:
            yield
        except OSError as error:
            raise SaysoError(
                f"{self.path}: cannot write here: {error.strerror}; choose another folder with --out"
            ) from error

    def _undo(self, planned: Sequence[Sequence[int]], begun: int) -> None:
        """Plan what was planned before, where no job was begun since and no other run is under way."""
        if len(self.jobs()) == begun and not self.runs.folders():
            self._keep_plans(planned)
            self._withdraw()

    def _create(self, experiment: Experiment) -> None:
        """Say which experiment the folder holds, where nothing does yet."""
        if self.experiment_path.exists():
            there = self.experiment()
            if there.digest() != experiment.digest():
                raise SaysoError(
                    f"{self.path}: holds {there.name} with other settings ({_difference(there, experiment)}); "
                    "choose another folder with --out"
                )
            return
        self.jobs_path.mkdir(exist_ok=True)
        write_atomically(self.experiment_path, experiment.model_dump_json(indent=1) + "\n")

    def plans(self) -> list[tuple[int, ...]]:
        """Which seeds were planned in all, in order: the first plan, and each that it was changed to after results.

        A folder of a version that kept no plans has one: the seeds it was made for, or those that have finished where
        others have, too.

        Raises
        ------
        SaysoError
            If the file is damaged.
        """
        if not self.plans_path.exists():
            own, finished = set(self.experiment().seeds), self._finished_seeds()
            return [tuple(sorted(own if finished <= own else finished))]
        plans = read_json(self.plans_path)
        if not (isinstance(plans, list) and plans and all(_is_plan(plan) for plan in plans)):
            raise SaysoError(f"{self.plans_path}: not lists of seeds; delete it to begin with the seeds that are there")
        return [tuple(plan) for plan in plans]

    def _plan(self, seeds: Iterable[int]) -> None:
        """Add seeds to what is planned: another plan where there are results already, else in place of the last."""
        plans = self.plans()
        if not self._finished_seeds():
            plans = [tuple(sorted(seeds))]
        elif more := set(seeds) - set(plans[-1]):
            plans.append(tuple(sorted({*plans[-1], *more})))
        self._keep_plans(plans)

    def _keep_plans(self, plans: Sequence[Sequence[int]]) -> None:
        write_atomically(self.plans_path, json.dumps(plans) + "\n")

    def _finished_seeds(self) -> set[int]:
        return {seed for folder in self.jobs() if folder.finished for seed in folder.manifest().seeds}

    def _withdraw(self) -> None:
        """Undo `_create` where no job has left anything, so that a corrected experiment can have the folder."""
        with contextlib.suppress(OSError):  # not empty: there is something to keep
            self.jobs_path.rmdir()
            self.experiment_path.unlink()
            self.plans_path.unlink(missing_ok=True)
            for path in self.path.glob(f"{PREFIX}*"):
                path.unlink()
            self.path.rmdir()

    def experiment(self) -> Experiment:
        """Read which experiment this folder holds.

        Raises
        ------
        SaysoError
            If it is not a results folder, or its experiment cannot be read.
        """
        if not self.experiment_path.exists():
            raise SaysoError(f"{self.path}: not a results folder (no experiment.json); 'sayso run NAME' makes one")
        return load_spec(read_json(self.experiment_path), str(self.experiment_path), own_only=True)

    def job(self, job_id: str) -> JobFolder:
        """The folder of one job, whether or not it exists."""
        return JobFolder(self.jobs_path / job_id)

    def jobs(self) -> list[JobFolder]:
        """Folders of all jobs begun, by name."""
        try:
            with os.scandir(self.jobs_path) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:  # there is none yet
            return []
        return [folder for folder in map(self.job, names) if folder.begun]

    def records(self) -> list[Record]:
        """All records of finished jobs; cells in the experiment's order, then seeds, then as they were measured.

        Raises
        ------
        SaysoError
            If files are damaged, or jobs rest on different data or models.
        """
        order = self._order()
        records = [record for folder in self._of_one_origin() for record in folder.records()]
        return sorted(records, key=lambda record: (order[record.cell], record.seed))

    @without_collecting()
    def columns(self) -> Columns:
        """As `records`, by column, in a tenth of the memory."""
        order, found = self._order(), Columns()
        for folder in self._of_one_origin():
            for columns in folder.columns():
                found.extend(columns)
        codes, names = found.texts("cell")
        found.sort([np.array([order[name] for name in names], dtype=np.intc)[codes], found.numbers("seed")])
        return found

    def _of_one_origin(self) -> list[JobFolder]:
        """All jobs that have finished, which belong into one table."""
        finished = [folder for folder in self.jobs() if folder.finished]
        require_one_origin(finished)
        return finished

    def _order(self) -> dict[str, int]:
        """The place of each cell in the experiment."""
        return {name: position for position, name in enumerate(cell_names(self.experiment()))}

    def ledger(self) -> list[tuple[str, Contribution]]:
        """What each subset contributed to training in finished jobs, each with its cell; in the order of `records`.

        Raises
        ------
        SaysoError
            If files are damaged.
        """
        order = self._order()
        parts: list[tuple[int, int, int, str, Contribution]] = []
        for folder in self.jobs():
            if folder.finished:
                name = folder.manifest().cell
                parts += [(order[name], c.seed, position, name, c) for position, c in enumerate(folder.ledger())]
        return [part[3:] for part in sorted(parts, key=lambda part: part[:3])]

    def predictions(self) -> Iterator[tuple[str, Answered]]:
        """What models said in finished jobs, each with its cell: cells in the experiment's order, then by first seed.

        A seed that was run in two jobs counts once.

        Raises
        ------
        SaysoError
            If files are damaged.
        """
        order = self._order()
        finished = [(folder.manifest(), folder) for folder in self.jobs() if folder.finished]
        seen: set[tuple[str, int]] = set()
        for manifest, folder in sorted(finished, key=lambda each: (order[each[0].cell], each[0].seeds)):
            fresh = {seed for seed in manifest.seeds if (manifest.cell, seed) not in seen}
            seen |= {(manifest.cell, seed) for seed in fresh}
            yield from ((manifest.cell, each) for each in predictions(folder) if each.seed in fresh)


def _is_plan(plan: object) -> bool:
    return isinstance(plan, list) and bool(plan) and all(type(seed) is int for seed in plan)


def _difference(one: Experiment, other: Experiment) -> str:
    """Name the first setting that weights depend on in which two experiments differ, with both values."""
    first, second = (
        {path: canonical_json(value) for path, value in settings_by_path.flat(experiment.training(), "")}
        for experiment in (one, other)
    )
    for path in sorted(first.keys() | second.keys()):
        if first.get(path) != second.get(path):
            return f"{path} is {first.get(path, 'absent')} there, {second.get(path, 'absent')} here"
    return "the same settings written by another version"
