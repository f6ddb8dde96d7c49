"""Norms of the gradients of documents and the norm of their sum, added up weight by weight as they are seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.learner import Norms
from sayso.learners.device import wide, widest

#: Numbers that are gone over several times in a row, by kind of device: what stays in a CPU's cache.
_PARTS = {"cpu": 2**16, "cuda": 2**26}


class Tally:
    """What is known of each document's gradient, and one running sum of all of them: one buffer of all weights.

    `times`: how often each document's gradient is in the sum, shape (documents,). Sums over a part of one weight's
    numbers are torch's own (in pairs, so they lose nothing), all others in float64 (on Apple's GPUs, which have
    none, in float32). `counting`: else nothing is added
    up, every document is taken as seen, and what is known of it is NaN. `on_seen`: hears how many more have been seen.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        times: Sequence[int],
        *,
        counting: bool = True,
        on_seen: Callable[[int], None] = lambda _more: None,
    ) -> None:
        device = next(iter(parameters.values())).device
        self._times = torch.as_tensor(times, dtype=widest(device), device=device)
        start = 0.0 if counting else torch.nan
        self._l1, self._square, self._linf = (torch.full_like(self._times, start) for _ in range(3))
        self._sum = {
            name: torch.zeros(tensor.shape, dtype=widest(device), device=device)
            for name, tensor in parameters.items()
            if counting
        }
        self._part = _PARTS.get(device.type, 2**26)
        self._seen = np.full(len(times), not counting)
        self._counting, self._on_seen = counting, on_seen

    def missing(self, documents: Sequence[int]) -> list[int]:
        """Which of these documents have not been seen yet."""
        return [document for document in documents if not self._seen[document]]

    def seen(self, documents: Sequence[int]) -> None:
        """Say that all of these documents' gradients have been added."""
        new = len(self.missing(documents))
        self._seen[list(documents)] = True
        self._on_seen(new)

    def add(self, documents: Sequence[int], name: str, gradients: Tensor) -> None:
        """Take in the gradients by one weight of some documents, shape (documents, ...), but of those seen before."""
        new = [place for place, document in enumerate(documents) if not self._seen[document]]
        if not new:
            return
        if len(new) < len(documents):
            documents, gradients = [documents[place] for place in new], gradients[new]
        at = torch.as_tensor(documents, device=self._times.device)
        flat, total, times = gradients.flatten(1), self._sum[name].view(-1), self._times[at]
        step = max(1, self._part // len(documents))
        for low in range(0, flat.shape[1], step):
            part = flat[:, low : low + step]
            total[low : low + step] += times @ wide(part)
            size = part.abs()
            self._l1[at] += size.sum(1)
            self._linf[at] = torch.maximum(self._linf[at], wide(size.amax(1)))
            self._square[at] += size.square_().sum(1)

    def add_rows(self, document: int, name: str, rows: Tensor, gradients: Tensor) -> None:
        """Take in the gradient of one document by a matrix of which it touches these rows only, each named once."""
        if not self._seen[document]:
            self._sum[name].index_add_(0, rows, self._times[document] * wide(gradients))
            size = gradients.abs()
            self._l1[document] += size.sum()
            self._linf[document] = torch.maximum(self._linf[document], wide(size.amax()))
            self._square[document] += size.square_().sum()

    def norms(self, documents: Sequence[int]) -> Norms:
        """The norms of some documents' gradients, in their order."""
        found: list[NDArray[np.float64]] = [
            part.cpu().numpy()[list(documents)] for part in (self._l1, self._square.sqrt(), self._linf)
        ]
        return Norms(*found)

    def sum_squared(self) -> float:
        """The squared norm of the sum."""
        if not self._counting:
            return float("nan")
        return float(sum(float(total.flatten() @ total.flatten()) for total in self._sum.values()))
