"""One job, start to finish. The only module that knows the order of steps.

A job can be killed at any moment and executed again: it goes on after the last epoch whose checkpoint was written, and
its records come out the same. The position file names the checkpoint it belongs to and the length of the records then;
it is replaced last, so it always describes files that exist.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.files import read_json, write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg, is_measured, kept, legs, measured_epochs
from sayso.core.protocols import Learner, Moment
from sayso.core.records import Record
from sayso.core.sweep import Job
from sayso.data.build import build_corpus
from sayso.runs.kept_models import require_models
from sayso.runs.manifest import describe, now

#: Hears what a job does: ``{"stage": ..., "epoch": ..., "epochs": ..., "loss": ..., "exact_match": {...}}`` and so on.
Listener = Callable[[dict[str, object]], None]

_LOCK_WAIT_S = 30.0


@dataclass(frozen=True)
class Position:
    """How far a job has come: epochs done in a leg, its checkpoint's file name, and the length of its records."""

    leg: int
    epoch: int
    checkpoint: str
    records: int


def execute(job: Job, folder: JobFolder, on_event: Listener, *, save_models: bool = False) -> None:
    """Run a job from where it stands to its end, or return at once if it has finished.

    Raises
    ------
    SaysoError
        If another process is running it, or its files are damaged or were made from other data.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    with _only_one(folder):
        if folder.finished:
            return
        with _withdrawn_if_refused(folder):
            _go_on(job, folder, on_event, save_models)


def _go_on(job: Job, folder: JobFolder, on_event: Listener, save_models: bool) -> None:
    """Train from wherever the folder is to the end, and mark it finished."""
    on_event({"event": "building"})
    experiment = job.cell.experiment
    learner = experiment.model.build(_corpora(job, 0))
    manifest = describe(job, learner)
    if folder.begun and (there := folder.manifest()).data_sha256 != manifest.data_sha256:
        raise SaysoError(
            f"{folder.path}: begun with other data (sha256 {there.data_sha256[:12]}...); delete it to begin anew"
        )
    folder.open(manifest)
    _train(job, folder, learner, on_event, save_models)
    folder.finish(now())
    on_event({"event": "finished"})


def _corpora(job: Job, stage2_seed: int) -> list[Corpus]:
    """All documents of each seed, X2 dealt as its stage-2 seed says."""
    return [build_corpus(job.cell.experiment, seed, stage2_seed) for seed in job.seeds]


def _train(job: Job, folder: JobFolder, learner: Learner, on_event: Listener, save_models: bool) -> None:
    """Run all legs that are left, from the position the folder is at."""
    run = legs(job.cell.experiment)
    position = _read_position(folder)
    folder.rewind(position.records if position else 0)
    if position:
        if save_models:
            require_models(folder, job.seeds, run[: position.leg])
        learner.load(folder.path / position.checkpoint)
    corpora: list[Corpus] = []
    stage2_seed: int | None = None
    for index, leg in enumerate(run):
        if position and (index, leg.stage.epochs) <= (position.leg, position.epoch):
            if save_models and index == position.leg:  # an earlier try may have been killed before it could
                _save_models(job, folder, learner, leg)
            continue
        if leg.stage2_seed != stage2_seed:
            stage2_seed = leg.stage2_seed
            corpora = _corpora(job, stage2_seed)
        start = position.epoch if position and position.leg == index else 0
        _run_leg(job, folder, learner, corpora, on_event, run, index, start)
        if save_models:
            _save_models(job, folder, learner, leg)


def _run_leg(
    job: Job,
    folder: JobFolder,
    learner: Learner,
    corpora: list[Corpus],
    on_event: Listener,
    run: list[Leg],
    index: int,
    start: int,
) -> None:
    """Train one leg from the end of epoch `start` on, keeping records and checkpoint after each epoch."""
    leg, stage = run[index], run[index].stage
    needed_later = kept(run)

    def measure(epoch: int) -> list[Record]:
        moment = Moment(learner, corpora, job.cell.experiment.train_spec(stage), stage.name, epoch)
        records = list(_measure(job, leg, epoch, moment))
        if epoch == stage.epochs:
            _keep_details(job, folder, leg, moment)
        return records

    def after_epoch(epoch: int, loss: NDArray[np.float64]) -> None:
        records = measure(epoch)
        _keep(folder, learner, (index, epoch), records, needed_later)
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

    documents = [corpus.documents(stage.documents) for corpus in corpora]
    if stage.epochs and not all(documents):
        raise SaysoError(f"stage {stage.name}: there are no documents of {' and '.join(stage.documents)} to train on")
    if start == 0:
        if leg.start is not None:
            learner.load(folder.state_path(*leg.start))
        if (index, 0) in needed_later:
            learner.save(folder.state_path(index, 0))
        if stage.measured:
            folder.append(measure(0))
    learner.fit(
        documents,
        job.cell.experiment.train_spec(stage),
        stage=leg.label,
        epochs=stage.epochs,
        start_epoch=start,
        replay=[corpus.documents(stage.replay_from) for corpus in corpora] if stage.replay else None,
        replay_share=stage.replay,
        on_epoch=after_epoch,
    )


def _save_models(job: Job, folder: JobFolder, learner: Learner, leg: Leg) -> None:
    """Keep every seed's model as it is after a leg."""
    for replica, seed in enumerate(job.seeds):
        learner.save_replica(replica, folder.model_path(seed, leg.label))


def _eval_sets(experiment: Experiment, leg: Leg, epoch: int, moment: Moment) -> list[tuple[str, str]]:
    """What is measured after an epoch."""
    if epoch not in measured_epochs(leg):
        return []
    sets = moment.corpora[0].eval_sets
    return [(item.name, item.subset) for item in sets if is_measured(item, leg, experiment)]


def _keep_details(job: Job, folder: JobFolder, leg: Leg, moment: Moment) -> None:
    """Write what measures keep beside the records at the end of a leg, a file for each of them."""
    eval_sets = _eval_sets(job.cell.experiment, leg, leg.stage.epochs, moment)
    for measure in job.cell.experiment.measures:
        rows = [
            {"seed": job.seeds[replica], "stage": leg.stage.name, "stage2_seed": leg.stage2_seed, **row}
            for replica, row in measure.details(moment, eval_sets)
        ]
        if rows:
            folder.write_details(f"{measure.name}-{leg.label}", rows)


def _measure(job: Job, leg: Leg, epoch: int, moment: Moment) -> Iterator[Record]:
    """Take all measures that are due after this epoch."""
    experiment, stage = job.cell.experiment, leg.stage
    last = epoch == stage.epochs
    eval_sets = _eval_sets(experiment, leg, epoch, moment)
    for measure in experiment.measures:
        if not last and measure.when == "stage":
            continue
        for score in measure.measure(moment, eval_sets):
            yield Record(
                experiment=experiment.name,
                cell=job.cell.name,
                seed=job.seeds[score.replica],
                stage2_seed=leg.stage2_seed,
                stage=stage.name,
                epoch=epoch,
                measure=measure.name,
                eval_set=score.eval_set,
                subset=score.subset,
                value=round(score.value, 6),
                n=score.n,
            )


def _keep(
    folder: JobFolder,
    learner: Learner,
    at: tuple[int, int],
    records: list[Record],
    needed_later: set[tuple[int, int]],
) -> None:
    """Append records and checkpoint; after this, the epoch is done for good."""
    length = folder.append(records)
    leg, epoch = at
    checkpoint = folder.checkpoint_path(leg, epoch)
    learner.save(checkpoint)
    if at in needed_later:
        learner.save(folder.state_path(leg, epoch))
    position = Position(leg, epoch, checkpoint.name, length)
    write_atomically(folder.position_path, json.dumps(vars(position)) + "\n")
    folder.drop_checkpoints(besides=checkpoint)


def _read_position(folder: JobFolder) -> Position | None:
    if not folder.position_path.exists():
        return None
    data = read_json(folder.position_path)
    try:
        position = Position(**data)
    except TypeError as error:
        raise SaysoError(
            f"{folder.position_path}: not a position ({error}); delete {folder.path} to begin anew"
        ) from error
    if [type(value) for value in vars(position).values()] != [int, int, str, int]:
        raise SaysoError(f"{folder.position_path}: not a position ({data}); delete {folder.path} to begin anew")
    return position


def _headline(records: list[Record]) -> dict[str, float]:
    """Exact match on validation questions by subset, averaged over seeds, for whoever watches."""
    found: dict[str, list[float]] = {}
    for record in records:
        if record.measure == "exact_match" and record.eval_set in ("validation", "pretraining"):
            found.setdefault(record.subset, []).append(record.value)
    return {subset: float(np.nanmean(values)) for subset, values in found.items() if not all(map(math.isnan, values))}


@contextmanager
def _withdrawn_if_refused(folder: JobFolder) -> Iterator[None]:
    """Leave nothing of a job that an error ends before its first epoch, unless an earlier try began it."""
    began_before = folder.begun
    try:
        yield
    except SaysoError:
        if not began_before:
            folder.withdraw()
        raise


@contextmanager
def _only_one(folder: JobFolder) -> Iterator[None]:
    """Hold the job's lock; it falls with the process, however that ends."""
    lock = FileLock(folder.path / ".lock")
    try:
        with lock.acquire(timeout=_LOCK_WAIT_S):
            yield
    except Timeout:
        raise SaysoError(f"{folder.path}: another process is running this job; wait for it or stop it") from None
