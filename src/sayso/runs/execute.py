"""One job, start to finish. The only module that knows the order of steps.

A job can be killed at any moment and executed again: it goes on from its last checkpoint, and its records come out the
same (`sayso.runs.progress`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.identity import Today, origin_of, require_origin_of_siblings
from sayso.core.job_folder import JobFolder
from sayso.core.learner import Learner, MatrixPeak, StepDone
from sayso.core.legs import Leg, kept_states, legs, needed_later
from sayso.core.measure import Moment
from sayso.core.records import Manifest, Record
from sayso.core.sweep import Job
from sayso.data.build import build_corpus
from sayso.learners.ledger import contributions
from sayso.runs.kept_models import require_models
from sayso.runs.manifest import describe, gone_on, now, with_peaks
from sayso.runs.measuring import details, due, take
from sayso.runs.pace import Pace, Speed
from sayso.runs.progress import Progress

#: Hears what a job does: ``{"event": "epoch", "stage": ..., "epoch": ..., "loss": ..., "exact_match": ...}`` and so on.
Listener = Callable[[dict[str, object]], None]

#: Seconds to wait for a job's folder: a process that ran it before may be about to end.
WAIT_S = 30.0


class StoppedError(Exception):
    """A job was told to stop, and did so with all it had done kept."""


def execute(
    job: Job,
    folder: JobFolder,
    on_event: Listener,
    *,
    save_models: bool = False,
    wait_s: float = WAIT_S,
    lapsed: tuple[int, int] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run a job from where it stands to its end, or return at once if it has finished.

    `wait_s` and `lapsed` are as `JobFolder.hold` has them. Where `stop` says so after an epoch, that one is kept and
    none begun.

    Raises
    ------
    HeldError
        If another process is running it.
    StoppedError
        If it was told to stop.
    SaysoError
        If its files are damaged, or it was begun with other data or another model.
    """
    with folder.hold(wait_s, lapsed):
        if folder.finished:  # an earlier try may have been killed before it could tidy up
            folder.tidy(kept_states(as_begun(job, folder).cell.experiment))
            return
        with _withdrawn_if_refused(folder):
            _go_on(job, folder, on_event, save_models, stop)


def _go_on(job: Job, folder: JobFolder, on_event: Listener, save_models: bool, stop: Callable[[], bool]) -> None:
    """Train from wherever the folder is to the end, and mark it finished."""
    on_event({"event": "building"})
    if folder.begun:
        job = as_begun(job, folder)
    learner, manifest = build(job, folder)
    peaks = _matrix_peaks(learner, job.cell.experiment)
    folder.open(with_peaks(manifest, peaks.values()))
    require_origin_of_siblings(folder)
    speed = Speed()
    _train(job, folder, learner, on_event, save_models, peaks, speed, stop)
    summary = speed.summary()
    folder.finish(now(), summary)
    folder.tidy(kept_states(job.cell.experiment))
    on_event({"event": "finished", "training": summary} if peaks else {"event": "finished"})


def _matrix_peaks(learner: Learner, experiment: Experiment) -> dict[str, MatrixPeak]:
    """What matrix products reach in the precision of each stage, by its name, where a learner can say and it tells."""
    measure = getattr(learner, "matrix_peak", None)
    if measure is None:
        return {}
    found = {stage.name: measure(experiment.train_spec(stage)) for stage in experiment.stages}
    return {name: peak for name, peak in found.items() if peak is not None}


def threads_begun_with(folder: JobFolder) -> int | None:
    """How many threads a job of a large model was begun with; None where nothing depends on it, or it was not begun."""
    threads = folder.manifest().as_read.get("threads") if folder.begun else None
    return threads if isinstance(threads, int) else None


def as_begun(job: Job, folder: JobFolder) -> Job:
    """The job with the measures, and what is to be kept, that it was begun with; on the devices of now."""
    begun = load_spec(folder.manifest().experiment, str(folder.manifest_path), own_only=False)
    begun = begun.model_copy(update={"model": begun.model.run_as(job.cell.experiment.model)})
    return dataclasses.replace(job, cell=dataclasses.replace(job.cell, experiment=begun))


def build(job: Job, folder: JobFolder) -> tuple[Learner, Manifest]:
    """Make the learner of a job; give what it rests on now, as its manifest is to have it.

    Raises
    ------
    SaysoError
        If the job was begun with other data or another model, or could not be measured as it is to be.
    """
    experiment = job.cell.experiment
    before = Today(own_only=False).origin(experiment)
    corpora = corpora_of(job, 0)
    learner = experiment.model.build(corpora)
    for stage in [stage for stage in experiment.stages if stage.measured][:1]:
        for measure in experiment.measures:
            measure.rehearse(Moment(learner, corpora, experiment.train_spec(stage), stage.name, 0))
    manifest = describe(job, learner, Today(own_only=False).origin(experiment))
    if changed := before.differs(origin_of(manifest)):
        raise SaysoError(f"{folder.path}: changed while it was read: {changed}; run again")
    if folder.begun:
        there = folder.manifest()
        if changed := origin_of(there).differs(origin_of(manifest)):
            raise SaysoError(
                f"{folder.path}: begun with other {changed}; put back what was there, or delete it to begin anew"
            )
        manifest = gone_on(there, manifest)
    return learner, manifest


def corpora_of(job: Job, stage2_seed: int) -> list[Corpus]:
    """All documents of each seed, X2 dealt as its stage-2 seed says."""
    return [build_corpus(job.cell.experiment, seed, stage2_seed) for seed in job.seeds]


def _train(
    job: Job,
    folder: JobFolder,
    learner: Learner,
    on_event: Listener,
    save_models: bool,
    peaks: Mapping[str, MatrixPeak],
    speed: Speed,
    stop: Callable[[], bool],
) -> None:
    """Run all legs that are left, from the position the folder is at."""
    experiment = job.cell.experiment
    run = legs(experiment)
    progress = Progress(folder, learner, experiment.checkpoint_minutes, kept_states(experiment) | needed_later(run))
    position = progress.resume()
    if position and save_models:
        require_models(folder, job.seeds, run[: position.leg])
    corpora: list[Corpus] = []
    stage2_seed: int | None = None
    for index, leg in enumerate(run):
        if position and (index, leg.stage.epochs) <= (position.leg, position.epoch):
            if save_models and index == position.leg:  # an earlier try may have been killed before it could
                _save_models(job, folder, learner, leg)
            continue
        if leg.stage2_seed != stage2_seed:
            stage2_seed = leg.stage2_seed
            corpora = corpora_of(job, stage2_seed)
        start = position.epoch if position and position.leg == index else 0
        stage = leg.stage
        pace = Pace(stage.name, stage.epochs, on_event, speed=speed, peak=peaks.get(stage.name))
        _run_leg(job, folder, progress, learner, corpora, on_event, pace, index, start, stop)
        if save_models:
            _save_models(job, folder, learner, leg)


def _run_leg(
    job: Job,
    folder: JobFolder,
    progress: Progress,
    learner: Learner,
    corpora: list[Corpus],
    on_event: Listener,
    pace: Pace,
    index: int,
    start: int,
    stop: Callable[[], bool],
) -> None:
    """Train one leg from the end of epoch `start` on; records are kept after each epoch, checkpoints now and then."""
    experiment = job.cell.experiment
    run = legs(experiment)
    leg, stage = run[index], run[index].stage

    def measure(epoch: int) -> list[Record]:
        moment = Moment(learner, corpora, experiment.train_spec(stage), stage.name, epoch, pace.share)
        measures = due(experiment.measures, leg, epoch)
        records: list[Record] = []
        for each in measures:
            pace.measuring(each.name, epoch)
            records += take([each], moment, job, leg)
        for measure in measures if epoch == stage.epochs else ():
            if rows := list(details(measure, moment, job, leg)):
                folder.write_details(f"{measure.name}-{leg.label}", rows)
        return records

    def after_epoch(epoch: int, loss: NDArray[np.float64]) -> None:
        pace.trained()
        records = measure(epoch)
        if epoch == stage.epochs:
            folder.add_to_ledger(contributions(corpora, leg, experiment.train_spec(stage), learner.lengths()))
        stopping = stop()
        progress.keep(index, epoch, records, last=stopping or epoch == stage.epochs)
        on_event(
            {
                "event": "epoch",
                "stage": stage.name,
                "epoch": epoch,
                "epochs": stage.epochs,
                "done": leg.before + epoch,
                "total": sum(each.stage.epochs for each in run),
                "loss": float(np.mean(loss)),
                "exact_match": _headline(records),
            }
        )
        if stopping and epoch < stage.epochs:
            raise StoppedError(f"{folder.path}: stopped after epoch {epoch} of {stage.name}; run again to go on")
        pace.begin(epoch)

    if start == 0:
        progress.begin(leg.start)
        progress.keep_state(index, 0)
        if stage.measured:
            progress.record(measure(0))
    pace.begin(start)
    fit_leg(experiment, learner, corpora, leg, start, after_epoch, pace.step)


def fit_leg(
    experiment: Experiment,
    learner: Learner,
    corpora: list[Corpus],
    leg: Leg,
    start: int,
    on_epoch: Callable[[int, NDArray[np.float64]], None],
    on_step: Callable[[StepDone], None] | None = None,
) -> None:
    """Train a leg on its documents, from the end of epoch `start` on.

    Raises
    ------
    SaysoError
        If there are none.
    """
    stage = leg.stage
    documents = [corpus.documents(stage.documents) for corpus in corpora]
    if stage.epochs and not all(documents):
        raise SaysoError(f"stage {stage.name}: there are no documents of {' and '.join(stage.documents)} to train on")
    learner.fit(
        documents,
        experiment.train_spec(stage),
        stage=leg.label,
        epochs=stage.epochs,
        start_epoch=start,
        replay=[corpus.documents(stage.replay_from) for corpus in corpora] if stage.replay else None,
        replay_share=stage.replay,
        on_epoch=on_epoch,
        on_step=on_step,
    )


def _save_models(job: Job, folder: JobFolder, learner: Learner, leg: Leg) -> None:
    """Keep every seed's model as it is after a leg."""
    for replica, seed in enumerate(job.seeds):
        learner.save_replica(replica, folder.model_path(seed, leg.label))


def _headline(records: list[Record]) -> dict[str, float]:
    """Exact match on validation questions by subset, averaged over seeds, for whoever watches."""
    found: dict[str, list[float]] = {}
    for record in records:
        if record.measure == "exact_match" and record.eval_set in ("validation", "pretraining"):
            found.setdefault(record.subset, []).append(record.value)
    return {subset: float(np.nanmean(values)) for subset, values in found.items() if not all(map(math.isnan, values))}


@contextmanager
def _withdrawn_if_refused(folder: JobFolder) -> Iterator[None]:
    """Leave nothing of a job that an error ends before it has recorded anything, unless an earlier try began it."""
    began_before = folder.begun
    try:
        yield
    except SaysoError:
        if not began_before:
            folder.withdraw()
        raise
