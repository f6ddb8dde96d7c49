"""The training loop: one update, a stage of them, and the state to go on from.

A learner gives losses; what becomes of them is the same for one big model and for many small ones side by side.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Lengths, StepDone
from sayso.core.training import TrainSpec
from sayso.learners.checkpoint import Checkpoints, model_digest, require_readable
from sayso.learners.memory import Fitting, again, one_line
from sayso.learners.optim import allocate, clip_gradients, make_optimizer, set_learning_rate, take_step
from sayso.learners.order import Order, Step, order_of
from sayso.learners.several.adafactor import clip_sharded
from sayso.learners.several.checkpoint import ShardedCheckpoints
from sayso.learners.several.sharding import local
from sayso.learners.several.team import ALONE, Team

#: Gives the losses of a step in pieces of at most so many documents (None: all at once). Each is of shape (replicas,),
#: and they sum to each replica's mean loss over its batch. The backward pass of a piece comes before the next piece.
Losses: TypeAlias = Callable[[Step, int | None], Generator[Tensor, None, None]]


@dataclass(frozen=True)
class Encoded:
    """What a stage trains on, as the model reads it.

    `losses` yields the losses of its steps; `lengths` are those of each replica's documents, replayed ones after them.
    """

    losses: Losses
    lengths: list[Lengths]


_OUT_OF_MEMORY = (
    "out of memory in the optimizer's step; try optimizer adafactor instead of adamw, lora, fewer seeds side by side "
    "or a smaller model"
)


class OnItsWay:
    """Numbers that leave a device in their turn, without its being waited for until they are read."""

    def __init__(self, numbers: Tensor) -> None:
        self._done: torch.cuda.Event | None = None
        if numbers.is_cuda:
            self._here = torch.empty_like(numbers, device="cpu", pin_memory=True)
            self._here.copy_(numbers, non_blocking=True)
            self._done = torch.cuda.Event()
            self._done.record()
        else:
            self._here = numbers

    def read(self) -> NDArray[np.float64]:
        """Wait for the numbers."""
        if self._done is not None:
            self._done.synchronize()
        return self._here.double().numpy()


class Training:
    """A stage that is being trained. `order` gives its steps, `optimizer` is torch's.

    `late`: whether a step's losses are read while the next one is computed, as on a GPU, which then never waits.
    """

    def __init__(
        self,
        learner: TrainedLearner,
        train: TrainSpec,
        order: Order,
        losses: Losses,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self.order, self.optimizer = order, optimizer
        self._train, self._losses = train, losses
        self._seeds, self._fitting, self._device = learner.seeds, learner.fitting, learner.device
        self._parameters, self._stacked = list(learner.parameters.values()), learner.stacked
        self._team, self._sharded = learner.team, learner.sharded
        self.late = self._device.type == "cuda" and self._team.size == 1
        self._waiting: tuple[Step, OnItsWay] | None = None

    def update(self, step: Step) -> NDArray[np.float64]:
        """Take one step; give each replica's mean loss, of this step or where it is `late` of the one before (0 first).

        Raises
        ------
        SaysoError
            If a loss is not finite (nothing is changed then; where it is late, by one step at most), or memory does not
            suffice for a single document or for the optimizer.
        """
        rows = -(-step.rows // self._team.size)
        losses = self._fitting.run(lambda most: self._accumulate(step, most), rows)
        if self.late:
            loss, self._waiting = self.settle(), (step, losses)
        else:
            loss = self._team.total(losses.read())
            self._require_finite("loss", np.isfinite(loss), step)
        if not self._sharded:
            self._team.add_up(self._parameters)
        with one_line(_OUT_OF_MEMORY):
            if (most := self._train.max_grad_norm) is not None:
                again(lambda: self._clip(most))
            set_learning_rate(self.optimizer, step.learning_rate)
            take_step(self.optimizer)
        return loss

    def settle(self) -> NDArray[np.float64]:
        """Give the losses of the last step where they were not given yet, else 0.

        Raises
        ------
        SaysoError
            If one is not finite.
        """
        if self._waiting is None:
            return np.zeros(len(self._seeds))
        (step, losses), self._waiting = self._waiting, None
        loss = losses.read()
        self._require_finite("loss", np.isfinite(loss), step)
        return loss

    def _clip(self, most: float) -> None:
        if self._sharded:
            clip_sharded(self._parameters, most, self._team)
        else:
            clip_gradients(self._parameters, most, stacked=self._stacked)

    def clear(self) -> None:
        """Drop all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def _accumulate(self, step: Step, most: int | None) -> OnItsWay:
        """Leave the gradient of this process's part of a step's loss with the parameters; give that part.

        Of a sharded model it is the whole gradient, of which FSDP takes the mean over processes.
        """
        self.clear()
        total = torch.zeros(len(self._seeds), device=self._device)
        with contextlib.closing(self._losses(step, most)) as pieces:
            for piece in pieces:
                torch.autograd.backward(piece.sum() * self._team.size if self._sharded else piece.sum())
                total += piece.detach()
        return OnItsWay(total)

    @torch.no_grad()
    def require_finite_weights(self, step: Step) -> None:
        """Check what a step left behind, which no loss has shown yet.

        Raises
        ------
        SaysoError
            If there is a weight that is not finite.
        """
        finite = torch.ones(len(self._seeds), dtype=torch.bool, device=self._device)
        for parameter in self._parameters:
            finite &= local(parameter).reshape(len(self._seeds), -1).isfinite().all(1)
        everywhere = self._team.total(finite.cpu().double().numpy()) == self._team.size
        self._require_finite("weights", everywhere, step)

    def _require_finite(self, what: str, finite: NDArray[np.bool_], step: Step) -> None:
        if not finite.all():
            seeds = ", ".join(str(seed) for seed, fine in zip(self._seeds, finite, strict=True) if not fine)
            raise SaysoError(
                f"{what} of seed {seeds} not finite in stage {step.stage}, epoch {step.epoch}, step {step.number + 1} "
                f"of {step.steps}, at a learning rate of {step.learning_rate:.3g}; try a lower train.learning_rate"
            )


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
        return Training(self, train, order, encoded.losses, self._optimizer)

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
        with one_line(_OUT_OF_MEMORY):
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
