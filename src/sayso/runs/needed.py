"""What it takes to measure a job that has finished: which moments, and which states are not there any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg, legs, measured_epochs
from sayso.core.measure import Measure

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
    wanted = [state_of(run, moment) for moment in moments]
    while wanted:
        state = wanted.pop()
        if state is None or folder.state_path(*state).exists() or again.get(state[0], 0) >= state[1]:
            continue
        again[state[0]] = state[1]
        wanted.append(state_of(run, (state[0], 0)))
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


def state_of(run: Sequence[Leg], moment: State) -> State | None:
    """The state, after some epochs of a leg, that a moment has; None for the weights training starts from."""
    index, epoch = moment
    if epoch > 0:
        return moment
    if (start := run[index].start) is not None:
        return state_of(run, start)
    return None if index == 0 else state_of(run, (index - 1, run[index - 1].stage.epochs))
