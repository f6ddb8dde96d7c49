"""Norms of the gradients of documents and the norm of their sum, added up weight by weight as they are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.learner import Norms


class Tally:
    """What is known of each document's gradient, and one running sum of all of them: one buffer of all weights.

    `times`: how often each document's gradient is in the sum, shape (documents,). Sums over the numbers of one weight
    are torch's own (in pairs, so they lose nothing), all others in float64.
    """

    def __init__(self, parameters: Mapping[str, Tensor], times: Sequence[int]) -> None:
        device = next(iter(parameters.values())).device
        self._times = torch.as_tensor(times, dtype=torch.float64, device=device)
        self._l1, self._square, self._linf = (torch.zeros_like(self._times) for _ in range(3))
        self._sum = {
            name: torch.zeros(tensor.shape, dtype=torch.float64, device=device) for name, tensor in parameters.items()
        }
        self._seen = np.zeros(len(times), dtype=np.bool_)

    def missing(self, documents: Sequence[int]) -> list[int]:
        """Which of these documents have not been seen yet."""
        return [document for document in documents if not self._seen[document]]

    def seen(self, documents: Sequence[int]) -> None:
        """Say that all of these documents' gradients have been added."""
        self._seen[list(documents)] = True

    def add(self, documents: Sequence[int], name: str, gradients: Tensor) -> None:
        """Take in the gradients by one weight of some documents, shape (documents, ...)."""
        at = torch.as_tensor(documents, device=self._times.device)
        flat = gradients.flatten(1)
        size = flat.abs()
        self._l1[at] += size.sum(1)
        self._linf[at] = torch.maximum(self._linf[at], size.amax(1).double())
        self._square[at] += flat.square().sum(1)
        total = self._sum[name]
        for times, gradient in zip(self._times[at].tolist(), gradients, strict=True):
            total.add_(gradient.view_as(total), alpha=times)

    def norms(self, documents: Sequence[int]) -> Norms:
        """The norms of some documents' gradients, in their order."""
        found: list[NDArray[np.float64]] = [
            part.cpu().numpy()[list(documents)] for part in (self._l1, self._square.sqrt(), self._linf)
        ]
        return Norms(*found)

    def sum_squared(self) -> float:
        """The squared norm of the sum."""
        return float(sum(float(total.flatten() @ total.flatten()) for total in self._sum.values()))
