"""What is asked of gradients, and how the answer is put together whichever way they are had.

The gradients of some rows' documents are held, as many as there is room for; those of the columns that are wanted with
them pass by; then the next rows. Each document counts once, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, device

from sayso.core.examples import Example
from sayso.core.learner import GradientPairs, GradientProducts
from sayso.core.shares import Counter, OnShare, part_of, unheard
from sayso.learners.gradients.layers import layers_of
from sayso.learners.gradients.tally import Tally

#: Most numbers held at once, by kind of device: in float32 half a gigabyte, and eight.
HELD = {"cpu": 2**27, "cuda": 2**31}

Indices = NDArray[np.int64]
Held = TypeVar("Held")


def room(own: device, held: int | None) -> int:
    """Most numbers held at once on a device: as many as said, or `HELD`."""
    return HELD.get(own.type, HELD["cpu"]) if held is None else held


class Way(Protocol[Held]):
    """A way to gradients. Documents are named by position; `Held` is what it keeps of some documents' gradients.

    `parameters`: the weights that gradients are taken by. Whatever reads documents tells `tally` of those it has not
    seen.
    """

    name: str
    parameters: Mapping[str, Tensor]

    def chunks(self, documents: Sequence[int]) -> Iterator[list[int]]:
        """Cut documents into those whose gradients are held at the same time."""

    def hold(self, documents: Sequence[int], tally: Tally) -> Held:
        """Keep some documents' gradients."""

    def against(
        self, held: Held, columns: Sequence[int], layer: Mapping[str, int], tally: Tally
    ) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """Give products of what is held with other documents' gradients, some columns at a time.

        `layer` numbers the layer of each weight. The products are of shape (layers, held, columns).
        """

    def note(self, documents: Sequence[int], tally: Tally) -> None:
        """Read documents for the tally alone."""


@dataclass(frozen=True)
class Asked:
    """What is asked, with each document once.

    `documents`: all of them. `rows`, `columns`: which of them the rows and columns are, shapes (rows,) and (columns,).
    `wanted`: shape (rows, columns). `norms`: whether they are wanted, too.
    """

    documents: list[Example]
    rows: Indices
    columns: Indices
    wanted: NDArray[np.bool_]
    norms: bool

    @classmethod
    def of(cls, pairs: GradientPairs) -> Asked:
        """Find each document once."""
        number = {example: at for at, example in enumerate(dict.fromkeys([*pairs.rows, *pairs.columns]))}
        rows, columns = (
            np.array([number[example] for example in own], dtype=np.int64) for own in (pairs.rows, pairs.columns)
        )
        shape = (len(rows), len(columns))
        wanted = np.ones(shape, dtype=np.bool_) if pairs.wanted is None else np.asarray(pairs.wanted, dtype=np.bool_)
        if wanted.shape != shape:
            raise ValueError(f"wanted pairs must have the shape (rows, columns), {shape}, not {wanted.shape}")
        return cls(list(number), rows, columns, wanted, pairs.norms)

    def answered(self, way: Way[Any], *, by_layer: bool, on_share: OnShare = unheard) -> GradientProducts:
        """Have the gradients compared in some way."""
        return compared(
            way,
            len(self.documents),
            self.rows,
            self.columns,
            self.wanted,
            by_layer=by_layer,
            norms=self.norms,
            on_share=on_share,
        )


def each_of(
    pairs: Sequence[Sequence[GradientPairs]],
    products: Callable[[int, GradientPairs, OnShare], GradientProducts],
    on_share: OnShare,
) -> list[list[GradientProducts]]:
    """Compare what is asked of each replica, one after the other."""
    return [
        [
            products(replica, each, part_of(part_of(on_share, replica, len(pairs)), number, len(own)))
            for number, each in enumerate(own)
        ]
        for replica, own in enumerate(pairs)
    ]


def compared(
    way: Way[Any],
    every: int,
    rows: Indices,
    columns: Indices,
    wanted: NDArray[np.bool_],
    *,
    by_layer: bool,
    norms: bool = True,
    on_share: OnShare = unheard,
) -> GradientProducts:
    """Compare gradients of `every` documents in some way; see `Asked` for the rest."""
    layers = layers_of(way.parameters) if by_layer else dict.fromkeys(way.parameters, "")
    labels = list(dict.fromkeys(layers.values()))
    layer = {name: labels.index(label) for name, label in layers.items()}
    times = np.bincount([*rows, *columns], minlength=every).tolist()
    needed = np.zeros((every, every), dtype=np.bool_)
    np.logical_or.at(needed, (rows[:, None], columns[None]), wanted)
    (row_at, each_row), (column_at, each_column) = (_places(own, every) for own in (rows, columns))
    found = np.full((len(labels), len(each_row), len(each_column)), np.nan)
    chunks = list(way.chunks([row for row in each_row if needed[row].any()]))
    passing = [[column for column in each_column if needed[chunk, column].any()] for chunk in chunks]
    done = Counter(sum(map(len, chunks + passing)) + (every if norms else 0), on_share)
    tally = Tally(way.parameters, times, counting=norms, on_seen=done.add)
    for chunk, own in zip(chunks, passing, strict=True):
        held = way.hold(chunk, tally)
        done.add(len(chunk))
        for part, products in way.against(held, own, layer, tally):
            found[:, row_at[chunk][:, None], column_at[part][None]] = products
            done.add(len(part))
    way.note(tally.missing(range(every)), tally)
    products = found[:, row_at[rows][:, None], column_at[columns][None]]
    products[:, ~wanted] = np.nan
    return GradientProducts(
        products.sum(0),
        tally.norms(rows.tolist()),
        tally.norms(columns.tolist()),
        tally.sum_squared(),
        dict(zip(labels, products, strict=True)) if by_layer else {},
        way.name,
    )


def _places(own: Indices, every: int) -> tuple[Indices, list[int]]:
    """Each document once, in order, and where among these each of all documents is."""
    once = list(dict.fromkeys(own.tolist()))
    place = np.zeros(every, dtype=np.int64)
    place[once] = np.arange(len(once))
    return place, once
