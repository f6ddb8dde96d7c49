"""The updates of a stage: a step's losses, their gradients, clipping, and the optimizer's step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.memory import Fitting, again, one_line
from sayso.learners.optim import clip_gradients, set_learning_rate, take_step
from sayso.learners.order import Order, Step
from sayso.learners.several.adafactor import clip_sharded
from sayso.learners.several.sharding import local
from sayso.learners.several.team import ALONE, Team

#: Gives the losses of a step in pieces of at most so many documents (None: all at once). Each is of shape (replicas,),
#: and they sum to each replica's mean loss over its batch. The backward pass of a piece comes before the next piece.
Losses: TypeAlias = Callable[[Step, int | None], Generator[Tensor, None, None]]


#: What helps where the optimizer finds no memory.
OUT_OF_MEMORY = (
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
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
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
        train: TrainSpec,
        order: Order,
        losses: Losses,
        optimizer: torch.optim.Optimizer,
        *,
        seeds: Sequence[int],
        parameters: Sequence[Tensor],
        stacked: bool,
        fitting: Fitting,
        device: torch.device,
        team: Team = ALONE,
        sharded: bool = False,
    ) -> None:
        self.order, self.optimizer = order, optimizer
        self._train, self._losses, self._seeds, self._parameters = train, losses, seeds, parameters
        self._stacked, self._fitting, self._device = stacked, fitting, device
        self._team, self._sharded = team, sharded
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
        with one_line(OUT_OF_MEMORY):
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
