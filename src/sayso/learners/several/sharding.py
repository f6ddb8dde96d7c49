"""Every process has its part of every weight (FSDP2), and all of a block's weights only while the block computes.

Weights, gradients and the optimizer's state are cut along their first dimension. While nothing is trained, all weights
can be had whole in every process, which then reads by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard

from sayso.core.errors import SaysoError


def shard(model: nn.Module, body: nn.Module, size: int, device: torch.device, name: str) -> None:
    """Leave each process its part of a model's parameters; `body` is what reads, and holds all of them.

    Raises
    ------
    SaysoError
        If some are elsewhere, or cannot be cut.
    """
    holders = {id(one): (part, key) for part in body.modules() for key, one in _own_parameters(part)}
    before = [(part, key, one) for part in model.modules() for key, one in _own_parameters(part)]
    if any(id(one) not in holders for _, _, one in before):
        raise SaysoError(f"model {name}: some weights are not where it is read, so it cannot be sharded")
    mesh = init_device_mesh(device.type, (size,))
    try:
        for block in blocks(body):
            fully_shard(block, mesh=mesh, reshard_after_forward=True)
        fully_shard(body, mesh=mesh, reshard_after_forward=False)
    except (ValueError, NotImplementedError) as error:
        raise SaysoError(f"model {name}: it cannot be sharded ({' '.join(str(error).split())})") from error
    for part, key, one in before:  # parts that do not read may have the same weights by another name
        holder, there = holders[id(one)]
        part.register_parameter(key, getattr(holder, there))


def _own_parameters(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """What a module holds itself."""
    return list(module.named_parameters(recurse=False, remove_duplicate=False))


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The members of a model's outermost lists of modules: its layers, which are called one after the other."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from (member for member in child if any(True for _ in member.parameters()))
        else:
            yield from blocks(child)


@contextlib.contextmanager
def whole_weights(body: nn.Module) -> Iterator[None]:
    """Let every process have all weights of a sharded model, to read it by itself; nothing is trained meanwhile."""
    parts = [module for module in body.modules() if isinstance(module, FSDPModule)]
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(part is not body, recurse=False)


def local(tensor: Tensor) -> Tensor:
    """The process's own part of a tensor, sharing its memory; a tensor that is not sharded as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def own_rows(tensor: DTensor) -> slice:
    """Which rows of a sharded tensor are this process's."""
    mesh = tensor.device_mesh
    each = -(-tensor.shape[0] // mesh.size())
    first = min(mesh.get_local_rank() * each, tensor.shape[0])
    return slice(first, min(first + each, tensor.shape[0]))


@torch.no_grad()
def put(tensor: Tensor, whole: Tensor) -> None:
    """Copy all of a tensor's numbers into it, or this process's part of them."""
    local(tensor).copy_(whole[own_rows(tensor)] if isinstance(tensor, DTensor) else whole)


def sharded_as(whole: Tensor, like: DTensor) -> DTensor:
    """A tensor of which each process keeps its rows, cut over the processes that `like` is cut over."""
    empty = zeros(tuple(whole.shape), whole.dtype, like)
    put(empty, whole)
    return empty


def zeros(shape: tuple[int, ...], dtype: torch.dtype, like: DTensor) -> DTensor:
    """Zeros of which each process keeps its rows."""
    made: Any = torch.distributed.tensor.zeros(shape, dtype=dtype, device_mesh=like.device_mesh, placements=[Shard(0)])
    return made  # type: ignore[no-any-return]


def gathered(model: nn.Module, *, keep: bool) -> dict[str, Tensor]:
    """All that a sharded model's `state_dict` has, whole and in the processor's memory.

    All processes do it at once; those that do not `keep` it get nothing.
    """
    whole: dict[int, Tensor] = {}
    found: dict[str, Tensor] = {}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for name, value in model.state_dict().items():
        own = parameters.get(name, value)
        if id(own) not in whole:  # what is tied is one tensor here, too
            full = own.full_tensor() if isinstance(own, DTensor) else own
            whole[id(own)] = full.detach().cpu() if keep else torch.empty(0)
        found[name] = whole[id(own)]
    return found if keep else {}
