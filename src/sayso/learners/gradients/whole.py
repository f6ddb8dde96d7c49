"""Whole gradients, held for as many documents as there is room for.

Of the columns' gradients a few are held beside those of the rows, so that a product of matrices takes the place of many
of vectors. Where there is room for one gradient only, that of a column is never whole: each weight's part of it is
multiplied and dropped as it appears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.learners.device import wide, widest
from sayso.learners.gradients.tally import Tally

#: Takes the gradients by one weight of some documents, which are named by place in what was asked for:
#: (places, name of the weight, gradients of shape (documents, ...)).
Take: TypeAlias = Callable[[Sequence[int], str, Tensor], None]
#: Reads documents and hands on their gradients, weight by weight.
Read: TypeAlias = Callable[[Sequence[int], Take], None]

#: Most columns held beside the rows.
_BESIDE = 16
#: Numbers that are multiplied and summed in float32; these sums are added in float64.
_SUMMED = 2**12


class WholeGradients:
    """A way to gradients (`sayso.learners.gradients.pairs.Way`) that keeps them as they are.

    `held`: most numbers of gradients at once; room for one gradient is always made. `most`: most documents at once;
    None for no limit.
    """

    def __init__(
        self, name: str, read: Read, parameters: Mapping[str, Tensor], held: int, most: int | None = None
    ) -> None:
        self.name, self.parameters, self._read = name, parameters, read
        room = max(1, held // sum(tensor.numel() for tensor in parameters.values()))
        room = room if most is None else min(room, most)
        self._beside = min(_BESIDE, room // 4)
        self._rows = room - self._beside

    def chunks(self, documents: Sequence[int]) -> Iterator[list[int]]:
        """As many as there is room for; see `Way.chunks`."""
        for low in range(0, len(documents), self._rows):
            yield list(documents[low : low + self._rows])

    def hold(self, documents: Sequence[int], tally: Tally) -> dict[str, Tensor]:
        """Gradients by each weight, shape (documents, numbers); see `Way.hold`."""
        held = {
            name: torch.zeros((len(documents), tensor.numel()), dtype=tensor.dtype, device=tensor.device)
            for name, tensor in self.parameters.items()
        }

        def keep(places: Sequence[int], name: str, gradients: Tensor) -> None:
            for place, gradient in zip(places, gradients, strict=True):
                held[name][place].copy_(gradient.flatten())

        self._read(documents, keep)
        for name, gradients in held.items():
            tally.add(documents, name, gradients)
        tally.seen(documents)
        return held

    def against(
        self, held: Mapping[str, Tensor], columns: Sequence[int], layer: Mapping[str, int], tally: Tally
    ) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """Products with a few columns at a time; see `Way.against`."""
        first = next(iter(held.values()))
        for low in range(0, len(columns), max(1, self._beside)):
            part = list(columns[low : low + max(1, self._beside)])
            shape = (1 + max(layer.values()), len(first), len(part))
            products = torch.zeros(shape, dtype=widest(first.device), device=first.device)

            def contract(places: Sequence[int], name: str, gradients: Tensor, products: Tensor = products) -> None:
                products[layer[name], :, list(places)] += inner(held[name], gradients.flatten(1))

            if self._beside:
                for name, gradients in self.hold(part, tally).items():
                    contract(range(len(part)), name, gradients)
            else:
                self._passing(part, contract, tally)
            yield part, products.cpu().numpy()

    def note(self, documents: Sequence[int], tally: Tally) -> None:
        """See `Way.note`."""
        step = max(1, self._beside)
        for low in range(0, len(documents), step):
            self._passing(documents[low : low + step], None, tally)

    def _passing(self, documents: Sequence[int], take: Take | None, tally: Tally) -> None:
        """Read documents; each gradient goes to the tally, and to `take`."""

        def passes(places: Sequence[int], name: str, gradients: Tensor) -> None:
            tally.add([documents[place] for place in places], name, gradients)
            if take is not None:
                take(places, name, gradients)

        self._read(documents, passes)
        tally.seen(documents)


def inner(one: Tensor, other: Tensor) -> Tensor:
    """Inner products of rows with rows, shapes (n, numbers) and (m, numbers) -> (n, m), in float64."""
    parts = one.shape[1] // _SUMMED
    even = parts * _SUMMED
    left, right = (own[:, :even].view(len(own), parts, _SUMMED) for own in (one, other))
    total = torch.bmm(left.transpose(0, 1), right.permute(1, 2, 0)).sum(0, dtype=widest(one.device))
    return total + wide(one[:, even:]) @ wide(other[:, even:]).T
