"""What models read and write, as tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from sayso.learners.stacked.batching import Batch


class Tokens(NamedTuple):
    """Token ids of rows, and what is read apart from them; shapes (..., rows, length), each with a length of its own.

    See `sayso.learners.stacked.batching.Batch`, of which these are the arrays.
    """

    ids: Tensor
    context: Tensor

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Tokens:
        """The token ids of a batch."""
        return cls(torch.as_tensor(batch.ids, device=device), torch.as_tensor(batch.context, device=device))

    def at(self, *index: Any) -> Tokens:
        """Some of the rows."""
        return Tokens(self.ids[index], self.context[index])

    def written(self, end: int | None) -> Tokens:
        """The same rows with ids up to a position, all of the context."""
        return Tokens(self.ids[..., :end], self.context)

    def above(self, other: Tokens) -> Tokens:
        """Each replica's rows, and below them its rows of `other`."""
        return Tokens(join(self.ids, other.ids), join(self.context, other.context))


def join(one: Tensor, other: Tensor) -> Tensor:
    """Put rows below rows, padding the narrower with zeros (pad tokens, uncounted) on the right."""
    width = max(one.shape[2], other.shape[2])
    padded = [torch.nn.functional.pad(part, (0, width - part.shape[2])) for part in (one, other)]
    return torch.cat(padded, dim=1)
