"""Adafactor and clipping where each process has its part of every weight, gradient and second moment.

What goes over a whole matrix is added up over processes: the column means of squares, the mean of the row means, the
sizes of updates; each once a step, for all parameters together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from sayso.learners.several.sharding import local, zeros
from sayso.learners.several.team import Team


class ShardedAdafactor(torch.optim.Optimizer):
    """The steps of `sayso.learners.optim.Adafactor` for one model, of which each process takes its part.

    Its state has the same names and, put together, the same shapes. Gradients are used up by a step.
    """

    def __init__(self, params: Iterable[Any], lr: float, weight_decay: float = 0.0, *, team: Team) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "eps": 1e-30, "clip_threshold": 1.0, "decay_rate": -0.8}
        super().__init__(params, defaults)
        self._team = team

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Take one step."""
        each = [(one, group) for group in self.param_groups for one in group["params"] if one.grad is not None]
        if not each:
            return
        states = [self.allocate(parameter) for parameter, _ in each]
        gradients = [local(parameter.grad) for parameter, _ in each]
        shares = [
            (float(state["step"]) + 1) ** group["decay_rate"] for state, (_, group) in zip(states, each, strict=True)
        ]
        column_sums = []
        for state, gradient, share, (_, group) in zip(states, gradients, shares, each, strict=True):
            square = gradient.square().add_(group["eps"])
            if "row" not in state:
                local(state["square"]).lerp_(square, share)
                continue
            local(state["row"]).lerp_(square.mean(-1), share)
            if square.dim() == 2:
                column_sums.append(square.sum(0))
            else:
                local(state["column"]).lerp_(square.mean(-2), share)
        matrices = [place for place, (parameter, _) in enumerate(each) if parameter.dim() == 2]
        for place, total in zip(matrices, self._totals(column_sums), strict=True):
            states[place]["column"].lerp_(total / each[place][0].shape[0], shares[place])
        row_sums = self._totals([local(states[place]["row"]).sum().view(1) for place in matrices])
        row_mean = {place: total / each[place][0].shape[0] for place, total in zip(matrices, row_sums, strict=True)}
        for place, (state, gradient) in enumerate(zip(states, gradients, strict=True)):
            if "row" in state:
                row = local(state["row"])
                mean = row_mean[place] if place in row_mean else row.mean(-1, keepdim=True)
                gradient.mul_((row / mean).rsqrt_().unsqueeze(-1)).mul_(local(state["column"]).rsqrt().unsqueeze(-2))
            else:
                gradient.mul_(local(state["square"]).rsqrt())
        squares = self._totals([gradient.square().sum().view(1) for gradient in gradients])
        for (parameter, group), state, update, square in zip(each, states, gradients, squares, strict=True):
            rms = (square / parameter.numel()).sqrt_()
            update.div_((rms / group["clip_threshold"]).clamp_(min=1.0))
            state["step"] += 1
            own = local(parameter)
            if group["weight_decay"]:
                own.mul_(1 - group["weight_decay"] * group["lr"])
            own.sub_(update, alpha=group["lr"])
            parameter.grad = None

    def allocate(self, parameter: Tensor) -> dict[str, Any]:
        """Make the state of a parameter, if it has none."""
        state: dict[str, Any] = self.state[parameter]
        if not state:
            assert isinstance(parameter, DTensor)
            shape = tuple(parameter.shape)
            state["step"] = torch.zeros(())
            if len(shape) < 2:
                state["square"] = zeros(shape, parameter.dtype, parameter)
            else:
                state["row"] = zeros(shape[:-1], parameter.dtype, parameter)
                column = (*shape[:-2], shape[-1])
                state["column"] = (
                    torch.zeros(column, dtype=parameter.dtype, device=parameter.device)
                    if is_whole("column", column)
                    else zeros(column, parameter.dtype, parameter)
                )
        return state

    def _totals(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """Sums over processes of vectors, which are added up together."""
        if not parts:
            return []
        return list(torch.split(self._team.sum_(torch.cat(list(parts))), [part.numel() for part in parts]))


def is_whole(name: str, shape: Sequence[int]) -> bool:
    """Whether every process has all of an optimizer's state: single numbers, and of a matrix its columns."""
    return not shape or (name == "column" and len(shape) == 1)


@torch.no_grad()
def clip_sharded(parameters: Sequence[Tensor], most: float, team: Team) -> Tensor:
    """Scale a gradient of which each process has its part down to a norm of at most `most`; give the norm before."""
    gradients = [local(tensor.grad) for tensor in parameters if tensor.grad is not None]
    norm = team.sum_(torch.stack(torch._foreach_norm(gradients)).square().sum()).sqrt()
    torch._foreach_mul_(gradients, (most / (norm + 1e-6)).clamp(max=1.0))
    return norm
