"""Records as experiment trackers have them: curves of a run, a value of each tag at each step.

A run is a seed of a cell; where X2 is dealt several times within a seed, each further deal is a run of its own. A step
is an epoch, counted over all stages: of a further deal from where its stages begin. A stage starts from the state that
the one before ended in, so what is measured at its start has a step already and is left out where the tag has a value
there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sayso.core.experiment import Experiment
from sayso.core.legs import legs, total_epochs
from sayso.core.records import Manifest, Record


@dataclass(frozen=True)
class Run:
    """One curve of each tag, and what it rests on. `config` is plain data: settings, data, versions, device."""

    experiment: str
    digest: str
    cell: str
    seed: int
    stage2_seed: int = 0
    config: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What people call it: the cell and the seed."""
        return f"{self.cell}, seed {self.seed}" + (f", X2 dealt again ({self.stage2_seed})" if self.stage2_seed else "")


def run_of(manifest: Manifest, seed: int, stage2_seed: int) -> Run:
    """The run that records of a job belong to."""
    config = {
        "cell": manifest.cell,
        "seed": seed,
        "stage2_seed": stage2_seed,
        **{name: getattr(manifest, name) for name in ("digest", "data_sha256", "versions", "git_commit", "device")},
        "settings": manifest.experiment,
    }
    name = str(manifest.experiment.get("name"))
    return Run(name, manifest.digest, manifest.cell, seed, stage2_seed, config)


def tag_of(record: Record) -> str:
    """``exact_match/validation/D5cons``: measure, evaluation set and subset, and what is measured where it matters."""
    return "/".join(filter(None, (record.measure, record.eval_set, record.subset, record.what)))


class Steps:
    """Where records of an experiment without axes stand in its training, in epochs."""

    def __init__(self, experiment: Experiment) -> None:
        epochs = [stage.epochs for stage in experiment.stages]
        before = itertools.accumulate(epochs, initial=0)
        self._before = {stage.name: epochs for stage, epochs in zip(experiment.stages, before, strict=False)}
        self._done = {(leg.stage.name, leg.stage2_seed): leg.before for leg in legs(experiment)}
        self.total = total_epochs(experiment)

    def step(self, record: Record) -> int:
        """Epochs of all stages that the model of a record has had."""
        return self._before[record.stage] + record.epoch

    def done(self, record: Record) -> int:
        """Epochs that the job had done, of all `total`, when it was measured: those of other deals of X2, too."""
        return self._done[record.stage, record.stage2_seed] + record.epoch


@dataclass(frozen=True)
class Point:
    """Values of a run at a step, by tag. `time`: when they were measured, in seconds since 1970."""

    step: int
    time: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Fresh:
    """What a tracker has not got yet of a run, by step. `back_to`: the first step at which it had something else."""

    points: tuple[Point, ...]
    back_to: int | None

    def __len__(self) -> int:
        return sum(len(point.values) for point in self.points)


class Series:
    """What a tracker has of a run: tag -> step -> value and time. Values are equal if they are in float32."""

    def __init__(self, there: Mapping[str, Mapping[int, tuple[float, float]]] | None = None) -> None:
        self.there = {tag: dict(steps) for tag, steps in (there or {}).items()}
        self._last = {tag: max(steps, default=-1) for tag, steps in self.there.items()}
        self._new: dict[int, dict[str, float]] = {}
        self._back_to: int | None = None

    def take(self, record: Record, step: int, time: float) -> None:
        """Take in a record: nothing of it is new if it has no value, or is there already."""
        if not math.isfinite(record.value):
            return
        tag = tag_of(record)
        known = self.there.setdefault(tag, {})
        if step in known and (np.float32(known[step][0]) == np.float32(record.value) or record.epoch == 0):
            return
        if step <= self._last.get(tag, -1):
            self._back_to = step if self._back_to is None else min(step, self._back_to)
        known[step] = (record.value, time)
        self._last[tag] = max(step, self._last.get(tag, -1))
        self._new.setdefault(step, {})[tag] = record.value

    def fresh(self) -> Fresh:
        """All that has been taken in since this was last asked, in the order of steps."""
        points = tuple(self._point(step, self._new[step]) for step in sorted(self._new))
        found = Fresh(points, self._back_to)
        self._new, self._back_to = {}, None
        return found

    def since(self, first: int) -> tuple[Point, ...]:
        """All that is there from a step on."""
        by_step: dict[int, dict[str, float]] = {}
        for tag, steps in self.there.items():
            for step, (value, _) in steps.items():
                if step >= first:
                    by_step.setdefault(step, {})[tag] = value
        return tuple(self._point(step, by_step[step]) for step in sorted(by_step))

    def _point(self, step: int, values: Mapping[str, float]) -> Point:
        return Point(step, max(self.there[tag][step][1] for tag in values), dict(values))
