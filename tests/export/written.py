"""Results folders of jobs that have begun, and a tracker that keeps what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.records import Manifest, Record
from sayso.core.store import Store
from sayso.export.points import Fresh, Run, Series
from tests.core.written import make_store
from tests.planted import planted_records

BEGAN, FINISHED = "2024-05-01T10:00:00+00:00", "2024-05-01T10:01:50+00:00"


def records_of(experiment: Experiment, *seeds: int, cell: str = "main") -> list[Record]:
    """Records in the order in which a job writes them: seeds side by side."""
    found = [
        dataclasses.replace(each, cell=cell)
        for seed in seeds
        for each in planted_records(experiment, range(seed, seed + 1), draw=seed)
    ]
    stages = [stage.name for stage in experiment.stages]
    return sorted(found, key=lambda each: (stages.index(each.stage), each.epoch))


def begin(
    store: Store, job: str, seeds: Iterable[int], experiment: Experiment, *, cell: str = "main", started: str = BEGAN
) -> JobFolder:
    """A job of a cell, which has recorded nothing."""
    if not store.experiment_path.exists():
        make_store(store, experiment)
    folder = store.job(job)
    settings = experiment.model_dump(mode="json")
    versions = {"sayso": "0.1.0", "python": "3.12.1"}
    folder.open(
        Manifest(job, cell, tuple(seeds), experiment.digest(), settings, "0" * 64, versions, None, "cpu", started)
    )
    return folder


class Kept:
    """A tracker that keeps what it is given."""

    def __init__(self) -> None:
        self.runs: dict[Run, dict[tuple[int, str], tuple[float, float]]] = {}
        self.given = 0
        self.open: set[Run] = set()

    def series(self, run: Run) -> Series:
        there: dict[str, dict[int, tuple[float, float]]] = {}
        for (step, tag), at in self.runs.get(run, {}).items():
            there.setdefault(tag, {})[step] = at
        return Series(there)

    def add(self, run: Run, fresh: Fresh, series: Series) -> None:
        self.open.add(run)
        for point in fresh.points:
            for tag, value in point.values.items():
                self.runs.setdefault(run, {})[point.step, tag] = (value, point.time)
                self.given += 1

    def close(self, run: Run) -> None:
        self.open.discard(run)
