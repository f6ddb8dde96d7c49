"""Optimizers for one model and for stacked replicas.

Parameters of stacked replicas have the replica as their first dimension, and none sees another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from sayso.core.training import TrainSpec


class StackedAdafactor(torch.optim.Optimizer):
    """Adafactor as the paper used it (transformers' with ``scale_parameter=False, relative_step=False``).

    No momentum, decay of second moments ``1 - step ** -0.8``, updates clipped to a root mean square of 1.0, second
    moments factored over the last two dimensions of matrices. Second moments and clipping are each replica's own, so
    K stacked replicas take the steps that K optimizers would.
    """

    def __init__(self, params: Iterable[Any], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Take one step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group["lr"], group["weight_decay"])

    def _update(self, parameter: Tensor, gradient: Tensor, lr: float, weight_decay: float) -> None:
        state = self.state[parameter]
        factored = parameter.dim() > 2
        if not state:
            state["step"] = torch.zeros(())
            if factored:
                state["row"] = torch.zeros_like(gradient[..., 0])
                state["column"] = torch.zeros_like(gradient[..., 0, :])
            else:
                state["square"] = torch.zeros_like(gradient)
        state["step"] += 1
        new = float(state["step"]) ** -0.8
        square = gradient.square().add_(1e-30)
        if factored:
            row = state["row"].lerp_(square.mean(-1), new)
            column = state["column"].lerp_(square.mean(-2), new)
            scale = (row / row.mean(-1, keepdim=True)).rsqrt_().unsqueeze(-1)
            update = gradient * scale * column.rsqrt().unsqueeze(-2)
        else:
            update = gradient * state["square"].lerp_(square, new).rsqrt()
        own = tuple(range(1, update.dim()))
        update /= update.square().mean(own, keepdim=True).sqrt_().clamp_(min=1.0)
        if weight_decay:
            parameter.mul_(1 - lr * weight_decay)
        parameter.add_(update, alpha=-lr)


def make_optimizer(
    parameters: dict[str, Tensor], embedding: str | None, train: TrainSpec, *, fused: bool = False
) -> torch.optim.Optimizer:
    """Make the optimizer of `train` for stacked parameters; only matrices decay.

    `embedding` names the input embedding, where there is one. `fused`: let AdamW update all in one go, which needs
    gradients with the strides of their parameters; those that come out of vmap may have others.

    Each parameter group carries ``multiplier``, by which the schedule's learning rate is multiplied.
    """
    groups = _groups(parameters, embedding, train, matrix=3)
    if train.optimizer == "adafactor":
        return StackedAdafactor(groups, lr=train.learning_rate)
    return torch.optim.AdamW(groups, lr=train.learning_rate, fused=fused or None)


def make_single_optimizer(parameters: dict[str, Tensor], embedding: str, train: TrainSpec) -> torch.optim.Optimizer:
    """Make the optimizer of `train` for one model, as `make_optimizer` does: transformers' own Adafactor, or AdamW."""
    from transformers import Adafactor

    groups = _groups(parameters, embedding, train, matrix=2)
    if train.optimizer == "adafactor":
        made: torch.optim.Optimizer = Adafactor(
            groups, lr=train.learning_rate, scale_parameter=False, relative_step=False
        )
        return made
    return torch.optim.AdamW(groups, lr=train.learning_rate)


def _groups(
    parameters: dict[str, Tensor], embedding: str | None, train: TrainSpec, *, matrix: int
) -> list[dict[str, Any]]:
    """Parameter groups; a parameter of at least `matrix` dimensions decays."""
    others = {name: tensor for name, tensor in parameters.items() if name != embedding}
    groups: list[dict[str, Any]] = [
        {
            "params": [tensor for tensor in others.values() if tensor.dim() >= matrix],
            "weight_decay": train.weight_decay,
            "multiplier": 1.0,
        },
        {
            "params": [tensor for tensor in others.values() if tensor.dim() < matrix],
            "weight_decay": 0.0,
            "multiplier": 1.0,
        },
        {
            "params": [parameters[embedding]] if embedding is not None and embedding in parameters else [],
            "weight_decay": train.weight_decay,
            "multiplier": train.embedding_multiplier,
        },
    ]
    return [group for group in groups if group["params"]]


def resume(optimizer: torch.optim.Optimizer, state: dict[str, Any] | None, start_epoch: int) -> None:
    """Give a new optimizer the state that was loaded, where training goes on after `start_epoch` epochs of a stage.

    Raises
    ------
    ValueError
        If there are epochs to go on from and no state was loaded.
    """
    if start_epoch > 0:
        if state is None:
            raise ValueError("to go on with an epoch, load() what save() wrote after the one before")
        optimizer.load_state_dict(state)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the schedule's learning rate, multiplied as each group asks."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["multiplier"]


@torch.no_grad()
def clip_gradients(parameters: Sequence[Tensor], most: float) -> Tensor:
    """Scale each replica's gradient down to a norm of at most `most`; return the norms before, shape (replicas,)."""
    gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
    squares = torch.zeros(len(gradients[0]), device=gradients[0].device)
    for gradient in gradients:  # one after the other: a sum over a stack adds in an order that depends on its width
        squares += gradient.flatten(1).square().sum(1)
    norms = squares.sqrt()
    scale = (most / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
    return norms
