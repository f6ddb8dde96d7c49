"""The legs of a job: its stages in the order they are run, those with stage-2 seeds once for each of them.

    stage0, stage1, stage2 (stage-2 seed 0), stage2 (stage-2 seed 1), ...

Every leg starts from where the one before ended, but for two kinds, which start from a state that was kept: the first
of each further stage-2 seed, and a stage with `from_epoch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sayso.core.corpus import EvalSet
from sayso.core.experiment import Experiment
from sayso.core.measure import When
from sayso.core.training import Stage


@dataclass(frozen=True)
class Leg:
    """A stage of one stage-2 seed (0 where the stage has none).

    `start`: the leg and epoch whose state it starts from; None means the end of the leg before. `label` names its
    random streams. `before`: epochs of all legs before it.
    """

    stage: Stage
    stage2_seed: int
    label: str
    start: tuple[int, int] | None
    before: int


def legs(experiment: Experiment) -> list[Leg]:
    """All legs of a job of an experiment without axes, in the order they are run."""
    stages, first_nested = experiment.stages, experiment.first_nested
    order = [(index, 0) for index in range(first_nested)]
    order += [(index, seed) for seed in range(experiment.stage2_seeds) for index in range(first_nested, len(stages))]
    result: list[Leg] = []
    for position, (index, seed) in enumerate(order):
        stage = stages[index]
        branches = seed > 0 and index == first_nested
        previous = first_nested - 1 if branches else position - 1
        start = None
        if stage.from_epoch is not None:
            start = (previous, stage.from_epoch)
        elif branches:
            start = (previous, stages[previous].epochs)
        label = f"{stage.name}-{seed}" if seed else stage.name
        result.append(Leg(stage, seed, label, start, sum(leg.stage.epochs for leg in result)))
    return result


def needed_later(run: Sequence[Leg]) -> set[tuple[int, int]]:
    """Legs and epochs whose state some later leg starts from."""
    return {leg.start for leg in run if leg.start is not None}


def kept_states(experiment: Experiment) -> set[tuple[int, int]]:
    """Legs and epochs whose weights stay when a job has finished."""
    keep = experiment.kept
    if keep == "none":
        return set()
    run = legs(experiment)
    ends = {(index, leg.stage.epochs) for index, leg in enumerate(run)}
    if keep == "stages":
        return ends
    return ends | {(index, epoch) for index, leg in enumerate(run) for epoch in range(keep, leg.stage.epochs, keep)}


def total_epochs(experiment: Experiment) -> int:
    """Epochs of all legs."""
    return sum(leg.stage.epochs for leg in legs(experiment))


def measured_epochs(leg: Leg, when: When | tuple[When, ...] = "epoch") -> list[int]:
    """Epochs of a leg after which a measure with this cadence is due; 0 is the state the leg starts from.

    Of a stage that is not measured only the end counts, whatever the cadence.
    """
    stage = leg.stage
    if not stage.measured:
        return [] if when == "start" else [stage.epochs]
    if isinstance(when, tuple):
        return sorted({epoch for each in when for epoch in measured_epochs(leg, each)})
    if when == "start":
        return [0]
    if when == "stage":
        return [stage.epochs]
    every = stage.measure_every if when == "epoch" else when
    return [epoch for epoch in range(stage.epochs + 1) if epoch % every == 0 or epoch == stage.epochs]


def is_measured(eval_set: EvalSet, leg: Leg, experiment: Experiment) -> bool:
    """Whether an evaluation set is measured in a leg.

    A stage that is not measured has the check of what was told before stage 1. Further stage-2 seeds have X2 alone.
    """
    if not leg.stage.measured or eval_set.name == "pretraining":
        return not leg.stage.measured and eval_set.name == "pretraining"
    return leg.stage2_seed == 0 or eval_set.subset in {
        subset.name for subset in experiment.subsets if subset.group == "X2"
    }
