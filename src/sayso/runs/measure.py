"""Measuring a job that has finished: kept states are loaded, measured, and the records kept beside those of training.

Where a state was not kept, the epochs that lead to it can be trained again. They must then give the records they gave
the first time, or nothing is kept: the weights would not be those the other records are of.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg, legs, measured_epochs
from sayso.core.measure import Measure, Moment
from sayso.core.records import Record, to_line
from sayso.core.sweep import Job
from sayso.runs.execute import Listener, as_begun, build, corpora_of, fit_leg, only_one
from sayso.runs.manifest import now, versions
from sayso.runs.measuring import details, due, take

#: A leg by its number, and how many of its epochs are done.
State = tuple[int, int]


@dataclass(frozen=True)
class Needed:
    """What it takes to measure: `moments` in order, and how many epochs of which legs have to be trained again."""

    moments: tuple[State, ...]
    again: Mapping[int, int]

    @property
    def epochs(self) -> int:
        """Epochs to be trained again."""
        return sum(self.again.values())


def taken(folder: JobFolder) -> dict[str, str]:
    """Digests of the measures a job has records of, by their names."""
    experiment = load_spec(folder.manifest().experiment, str(folder.manifest_path), own_only=False)
    in_training = {measure.name: experiment.measure_digest(measure) for measure in experiment.measures}
    return in_training | {name: str(marker.get("digest")) for name, marker in folder.measured().items()}


def lacking_measures(folder: JobFolder, experiment: Experiment) -> list[Measure]:
    """Measures of an experiment that a job was trained without, and that were not taken later."""
    there = taken(folder).values()
    return [measure for measure in experiment.measures if experiment.measure_digest(measure) not in there]


def to_take(folder: JobFolder, experiment: Experiment, measures: Sequence[Measure]) -> list[Measure]:
    """Those of some measures that a job has no records of yet.

    Raises
    ------
    SaysoError
        If it has records of one of that name that was taken with other settings, or the model cannot be measured so.
    """
    there = taken(folder)
    wanted = []
    for measure in measures:
        try:
            experiment.check_measure(measure)
        except ValueError as error:
            raise SaysoError(str(error)) from None
        digest = experiment.measure_digest(measure)
        if there.get(measure.name, digest) != digest:
            raise SaysoError(
                f"{folder.path}: has records of {measure.name} with other settings already, and two kinds of one name "
                "would mix; leave it out, or give your measure another name"
            )
        if measure.name not in there:
            wanted.append(measure)
    return wanted


def needed(folder: JobFolder, experiment: Experiment, measures: Sequence[Measure]) -> Needed:
    """Find out which moments are to be measured, and what has to be trained again because it was not kept."""
    run = legs(experiment)
    moments = [
        (index, epoch)
        for index, leg in enumerate(run)
        for epoch in sorted({epoch for measure in measures for epoch in measured_epochs(leg, measure.when)})
    ]
    again: dict[int, int] = {}
    wanted = [_state_of(run, moment) for moment in moments]
    while wanted:
        state = wanted.pop()
        if state is None or folder.state_path(*state).exists() or again.get(state[0], 0) >= state[1]:
            continue
        again[state[0]] = state[1]
        wanted.append(_state_of(run, (state[0], 0)))
    return Needed(tuple(moments), dict(sorted(again.items())))


def what_it_takes(folder: JobFolder, experiment: Experiment, found: Needed) -> str:
    """Say which epochs of a job have to be trained again, how many that is of all, and how long that may take."""
    run = legs(experiment)
    parts = [f"{run[leg].label} up to epoch {epoch}" for leg, epoch in found.again.items()]
    total = sum(leg.stage.epochs for leg in run)
    begun, ended = (
        datetime.fromisoformat(text) for text in (folder.manifest().started, folder.finish_marker()["finished"])
    )
    minutes = (ended - begun).total_seconds() / 60 * found.epochs / max(total, 1)
    return f"{', '.join(parts)}: {found.epochs} of {total} epochs, {minutes:.1f} minutes as it went the first time"


def measure_job(
    job: Job, folder: JobFolder, measures: Sequence[Measure], on_event: Listener, *, train_again: bool = False
) -> None:
    """Take measures of a job that has finished.

    Raises
    ------
    SaysoError
        If states are missing and are not to be trained again, or training again gives other records than before; if
        data or model are not those the job rests on.
    """
    with only_one(folder):
        job = as_begun(job, folder)
        experiment = job.cell.experiment
        wanted = to_take(folder, experiment, measures)
        found = needed(folder, experiment, wanted)
        if found.again and not train_again:
            raise SaysoError(f"{folder.path}: not all states were kept ({what_it_takes(folder, experiment, found)})")
        if wanted:
            on_event({"event": "building"})
            with tempfile.TemporaryDirectory(prefix=".again-", dir=folder.path) as scratch:
                measuring = _Measuring(job, folder, wanted, found, Path(scratch), on_event)
                measuring.run()
            for measure in wanted:
                what = {
                    "measure": measure.model_dump(mode="json"),
                    "digest": experiment.measure_digest(measure),
                    "measured": now(),
                    "versions": versions(),
                    "trained_again": {str(leg): epoch for leg, epoch in found.again.items()},
                }
                folder.add_measured(measure.name, measuring.records[measure.name], what)
        on_event({"event": "finished"})


class _EnoughError(Exception):
    """The last epoch that was asked for has been trained again."""


class _Measuring:
    """Goes through the legs of a job, from state to state."""

    def __init__(
        self,
        job: Job,
        folder: JobFolder,
        measures: Sequence[Measure],
        found: Needed,
        scratch: Path,
        on_event: Listener,
    ) -> None:
        self._job, self._folder, self._measures, self._found = job, folder, measures, found
        self._scratch, self._on_event = scratch, on_event
        self._run = legs(job.cell.experiment)
        self._before = {_key(record): to_line(record) for record in folder.records()} if found.again else {}
        self.records: dict[str, list[Record]] = {measure.name: [] for measure in measures}
        self._done = 0

    def run(self) -> None:
        """Measure every moment, in the order of training."""
        self._learner = build(self._job, self._folder)
        fresh = True
        corpora: list[Corpus] = []
        stage2_seed: int | None = None
        for index, leg in enumerate(self._run):
            if leg.stage2_seed != stage2_seed:
                stage2_seed, corpora = leg.stage2_seed, corpora_of(self._job, leg.stage2_seed)
            epochs = [epoch for number, epoch in self._found.moments if number == index]
            trained = self._found.again.get(index, 0)
            if trained:
                epochs = [0, *(epoch for epoch in epochs if epoch > trained)]
            for epoch in epochs:
                state = _state_of(self._run, (index, epoch))
                if state is not None:
                    self._learner.load(self._path(state))
                elif not fresh:
                    self._learner = build(self._job, self._folder)
                fresh = state is None
                self._take(corpora, index, epoch)
                if trained and epoch == 0:
                    self._train_again(corpora, index, trained)
                    fresh = False

    def _path(self, state: State) -> Path:
        kept = self._folder.state_path(*state)
        return kept if kept.exists() else self._scratch / kept.name

    def _take(self, corpora: list[Corpus], index: int, epoch: int) -> None:
        """Take what is due at one moment."""
        leg = self._run[index]
        moment = self._moment(corpora, leg, epoch)
        for measure in due(self._measures, leg, epoch):
            self.records[measure.name] += take([measure], moment, self._job, leg)
            if epoch == leg.stage.epochs and (rows := list(details(measure, moment, self._job, leg))):
                self._folder.write_details(f"{measure.name}-{leg.label}", rows)
        if (index, epoch) in self._found.moments:
            self._done += 1
            self._on_event({"event": "measured", "done": self._done, "total": len(self._found.moments)})

    def _moment(self, corpora: list[Corpus], leg: Leg, epoch: int) -> Moment:
        train = self._job.cell.experiment.train_spec(leg.stage)
        return Moment(self._learner, corpora, train, leg.stage.name, epoch)

    def _train_again(self, corpora: list[Corpus], index: int, last: int) -> None:
        """Train a leg up to an epoch from the state it starts from, measuring on the way."""
        leg, experiment = self._run[index], self._job.cell.experiment
        starts = {_state_of(self._run, (number, 0)) for number in range(len(self._run))}
        proofs = [epoch for epoch in range(1, last + 1) if due(experiment.measures, leg, epoch)]

        def after_epoch(epoch: int, _loss: NDArray[np.float64]) -> None:
            if epoch in proofs[-1:]:
                self._require_same(corpora, leg, epoch)
            self._take(corpora, index, epoch)
            if (index, epoch) in starts:
                self._learner.save_weights(self._scratch / self._folder.state_path(index, epoch).name).result()
            if epoch == last:
                raise _EnoughError

        try:
            fit_leg(experiment, self._learner, corpora, leg, 0, after_epoch)
        except _EnoughError:
            self._on_event({"event": "trained", "stage": leg.label, "epoch": last})

    def _require_same(self, corpora: list[Corpus], leg: Leg, epoch: int) -> None:
        """Make sure that training again gave the weights it gave before: their records are the same."""
        experiment = self._job.cell.experiment
        moment = self._moment(corpora, leg, epoch)
        for record in take(due(experiment.measures, leg, epoch), moment, self._job, leg):
            before = self._before.get(_key(record))
            if before is not None and before != to_line(record):
                raise SaysoError(
                    f"{self._folder.path}: training {leg.label} again gave other weights than before (after epoch "
                    f"{epoch}, {record.measure} of seed {record.seed} is {record.value}, where {before.strip()} was "
                    "recorded); versions or device differ, so nothing was kept: run it anew elsewhere with --out"
                )


def _state_of(run: Sequence[Leg], moment: State) -> State | None:
    """The state, after some epochs of a leg, that a moment has; None for the weights training starts from."""
    index, epoch = moment
    if epoch > 0:
        return moment
    if (start := run[index].start) is not None:
        return _state_of(run, start)
    return None if index == 0 else _state_of(run, (index - 1, run[index - 1].stage.epochs))


def _key(record: Record) -> tuple[object, ...]:
    """What a record is of."""
    return (
        *(record.seed, record.stage2_seed, record.stage, record.epoch),
        *(record.measure, record.eval_set, record.subset, record.what),
    )
