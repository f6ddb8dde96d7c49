"""One model that several processes train together, as a learner (`sayso.core.learner.Learner`), and what makes it.

Every process has a learner of its own (`sayso.learners.single.learner`), and all of them do the same at the same time:
the first one's caller says what, and the others are told. Files are written, and records kept, by the first alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.learner import (
    Activations,
    Candidates,
    GradientPairs,
    GradientProducts,
    Learner,
    Lengths,
    MatrixPeak,
    Scores,
    Steering,
    StepDone,
    StepEffects,
    Update,
)
from sayso.core.shares import OnShare, unheard
from sayso.core.training import TrainSpec
from sayso.learners.numerics import Numerics
from sayso.learners.several import torchrun
from sayso.learners.several.members import Members
from sayso.learners.single.learner import HFLearner
from sayso.learners.specs import HFModel

#: The processes started for the model that was built last; those of the next are the same, if they are as many.
MEMBERS: list[Members] = []


class _LeftError(Exception):
    """A stage is left between two epochs."""


class SeveralLearner:
    """The first process's learner and those of the others. `own` is the first one's."""

    replicas = 1

    def __init__(self, corpus: Corpus, spec: HFModel, members: Members) -> None:
        self._members = members
        members.tell("build", (corpus,), spec, Numerics.now())
        with members.watched():
            self.own = HFLearner(corpus, spec, members.team)
        self.seeds, self.as_read, self.fastest = self.own.seeds, self.own.as_read, self.own.fastest
        self.device = f"{members.devices} {self.own.device.type}"

    def fit(
        self,
        documents: Sequence[Sequence[Example]],
        train: TrainSpec,
        *,
        stage: str,
        epochs: int,
        start_epoch: int = 0,
        replay: Sequence[Sequence[Example]] | None = None,
        replay_share: float = 0.0,
        on_epoch: Callable[[int, NDArray[np.float64]], None] | None = None,
        on_step: Callable[[StepDone], None] | None = None,
    ) -> None:
        """Train; see `Learner.fit`. Other processes wait between epochs, and do what is asked for meanwhile."""
        left: list[BaseException] = []

        def between_epochs(epoch: int, loss: NDArray[np.float64]) -> None:
            try:
                if on_epoch is not None:
                    on_epoch(epoch, loss)
            except BaseException as error:
                left.append(error)
                self._members.tell("leave")
                raise _LeftError from error
            self._members.tell("on")

        more: dict[str, Any] = {"stage": stage, "epochs": epochs, "start_epoch": start_epoch}
        more |= {"replay": replay, "replay_share": replay_share}
        try:
            with self._together("fit", documents, train, more), contextlib.suppress(_LeftError):
                self.own.fit(documents, train, **more, on_epoch=between_epochs, on_step=on_step)
        finally:
            if left:
                raise left[0]

    def matrix_peak(self, train: TrainSpec) -> MatrixPeak | None:
        """Measure what matrix products reach on all devices, by that of the first process."""
        return self.own.matrix_peak(train)

    def lengths(self) -> list[Lengths]:
        """See `Learner.lengths`."""
        return self.own.lengths()

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """See `Learner.scores`; examples are shared out."""
        with self._together("scores", examples, candidates):
            return self.own.scores(examples, candidates)

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """See `Learner.answers`; examples are shared out."""
        with self._together("answers", examples):
            return self.own.answers(examples)

    def document_losses(self, examples: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]]:
        """See `Learner.document_losses`; examples are shared out."""
        with self._together("document_losses", examples, train):
            return self.own.document_losses(examples, train)

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        """See `Learner.gradient_products`; the first process does it."""
        return self.own.gradient_products(pairs, train, by_layer=by_layer, on_share=on_share)

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """See `Learner.step_effects`; the first process does it."""
        return self.own.step_effects(updates, train, on_share=on_share)

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """See `Learner.activations`; the first process does it."""
        with self._weights_whole():
            yield from self.own.activations(examples, layers, at)

    def layers(self) -> int:
        """See `Learner.layers`."""
        return self.own.layers()

    def prompt_tokens(self, examples: Sequence[Sequence[Example]]) -> list[list[tuple[str, ...]]]:
        """See `Learner.prompt_tokens`."""
        return self.own.prompt_tokens(examples)

    def steered_losses(
        self, examples: Sequence[Sequence[Example]], steering: Sequence[Sequence[Steering]]
    ) -> list[NDArray[np.float64]]:
        """See `Learner.steered_losses`; the first process does it."""
        with self._weights_whole():
            return self.own.steered_losses(examples, steering)

    def save(self, path: Path) -> Future[None]:
        """See `Learner.save`; the first process writes, or all of a sharded model."""
        with self._where_sharded("save", path):
            return self.own.save(path)

    def save_weights(self, path: Path) -> Future[None]:
        """See `Learner.save_weights`; the first process writes, or all of a sharded model."""
        with self._where_sharded("save_weights", path):
            return self.own.save_weights(path)

    def load(self, path: Path) -> None:
        """See `Learner.load`; every process reads what it needs.

        The first one looks at it by itself before: if it is damaged, the others need not know.
        """
        if self.own.sharded:
            self.own.require_readable(path)
        else:
            self.own.load(path)
        with self._together("load", path):
            if self.own.sharded:
                self.own.load(path)

    def save_replica(self, replica: int, folder: Path) -> None:
        """See `Learner.save_replica`; the first process writes."""
        with self._where_sharded("save_replica", replica, folder):
            self.own.save_replica(replica, folder)

    def load_replica(self, replica: int, folder: Path) -> None:
        """See `Learner.load_replica`; every process reads the folder."""
        self.own.load_replica(replica, folder)
        with self._together("load_replica", replica, folder):
            pass

    def end(self) -> None:
        """Let the other processes end; they do so with this one, too."""
        self._members.end()

    def _where_sharded(self, name: str, *arguments: Any) -> contextlib.AbstractContextManager[None]:
        """As `_together` where each process has its part of the weights; else the first does it by itself."""
        return self._together(name, *arguments) if self.own.sharded else contextlib.nullcontext()

    @contextlib.contextmanager
    def _weights_whole(self) -> Iterator[None]:
        """Let the first process read by itself; of a sharded model the others must give it their weights."""
        if not self.own.sharded:
            yield
            return
        with self._together("give_weights"), self.own.weights_whole():
            yield

    @contextlib.contextmanager
    def _together(self, name: str, *arguments: Any) -> Iterator[None]:
        """Do something in this process that the others are told to do as well."""
        with self._members.watched():
            self._members.tell(name, *arguments)
            yield


def build(corpora: Sequence[Corpus], spec: HFModel) -> Learner:
    """Load the model for one corpus, in as many processes as it is to have devices.

    Raises
    ------
    SaysoError
        If it cannot be had or read, its tokenizer does not do or cannot spell the facts, or there are too few GPUs.
    """
    (corpus,) = corpora
    if spec.devices == 1 and not torchrun.started():
        return HFLearner(corpus, spec)
    if MEMBERS and (MEMBERS[0].devices != spec.devices or MEMBERS[0].ended):
        MEMBERS.pop().end()
    if not MEMBERS:
        MEMBERS.append(Members(spec.devices))
    return SeveralLearner(corpus, spec, MEMBERS[0])
