"""The training loop: a stage of updates (`sayso.learners.updates`), and the state to go on from.

A learner gives losses; what becomes of them is the same for one big model and for many small ones side by side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.examples import Example
from sayso.core.learner import Lengths, StepDone
from sayso.core.training import TrainSpec
from sayso.learners.checkpoint import Checkpoints, model_digest, require_readable
from sayso.learners.memory import Fitting, one_line
from sayso.learners.optim import allocate, make_optimizer
from sayso.learners.order import Step, order_of
from sayso.learners.several.checkpoint import ShardedCheckpoints
from sayso.learners.several.team import ALONE, Team
from sayso.learners.updates import OUT_OF_MEMORY, Losses, Training


@dataclass(frozen=True)
class Encoded:
    """What a stage trains on, as the model reads it.

    `losses` yields the losses of its steps; `lengths` are those of each replica's documents, replayed ones after them.
    """

    losses: Losses
    lengths: list[Lengths]


class TrainedLearner(ABC):
    """A learner (`sayso.core.learner.Learner`) that is trained here: it gives losses, all else is done for it.

    `parameters` are those that are trained; of several replicas, `stacked` with the replica as their first dimension.
    `embedding` names the input embedding, if it is among them. `fitting`: how many documents fit into memory at once.
    `team`: the processes that train it together; each gives the losses of its own part of a batch, and where it is
    `sharded` has its part of every parameter.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        parameters: Mapping[str, Tensor],
        *,
        embedding: str | None,
        device: torch.device,
        fitting: Fitting,
        stacked: bool,
        fused: bool = False,
        team: Team = ALONE,
        sharded: bool = False,
    ) -> None:
        self.replicas, self.seeds = len(seeds), list(seeds)
        self.parameters, self.embedding, self.device, self.fitting = parameters, embedding, device, fitting
        self.stacked, self._fused, self.team, self.sharded = stacked, fused, team, sharded
        self._checkpoints = (
            ShardedCheckpoints(self.seeds, parameters, team)
            if sharded
            else Checkpoints(self.seeds, parameters, beside=device.type != "cpu")
        )
        self._optimizer: torch.optim.Optimizer | None = None
        self._loaded_optimizer: dict[str, Any] | None = None
        self._lengths: list[Lengths] = []
        self._replayed = 0

    @abstractmethod
    def encoded(
        self, documents: Sequence[Sequence[Example]], replay: Sequence[Sequence[Example]], train: TrainSpec
    ) -> Encoded:
        """Encode what a stage trains on, once.

        Raises
        ------
        SaysoError
            If the documents or the settings do not suit the model.
        """

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
        """Train every replica on its documents; see `Learner.fit`.

        Raises
        ------
        SaysoError
            If replicas have different numbers of documents, documents or settings do not suit the model, a loss is not
            finite, or memory does not suffice.
        """
        training = self.training(
            documents,
            train,
            stage=stage,
            epochs=epochs,
            start_epoch=start_epoch,
            replay=replay,
            replay_share=replay_share,
        )
        for epoch in range(start_epoch, epochs):
            total = np.zeros(self.replicas)
            step: Step | None = None
            for step in training.order.epoch(epoch):
                total += training.update(step)
                if on_step is not None:
                    on_step(self._done(step, training.order.steps))
            total += training.settle()
            if step is not None:
                training.require_finite_weights(step)
            if on_epoch is not None:
                on_epoch(epoch + 1, total / training.order.steps)
        training.clear()

    def training(
        self,
        documents: Sequence[Sequence[Example]],
        train: TrainSpec,
        *,
        stage: str,
        epochs: int,
        start_epoch: int = 0,
        replay: Sequence[Sequence[Example]] | None = None,
        replay_share: float = 0.0,
    ) -> Training:
        """Prepare a stage for whoever takes its steps one by one; the arguments are those of `fit`."""
        repeatable = replay or [[] for _ in documents]
        order = order_of(
            self.seeds,
            documents,
            train,
            stage=stage,
            epochs=epochs,
            replay=repeatable,
            replay_share=replay_share,
        )
        encoded = self.encoded(documents, repeatable, train)
        self._lengths, self._replayed = encoded.lengths, len(repeatable[0])
        self._optimizer = self._make_optimizer(train, start_epoch)
        return Training(
            train,
            order,
            encoded.losses,
            self._optimizer,
            seeds=self.seeds,
            parameters=list(self.parameters.values()),
            stacked=self.stacked,
            fitting=self.fitting,
            device=self.device,
            team=self.team,
            sharded=self.sharded,
        )

    def _done(self, step: Step, steps: int) -> StepDone:
        """A step that was taken, of the `steps` of its epoch."""
        tokens = 0
        for length, chosen, repeated in zip(self._lengths, step.chosen, step.repeated, strict=True):
            own = len(length.tokens) - self._replayed
            tokens += int(length.tokens[chosen].sum() + length.tokens[own + repeated].sum())
        return StepDone(step.number % steps + 1, steps, tokens)

    def lengths(self) -> list[Lengths]:
        """How long the documents of the last `fit` are; see `Learner.lengths`."""
        return self._lengths

    def _make_optimizer(self, train: TrainSpec, start_epoch: int) -> torch.optim.Optimizer:
        """A fresh optimizer, or where training goes on after an epoch, one with the state that was loaded."""
        self._optimizer = None  # two at once may be more than there is memory for
        optimizer = make_optimizer(
            self.parameters,
            self.embedding,
            train,
            stacked=self.stacked,
            fused=self._fused,
            sharded=self.team if self.sharded else None,
        )
        state, self._loaded_optimizer = self._loaded_optimizer, None
        with one_line(OUT_OF_MEMORY):
            if start_epoch > 0:
                if state is None:
                    raise ValueError("to go on with an epoch, load() what save() wrote after the one before")
                optimizer.load_state_dict(state)
            else:
                allocate(optimizer)
        return optimizer

    def save(self, path: Path) -> Future[None]:
        """Write weights, optimizer state, and how many documents fitted into memory; see `Learner.save`."""
        state = self._loaded_optimizer if self._optimizer is None else self._optimizer.state_dict()
        return self._checkpoints.save(path, state, {"rows": self.fitting.rows})

    def save_weights(self, path: Path) -> Future[None]:
        """Write the weights alone; see `Learner.save_weights`."""
        return self._checkpoints.save(path, None, {})

    def require_readable(self, path: Path) -> None:
        """Make sure that `load` would bring something back, without doing it; see `Checkpoints.load` for its errors."""
        require_readable(path, self.seeds, model_digest(self.parameters))

    def load(self, path: Path) -> None:
        """Bring back what `save` or `save_weights` wrote for the same seeds; see `Checkpoints.load` for its errors."""
        state, extra = self._checkpoints.load(path)
        self._optimizer, self._loaded_optimizer = None, state
        self.fitting.rows = extra.get("rows", self.fitting.rows)
