"""Optimizers, for one model and for stacked replicas alike.

Parameters of stacked replicas have the replica as their first dimension, and none sees another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.memory import release
from sayso.learners.modules import LANES
from sayso.learners.several.adafactor import ShardedAdafactor
from sayso.learners.several.team import Team

#: Bytes of the parameters that Adafactor updates together, by kind of device: it takes about three times as many beside
#: them. On a CPU only what is small, for there a call costs little and a copy much.
TOGETHER = {"cpu": 2**16, "cuda": 2**30}


class Adafactor(torch.optim.Optimizer):
    """Adafactor as the paper used it (transformers' with ``scale_parameter=False, relative_step=False``).

    No momentum, decay of second moments ``1 - step ** -0.8``, updates clipped to a root mean square of 1.0, second
    moments factored over the last two dimensions of matrices. The steps of one model are transformers' to the bit. If
    parameters are `stacked`, second moments and clipping are each replica's own, so K of them take the steps that K
    optimizers would, rounded in the same way whatever K is.

    Parameters of one shape are updated together, as if they were stacked, up to so many bytes (`TOGETHER`): a GPU is
    given a few hundred operations a step instead of a dozen for each parameter.

    A parameter is changed only once all it takes has been computed, and then its gradient is dropped: where memory runs
    out in the middle of a step, a second call goes on with the parameters that are left.
    """

    def __init__(self, params: Iterable[Any], lr: float, weight_decay: float = 0.0, *, stacked: bool) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "eps": 1e-30, "clip_threshold": 1.0, "decay_rate": -0.8}
        super().__init__(params, defaults)
        self._stacked = stacked

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Take one step, or the rest of one."""
        for group in self.param_groups:
            waiting = [parameter for parameter in group["params"] if parameter.grad is not None]
            for together in _of_one_shape(waiting, alone=self._stacked):
                self._update(together, group)
                for parameter in together:
                    parameter.grad = None

    def allocate(self, parameter: Tensor) -> dict[str, Any]:
        """Make the state of a parameter, if it has none."""
        state: dict[str, Any] = self.state[parameter]
        if not state:
            if parameter.dim() >= (3 if self._stacked else 2):
                moments = {"row": parameter[..., 0], "column": parameter[..., 0, :]}
            else:
                moments = {"square": parameter}
            made = {name: torch.zeros_like(moment, requires_grad=False) for name, moment in moments.items()}
            state.update(step=torch.zeros(()), **made)
        return state

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Update parameters of one shape; a stacked one is alone, and its own first dimension is that of replicas."""
        states = [self.allocate(parameter) for parameter in parameters]
        gradient = self._together([parameter.grad for parameter in parameters])
        new = (float(states[0]["step"]) + 1) ** group["decay_rate"]
        square = gradient.square().add_(group["eps"])
        if "row" in states[0]:
            row, column = (
                self._mixed(self._together([state[name] for state in states]), square.mean(at), new)
                for name, at in (("row", -1), ("column", -2))
            )
            moments = {"row": row, "column": column}
            del square
            by_row = (row / row.mean(-1, keepdim=True)).rsqrt_().unsqueeze(-1)
            by_column = column.rsqrt().unsqueeze(-2)
            update = (gradient * by_row).mul_(by_column) if self._stacked else (by_row * by_column).mul_(gradient)
        else:
            moments = {"square": self._mixed(self._together([state["square"] for state in states]), square, new)}
            del square
            update = gradient * moments["square"].rsqrt()
        del gradient
        update /= (self._rms(update) / group["clip_threshold"]).clamp_(min=1.0)
        # from here on nothing takes memory
        lr, decay = group["lr"], group["weight_decay"]
        if self._stacked:
            states[0].update(moments)
            (parameter,) = parameters
            if decay:
                parameter.mul_(1 - lr * decay)
            parameter.add_(update, alpha=-lr)
        else:
            for name, moment in moments.items():
                torch._foreach_copy_([state[name] for state in states], moment.unbind())
            if decay:
                torch._foreach_add_(parameters, parameters, alpha=-decay * lr)
            torch._foreach_sub_(parameters, update.mul_(lr).unbind())
        torch._foreach_add_([state["step"] for state in states], 1)

    def _together(self, tensors: Sequence[Tensor | None]) -> Tensor:
        """Tensors of one shape as one; of stacked parameters the only one."""
        given = [tensor for tensor in tensors if tensor is not None]
        if self._stacked:
            return given[0]
        return given[0][None] if len(given) == 1 else torch.stack(given)

    def _mixed(self, moment: Tensor, square: Tensor, new: float) -> Tensor:
        """A moment that takes in a new square by a share."""
        if self._stacked:
            return moment.lerp(square, new)
        kept = 1.0 - new
        return (moment * kept).add_(square, alpha=1.0 - kept)

    def _rms(self, update: Tensor) -> Tensor:
        """Root mean square of the update of each parameter, of each replica's own if they are stacked."""
        if self._stacked:
            return update.square().mean(tuple(range(1, update.dim())), keepdim=True).sqrt_()
        norms = torch.stack(torch._foreach_norm(update.unbind()))
        return norms.div_(update[0].numel() ** 0.5).view(-1, *[1] * (update.dim() - 1))


def _of_one_shape(parameters: Sequence[Tensor], *, alone: bool) -> Iterator[list[Tensor]]:
    """Parameters that are updated together; each by itself if they are to be `alone`."""
    kinds: dict[tuple[Any, ...], list[Tensor]] = {}
    for number, parameter in enumerate(parameters):
        kinds.setdefault((number,) if alone else (parameter.shape, parameter.device), []).append(parameter)
    for own in kinds.values():
        most = max(1, TOGETHER.get(own[0].device.type, TOGETHER["cuda"]) // (own[0].numel() * own[0].element_size()))
        for low in range(0, len(own), most):
            yield own[low : low + most]


class FusedAdamW(torch.optim.AdamW):
    """AdamW that updates all parameters in one go and takes no memory beside its state.

    On a CPU, what is left over at the end of a tensor after whole vectors is rounded in another way than the rest; of
    stacked parameters that would be the last replica's. They are updated in copies that end with a whole vector.
    """

    def __init__(self, params: Iterable[dict[str, Any]], lr: float) -> None:
        self._copies: list[tuple[Tensor, Tensor]] = []
        groups = [{**group, "params": [self._whole(one) for one in group["params"]]} for group in params]
        super().__init__(groups, lr=lr, fused=True)

    def _whole(self, parameter: Tensor) -> Tensor:
        """The parameter, or a copy of it with zeros at its end."""
        if parameter.device.type != "cpu" or parameter.numel() % LANES == 0:
            return parameter
        copy = _filled(parameter).requires_grad_()
        self._copies.append((parameter, copy))
        return copy

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Take one step."""
        for parameter, copy in self._copies:
            if parameter.grad is not None:
                copy.copy_(_filled(parameter))
                copy.grad = _filled(parameter.grad)
        for group in self.param_groups:
            for parameter in group["params"]:  # what comes out of vmap may have strides that a fused step cannot take
                if parameter.grad is not None and parameter.grad.stride() != parameter.stride():
                    parameter.grad = parameter.grad.contiguous()
        super().step()
        for parameter, copy in self._copies:
            parameter.copy_(copy[: parameter.numel()].view_as(parameter))
            parameter.grad = copy.grad = None


def _filled(tensor: Tensor) -> Tensor:
    """A tensor's numbers one after the other, with zeros up to a whole vector."""
    return torch.nn.functional.pad(tensor.detach().flatten(), (0, -tensor.numel() % LANES))


def make_optimizer(
    parameters: Mapping[str, Tensor],
    embedding: str | None,
    train: TrainSpec,
    *,
    stacked: bool,
    fused: bool = False,
    sharded: Team | None = None,
) -> torch.optim.Optimizer:
    """Make the optimizer of `train`; only matrices decay.

    `embedding` names the input embedding, where there is one. `fused`: AdamW updates all in one go, as it always does
    on a GPU. `sharded`: the processes of which each has its part of every parameter.

    Each parameter group carries ``multiplier``, by which the schedule's learning rate is multiplied.

    Raises
    ------
    SaysoError
        If the embedding is to learn at a rate of its own and there is none among the parameters.
    """
    groups = _groups(parameters, embedding, train, matrix=3 if stacked else 2)
    if train.optimizer == "adafactor" and sharded is not None:
        return ShardedAdafactor(groups, lr=train.learning_rate, team=sharded)
    if train.optimizer == "adafactor":
        return Adafactor(groups, lr=train.learning_rate, stacked=stacked)
    if fused or any(tensor.is_cuda for tensor in parameters.values()):
        return FusedAdamW(groups, lr=train.learning_rate)
    return torch.optim.AdamW(groups, lr=train.learning_rate)


def _groups(
    parameters: Mapping[str, Tensor], embedding: str | None, train: TrainSpec, *, matrix: int
) -> list[dict[str, Any]]:
    """Parameter groups; a parameter of at least `matrix` dimensions decays."""
    if train.embedding_multiplier != 1 and embedding not in parameters:
        raise SaysoError(
            "embedding_multiplier needs an embedding that is trained; LoRA leaves it as it is, and a model that sees "
            "has none"
        )
    others = [tensor for name, tensor in parameters.items() if name != embedding]
    own = [tensor for name, tensor in parameters.items() if name == embedding]
    groups: list[dict[str, Any]] = [
        {"params": [one for one in others if one.dim() >= matrix], "weight_decay": train.weight_decay},
        {"params": [one for one in others if one.dim() < matrix], "weight_decay": 0.0},
        {"params": own, "weight_decay": train.weight_decay, "multiplier": train.embedding_multiplier},
    ]
    return [{"multiplier": 1.0, **group} for group in groups if group["params"]]


def allocate(optimizer: torch.optim.Optimizer) -> None:
    """Make an optimizer's whole state before its first step, so that no step fails for want of it."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if isinstance(optimizer, (Adafactor, ShardedAdafactor)):
                optimizer.allocate(parameter)
            elif not optimizer.state[parameter]:
                device = parameter.device if group.get("fused") else None
                optimizer.state[parameter].update(
                    step=torch.zeros((), device=device),
                    exp_avg=torch.zeros_like(parameter, requires_grad=False),
                    exp_avg_sq=torch.zeros_like(parameter, requires_grad=False),
                )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the schedule's learning rate, multiplied as each group asks."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["multiplier"]


def take_step(optimizer: torch.optim.Optimizer) -> None:
    """Take a step; where memory runs out, go on with the parameters that are left for as long as that helps.

    Raises
    ------
    torch.OutOfMemoryError
        If it does not. Some parameters may then have been updated and others not.
    """
    tries = left = 0
    while True:
        try:
            return optimizer.step()
        except torch.OutOfMemoryError:
            before, left = left, _waiting(optimizer)
            tries = tries + 1 if left == before else 1
            if tries == 2 or not isinstance(optimizer, Adafactor):
                raise
        release()


def _waiting(optimizer: torch.optim.Optimizer) -> int:
    """How many parameters still have a gradient."""
    return sum(one.grad is not None for group in optimizer.param_groups for one in group["params"])


@torch.no_grad()
def clip_gradients(parameters: Sequence[Tensor], most: float, *, stacked: bool) -> Tensor:
    """Scale each replica's gradient down to a norm of at most `most`; return the norms before, shape (replicas,)."""
    if not stacked:
        return torch.nn.utils.clip_grad_norm_(parameters, most, foreach=True)[None]
    gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
    squares = torch.zeros(len(gradients[0]), device=gradients[0].device)
    for gradient in gradients:  # one after the other: a sum over a stack adds in an order that depends on its width
        squares += gradient.flatten(1).square().sum(1)
    norms = squares.sqrt()
    scale = (most / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
    return norms
