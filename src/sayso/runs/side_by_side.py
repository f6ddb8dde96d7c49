"""How many seeds train side by side on a GPU: found by measuring what a few of them take, and each one more.

Whatever belongs to a replica (weights, gradients, the optimizer's state, what a pass keeps) is there once for each, so
that what eight take more than four says what every further one takes.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.learner import StepDone
from sayso.core.legs import legs
from sayso.data.build import build_corpus

#: Share of the free memory that is planned with: the allocator keeps blocks in pieces, and documents differ in length.
SHARE = 0.8
#: How many are measured, one number after the other, as far as they seem to fit. Of a few, other moments may take most.
_MEASURED = (1, 2, 4, 8)


class Memory(Protocol):
    """Tells how much memory tensors of a device take."""

    def begin(self) -> None:
        """Begin anew."""

    def peak(self) -> float:
        """Most bytes that were taken at a time since, by what was made since."""


class GpuMemory:
    """The memory of the GPU in use, as torch's allocator counts it."""

    def begin(self) -> None:
        """See `Memory.begin`."""
        import torch

        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        self._before = torch.cuda.memory_allocated()

    def peak(self) -> float:
        """See `Memory.peak`."""
        import torch

        return float(torch.cuda.max_memory_allocated() - self._before)


def replicas_that_fit(take: Callable[[int], float], free: float) -> int:
    """Say how many replicas fit into `free` bytes, at least 1; `take` tries some and gives the bytes they took.

    Raises
    ------
    SaysoError
        If one alone does not run.
    """
    import torch

    taken = {0: 0.0}
    for count in _MEASURED:
        if count > 2 and count > _room(taken, SHARE * free):  # one alone says nothing of what is there only once
            break
        try:
            taken[count] = take(count)
        except (SaysoError, torch.OutOfMemoryError):
            if count == 1:
                raise
            return max(taken)
    return max(1, _room(taken, SHARE * free))


def _room(taken: Mapping[int, float], free: float) -> int:
    """How many there is room for, if each further one takes what the last ones measured took."""
    (few, less), (many, more) = sorted(taken.items())[-2:]
    each = max((more - less) / (many - few), 1.0)
    return many + int((free - more) // each)


def bytes_taken(experiment: Experiment, seeds: Sequence[int], memory: Memory) -> float:
    """Measure what these seeds take side by side: built, a step of every stage, and all questions asked."""
    corpora = [build_corpus(experiment, seed) for seed in seeds]
    memory.begin()
    learner = experiment.model.build(corpora)
    for stage in {leg.stage.name: leg.stage for leg in legs(experiment)}.values():
        with contextlib.suppress(_EnoughError):
            learner.fit(
                [corpus.documents(stage.documents) for corpus in corpora],
                experiment.train_spec(stage),
                stage=stage.name,
                epochs=1,
                replay=[corpus.documents(stage.replay_from) for corpus in corpora] if stage.replay else None,
                replay_share=stage.replay,
                on_step=_stop,
            )
    learner.scores([[item for each in corpus.eval_sets for item in each.examples] for corpus in corpora])
    return memory.peak()


class _EnoughError(Exception):
    """A step was taken."""


def _stop(_: StepDone) -> None:
    raise _EnoughError
