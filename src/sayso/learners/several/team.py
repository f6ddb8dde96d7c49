"""The processes that train one model together, as one of them sees the others.

A process alone is a team of one, for which everything here costs nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

T = TypeVar("T")

#: Gradients of fewer numbers than this are put together to be added up; larger ones are added up where they are.
SMALL = 1 << 20
#: One process may work alone for as long as it takes; the end of a process is noticed otherwise.
WAIT = timedelta(days=30)


class Team:
    """A process's place among those of the process group, of which there is one; see above.

    `rank` counts from 0, of `size`; `device` is the process's own. Small things go between processors, tensors of
    parameters between devices.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size, self.device = rank, size, device
        self._between_processors: Any = dist.new_group(backend="gloo", timeout=WAIT) if size > 1 else None

    def own(self, costs: Sequence[int]) -> list[int]:
        """Which pieces of work are this process's, so that costs are about equal; all processes agree on it."""
        if self.size == 1:
            return list(range(len(costs)))
        return shares(costs, self.size)[self.rank]

    def divided(
        self, costs: Sequence[int], work: Callable[[Sequence[int]], tuple[NDArray[Any], ...]]
    ) -> tuple[NDArray[Any], ...]:
        """Let every process do its own pieces of some work, and give all results to all, in order of the pieces."""
        own = self.own(costs)
        found = work(own)
        if self.size == 1:
            return found
        whole = tuple(np.empty(len(costs), dtype=each.dtype) for each in found)
        for rows, parts in self.gathered((own, found)):
            for there, part in zip(whole, parts, strict=True):
                there[rows] = part
        return whole

    def gathered(self, own: T) -> list[T]:
        """What each process has, in order of their ranks."""
        if self.size == 1:
            return [own]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, own, group=self._between_processors)
        return found

    def told(self, what: T) -> T:
        """What the first process says, to all; others wait for it."""
        said = [what]
        if self.size > 1:
            dist.broadcast_object_list(said, src=0, group=self._between_processors, device=torch.device("cpu"))
        return said[0]

    def total(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of all processes' numbers."""
        if self.size == 1:
            return numbers
        sums = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(sums, group=self._between_processors)
        return sums.numpy()

    def most(self, number: int) -> int:
        """The largest of all processes' numbers."""
        return max(self.gathered(number))

    def sum_(self, tensor: Tensor) -> Tensor:
        """Put the sum over all processes into a tensor on the device."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    @torch.no_grad()
    def add_up(self, parameters: Sequence[Tensor]) -> None:
        """Put the sum of all processes' gradients in place of each one's own; what no process uses has none."""
        if self.size == 1:
            return
        used = self.total(np.array([parameter.grad is not None for parameter in parameters], dtype=np.float64))
        small: list[Tensor] = []
        waiting = []
        for parameter, count in zip(parameters, used, strict=True):
            if not count:
                continue
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if parameter.grad.numel() < SMALL or not parameter.grad.is_contiguous():
                small.append(parameter.grad)
            else:
                waiting.append(dist.all_reduce(parameter.grad, async_op=True))
        if small:
            flat = torch.cat([gradient.flatten() for gradient in small])
            dist.all_reduce(flat)
            for gradient, part in zip(small, torch.split(flat, [one.numel() for one in small]), strict=True):
                gradient.copy_(part.view_as(gradient))
        for work in waiting:
            work.wait()


def shares(costs: Sequence[int], count: int) -> list[list[int]]:
    """Deal pieces of work to so many, the costliest first and each to who has least; parts are in order of the pieces.

    No part costs more than another by more than one piece.
    """
    parts: list[list[int]] = [[] for _ in range(count)]
    loads = [(0, 0, rank) for rank in range(count)]
    for piece in sorted(range(len(costs)), key=lambda piece: (-costs[piece], piece)):
        load, pieces, rank = heapq.heappop(loads)
        parts[rank].append(piece)
        heapq.heappush(loads, (load + costs[piece], pieces + 1, rank))
    return [sorted(part) for part in parts]


#: A process by itself.
ALONE = Team()
