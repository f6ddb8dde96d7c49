"""Measuring a job that has finished: kept states are loaded, measured, and the records kept beside those of training.

Where a state was not kept, the epochs that lead to it can be trained again. They must then give the records they gave
the first time, or nothing is kept: the weights would not be those the other records are of.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg, legs
from sayso.core.measure import Measure, Moment
from sayso.core.records import Record, to_line
from sayso.core.sweep import Job
from sayso.runs.execute import WAIT_S, Listener, as_begun, build, corpora_of, fit_leg
from sayso.runs.manifest import now, versions
from sayso.runs.measuring import details, due, take
from sayso.runs.needed import Needed, State, needed, state_of, to_take, what_it_takes
from sayso.runs.pace import Pace

#: How folders of states begin that were trained again, inside a job's.
_SCRATCH = ".again-"


def measure_job(
    job: Job,
    folder: JobFolder,
    measures: Sequence[Measure],
    on_event: Listener,
    *,
    train_again: bool = False,
    wait_s: float = WAIT_S,
    lapsed: tuple[int, int] | None = None,
) -> None:
    """Take measures of a job that has finished; `wait_s` and `lapsed` are as `JobFolder.hold` has them.

    Raises
    ------
    SaysoError
        If states are missing and are not to be trained again, or training again gives other records than before; if
        data or model are not those the job rests on.
    """
    with folder.hold(wait_s, lapsed):
        for left in folder.path.glob(f"{_SCRATCH}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        job = as_begun(job, folder)
        experiment = job.cell.experiment
        wanted = to_take(folder, experiment, measures)
        found = needed(folder, experiment, wanted)
        if found.again and not train_again:
            raise SaysoError(f"{folder.path}: not all states were kept ({what_it_takes(folder, experiment, found)})")
        if wanted:
            on_event({"event": "building"})
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder.path) as scratch:
                measuring = _Measuring(job, folder, wanted, found, Path(scratch), on_event)
                measuring.run()
            for name, rows in measuring.details.items():
                folder.write_details(name, rows)
            for measure in wanted:
                what = {
                    "measure": measure.model_dump(mode="json"),
                    "digest": experiment.measure_digest(measure),
                    "measured": now(),
                    "versions": versions(),
                    "differently": measuring.differently,
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
        self.details: dict[str, list[dict[str, Any]]] = {}  # by the names of their files
        self.differently: list[str] = []  # from how the job was trained: versions, device, code
        self._done = 0

    def run(self) -> None:
        """Measure every moment, in the order of training."""
        self._learner, manifest = build(self._job, self._folder)
        self.differently += manifest.resumed[len(self._folder.manifest().resumed) :]
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
                state = state_of(self._run, (index, epoch))
                if state is not None:
                    self._learner.load(self._path(state))
                elif not fresh:
                    self._learner, _ = build(self._job, self._folder)
                fresh = state is None
                self._take(self._moment(corpora, leg, epoch), index)
                if trained and epoch == 0:
                    self._train_again(corpora, index, trained)
                    fresh = False

    def _path(self, state: State) -> Path:
        kept = self._folder.state_path(*state)
        return kept if kept.exists() else self._scratch / kept.name

    def _take(self, moment: Moment, index: int) -> None:
        """Take what is due at one moment."""
        leg, epoch = self._run[index], moment.epoch
        pace = Pace(leg.stage.name, leg.stage.epochs, self._on_event)
        moment.on_share = pace.share
        for measure in due(self._measures, leg, epoch):
            pace.measuring(measure.name, epoch)
            self.records[measure.name] += take([measure], moment, self._job, leg)
            if epoch == leg.stage.epochs and (rows := list(details(measure, moment, self._job, leg))):
                self.details[f"{measure.name}-{leg.label}"] = rows
        if (index, epoch) in self._found.moments:
            self._done += 1
            self._on_event({"event": "measured", "done": self._done, "total": len(self._found.moments)})

    def _moment(self, corpora: list[Corpus], leg: Leg, epoch: int) -> Moment:
        train = self._job.cell.experiment.train_spec(leg.stage)
        return Moment(self._learner, corpora, train, leg.stage.name, epoch)

    def _train_again(self, corpora: list[Corpus], index: int, last: int) -> None:
        """Train a leg up to an epoch from the state it starts from, measuring on the way."""
        leg, experiment = self._run[index], self._job.cell.experiment
        starts = {state_of(self._run, (number, 0)) for number in range(len(self._run))}
        proofs = [epoch for epoch in range(1, last + 1) if due(experiment.measures, leg, epoch)]

        def after_epoch(epoch: int, _loss: NDArray[np.float64]) -> None:
            moment = self._moment(corpora, leg, epoch)
            if epoch in proofs[-1:]:
                self._require_same(moment, leg)
            self._take(moment, index)
            if (index, epoch) in starts:
                self._learner.save_weights(self._scratch / self._folder.state_path(index, epoch).name).result()
            if epoch == last:
                raise _EnoughError

        try:
            fit_leg(experiment, self._learner, corpora, leg, 0, after_epoch)
        except _EnoughError:
            self._on_event({"event": "trained", "stage": leg.label, "epoch": last})

    def _require_same(self, moment: Moment, leg: Leg) -> None:
        """Make sure that training again gave the weights it gave before: their records are the same."""
        measures = self._job.cell.experiment.measures
        for record in take(due(measures, leg, moment.epoch), moment, self._job, leg):
            before = self._before.get(_key(record))
            if before is not None and before != to_line(record):
                raise SaysoError(
                    f"{self._folder.path}: training {leg.label} again gave other weights than before (after epoch "
                    f"{moment.epoch}, {record.measure} of seed {record.seed} is {record.value}, where {before.strip()} "
                    "was recorded); versions, device or threads differ, so nothing was kept: run it anew elsewhere "
                    "with --out"
                )


def _key(record: Record) -> tuple[object, ...]:
    """What a record is of."""
    return (
        *(record.seed, record.stage2_seed, record.stage, record.epoch),
        *(record.measure, record.eval_set, record.subset, record.what),
    )
