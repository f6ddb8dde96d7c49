"""Documents of several replicas as padded arrays, and as the tensors that models read and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.learners.device import carried
from sayso.learners.encoding import Document


@dataclass(frozen=True)
class Batch:
    """Documents (`sayso.learners.encoding.Document`) of replicas, the first dimension of every array.

    `ids`, `context`: shape (replicas, documents, length), padded on the right, each with a length of its own. `start`,
    `size`, `read`: where completions begin in `ids`, how many ids there are, and how many of the context, shape
    (replicas, documents). `counted`: which positions' next token counts in the loss, shape (replicas, documents,
    length - 1). Replicas with fewer documents have some of size 0 at the end.
    """

    ids: NDArray[np.int64]
    context: NDArray[np.int64]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    read: NDArray[np.int64]
    counted: NDArray[np.bool_]


def stack(documents: Sequence[Sequence[Document]], pad: int) -> Batch:
    """Put the documents of each replica into arrays."""
    shape = (len(documents), max(len(own) for own in documents))
    start, size, read, first = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    for replica, own in enumerate(documents):
        for row, item in enumerate(own):
            start[replica, row], first[replica, row] = item.start, item.first
            size[replica, row], read[replica, row] = len(item.ids), len(item.context)
    ids = np.full((*shape, int(size.max(initial=1))), pad, dtype=np.int64)
    context = np.full((*shape, int(read.max(initial=0))), pad, dtype=np.int64)
    for replica, own in enumerate(documents):
        for row, item in enumerate(own):
            ids[replica, row, : len(item.ids)] = item.ids
            context[replica, row, : len(item.context)] = item.context
    target = np.arange(1, ids.shape[-1])
    counted = (target >= first[..., None]) & (target < size[..., None])
    return Batch(ids, context, start, size, read, counted)


def buckets(batch: Batch, most_rows: int) -> Iterator[tuple[int, int, int, NDArray[np.int64]]]:
    """Rows of one shape together, at most so many, so that no token is computed that no score needs.

    Yields the context's, the prompt's and the document's length, and the rows, shape (replicas, rows), filled up with
    -1 for replicas with fewer rows of that shape.
    """
    shapes = np.stack([batch.read, batch.start, batch.size], axis=-1)
    for read, prompt, size in np.unique(shapes.reshape(-1, 3), axis=0).tolist():
        if size == 0:
            continue
        own = [np.flatnonzero((shape == (read, prompt, size)).all(-1)) for shape in shapes]
        most = max(len(rows) for rows in own)
        rows = np.stack([np.pad(rows, (0, most - len(rows)), constant_values=-1) for rows in own])
        for low in range(0, most, most_rows):
            yield read, prompt, size, rows[:, low : low + most_rows]


class Tokens(NamedTuple):
    """Token ids of rows, and what is read apart from them: the arrays of a `Batch`; shapes (..., rows, length)."""

    ids: Tensor
    context: Tensor

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Tokens:
        """The token ids of a batch."""
        return cls(carried(batch.ids, device), carried(batch.context, device))

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
