"""Gradients of single pictures, of one replica by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.func import grad, vmap

from sayso.core.learner import StepEffects
from sayso.core.shares import OnShare
from sayso.core.training import TrainSpec
from sayso.learners.gradients.contraction import contraction
from sayso.learners.gradients.pairs import room
from sayso.learners.gradients.side_by_side import side_by_side
from sayso.learners.gradients.steps import step_effects
from sayso.learners.gradients.whole import WholeGradients
from sayso.learners.optim import make_optimizer

State = dict[str, Tensor]


@dataclass(frozen=True)
class Alone:
    """One replica, and some examples as it sees them.

    `forward`: what a network with some weights says of pictures. `parameters`: its weights. `inputs`, `target`,
    `counted`: the pictures, what is right to say of each cell, and which cells count in the loss.
    """

    forward: Callable[[State, Tensor], Tensor]
    parameters: State
    inputs: Tensor
    target: Tensor
    counted: Tensor

    def way(self, way: Literal["side by side", "contracted"], held: int | None, most: int | None) -> WholeGradients:
        """A way to gradients by the replica's weights."""
        weights = {name: tensor.detach().requires_grad_() for name, tensor in self.parameters.items()}
        numbers = room(self.inputs.device, held)
        if way == "contracted":
            return contraction(lambda row: self._loss_of(weights, row), weights, numbers, most)
        return side_by_side(self._gradients, [None] * len(self.inputs), weights, numbers, most)

    def effects(self, updates: Sequence[tuple[int, Sequence[int]]], train: TrainSpec, on_share: OnShare) -> StepEffects:
        """Try updates on a copy of the replica, which takes the steps that it would take beside the others."""
        own = {name: tensor[None].detach().clone().requires_grad_() for name, tensor in self.parameters.items()}
        return step_effects(
            lambda row: self._loss_of({name: tensor[0] for name, tensor in own.items()}, row),
            updates,
            own,
            lambda: make_optimizer(own, None, train, stacked=True, fused=True),
            train,
            stacked=True,
            on_share=on_share,
        )

    def _loss_of(self, weights: State, row: int) -> Tensor:
        return self._loss(weights, self.inputs[row], self.target[row], self.counted[row])

    def _gradients(self, rows: Sequence[int]) -> Mapping[str, Tensor]:
        at = torch.as_tensor(rows, device=self.inputs.device)
        weights = {name: tensor.detach() for name, tensor in self.parameters.items()}
        found: Mapping[str, Tensor] = vmap(grad(self._loss), in_dims=(None, 0, 0, 0))(
            weights, self.inputs[at], self.target[at], self.counted[at]
        )
        return found

    def _loss(self, weights: State, pixels: Tensor, target: Tensor, counted: Tensor) -> Tensor:
        """The mean loss of one picture's counted cells."""
        logits = self.forward(weights, pixels[None]).view(len(target), -1)
        cell = torch.nn.functional.cross_entropy(logits, target, reduction="none")
        return (cell * counted).sum() / counted.sum()
