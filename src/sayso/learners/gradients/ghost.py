"""Inner products of gradients without a gradient of a document: from what goes into layers and what comes back.

One forward and one backward pass give the factors (`factors`) of every weight's gradient, a few numbers a token and
layer. Documents of one length are read together, in one pass, where each layer's tokens are seen to be theirs; else
one by one. For norms other than the second a document's gradient by one weight at a time is made of them and dropped.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.learners.gradients.factors import Picked, Use, inner, whole
from sayso.learners.gradients.tally import Tally
from sayso.learners.gradients.uses import Listeners

#: Most tokens of a pass, by kind of device.
TOKENS = {"cpu": 512, "cuda": 8192}


@dataclass(frozen=True)
class Texts:
    """Documents to be read. `losses` makes the sum of the mean losses of some of one kind, by position.

    `kinds`: of each document; those of one kind have the same shape and may be read together. `tokens`: how many each
    has.
    """

    losses: Callable[[Sequence[int]], Tensor]
    kinds: Sequence[Hashable]
    tokens: Sequence[int]


#: Documents that were read together, and the factors of each weight.
Passed = tuple[list[int], dict[str, list[Use]]]


class Ghost:
    """A way to gradients (`sayso.learners.gradients.pairs.Way`) that keeps factors of them.

    `held`: most numbers of factors kept at once; there is always room for those of one pass. `most`: most documents at
    once; None for no limit. `company`: whether documents of one kind may be read together.
    """

    name = "ghost"

    def __init__(
        self,
        texts: Texts,
        listeners: Listeners,
        parameters: Mapping[str, Tensor],
        held: int,
        most: int | None = None,
        *,
        company: bool,
    ) -> None:
        self.parameters = parameters
        self._texts, self._listeners, self._company, self._most = texts, listeners, company, most
        device = next(iter(parameters.values())).device
        self._held = max(1, held // max(1, listeners.per_token))  # in tokens
        self._pass = min(TOKENS.get(device.type, 8192), max(1, self._held // 4))

    def chunks(self, documents: Sequence[int]) -> Iterator[list[int]]:
        """As many as there is room for, those of one kind beside each other; see `Way.chunks`."""
        chunk: list[int] = []
        room = self._held
        for part in self._passes(documents):
            tokens = sum(self._texts.tokens[document] for document in part)
            full = self._most is not None and len(chunk) + len(part) > self._most
            if chunk and (tokens > room or full):
                yield chunk
                chunk, room = [], self._held
            chunk, room = chunk + part, room - tokens
        if chunk:
            yield chunk

    def hold(self, documents: Sequence[int], tally: Tally) -> list[Passed]:
        """Factors, pass by pass; see `Way.hold`."""
        return list(self._read(documents, tally))

    def against(
        self, held: Sequence[Passed], columns: Sequence[int], layer: Mapping[str, int], tally: Tally
    ) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """Products with a pass at a time; see `Way.against`."""
        ends = list(itertools.accumulate(len(part) for part, _ in held))
        for part, uses in self._read(columns, tally):
            products = np.zeros((1 + max(layer.values()), ends[-1], len(part)))
            for (rows, own), end in zip(held, ends, strict=True):
                place = slice(end - len(rows), end)
                by_layer: dict[int, list[Tensor]] = defaultdict(list)
                for name in own.keys() & uses.keys():
                    by_layer[layer[name]].append(inner(own[name], uses[name], self.parameters[name].shape))
                for at, found in by_layer.items():
                    products[at, place] = torch.stack(found).sum(0).cpu().numpy()
            yield part, products

    def note(self, documents: Sequence[int], tally: Tally) -> None:
        """See `Way.note`."""
        for _ in self._read(documents, tally):
            pass

    def _passes(self, documents: Sequence[int]) -> Iterator[list[int]]:
        """Which documents are read together."""
        kinds: dict[Hashable, list[int]] = defaultdict(list)
        for document in documents:
            kinds[self._texts.kinds[document]].append(document)
        for own in kinds.values():
            rows = max(1, self._pass // self._texts.tokens[own[0]]) if self._company else 1
            rows = rows if self._most is None else min(rows, self._most)
            for low in range(0, len(own), rows):
                yield own[low : low + rows]

    def _read(self, documents: Sequence[int], tally: Tally) -> Iterator[Passed]:
        """Read documents pass by pass; whole gradients of new ones, a weight at a time, go to the tally."""
        for part in self._passes(documents):
            uses = factors_of(self._texts, self._listeners, part)
            if tally.missing(part):
                _tell(tally, part, uses, self.parameters)
            yield part, uses


def _tell(tally: Tally, part: Sequence[int], uses: Mapping[str, Sequence[Use]], sizes: Mapping[str, Tensor]) -> None:
    """Make whole gradients of what was read, a weight at a time; of an embedding only the rows that were looked up."""
    for name, own in uses.items():
        if len(own) == 1 and isinstance(own[0], Picked):
            for document, ids, right in zip(part, own[0].ids, own[0].right, strict=True):
                rows, place = ids.unique(return_inverse=True)
                tally.add_rows(
                    document, name, rows, right.new_zeros(len(rows), right.shape[1]).index_add_(0, place, right)
                )
        else:
            for places, gradients in whole(own, sizes[name].shape):
                tally.add([part[place] for place in places], name, gradients)
    tally.seen(part)


def factors_of(texts: Texts, listeners: Listeners, documents: Sequence[int]) -> dict[str, list[Use]]:
    """Factors of the gradients of documents of one kind, read in one pass; weights and ``.grad`` stay as they are."""
    with torch.enable_grad(), listeners.noting() as calls:
        loss = texts.losses(documents)
    gradients = torch.autograd.grad(loss, [call.edge for call in calls], allow_unused=True)
    return listeners.uses(calls, gradients, len(documents))
