r"""Many documents as one row of tokens, in which what several begin with stands once.

The row is a tree, a token for each distinct beginning. A document is a path through it, and attends to nothing else.

    documents    Q : who ?      Q : when ?      is A B
    row          Q : who ? when ? is A B
    positions    0 1 2   3 2    3 0  1 2
    paths        0 1 2 3        0 1 4 5         6 7 8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.learners.encoding import Document, Ids

Indices = NDArray[np.int64]
#: Documents of all lengths are attended to side by side up to so many times as many places as there are tokens.
_PADDING = 1.5


@dataclass(frozen=True)
class Block:
    """Documents whose places are laid out side by side, padded on the right up to `width`.

    `real`: how many of each one's tokens may be attended to, where that is not all of them; shape (documents,).
    """

    documents: int
    width: int
    real: Indices | None = None


@dataclass(frozen=True)
class Packed:
    """A row of tokens and where documents are in it.

    `ids`, `positions`: of each token of the row, shape (tokens,). `lengths`: of the documents' paths. `paths`: which
    tokens of the row they are, shape (documents, longest), -1 beyond their ends. `blocks`: how documents are attended
    to, `order` naming them block by block. `first`: the place (`places`) that is the first to hold each token.
    """

    ids: Ids
    positions: Indices
    lengths: Indices
    paths: Indices
    order: Indices
    blocks: tuple[Block, ...]
    first: Indices

    @property
    def shared(self) -> bool:
        """Whether a token of the row is on several paths."""
        return int(self.lengths.sum()) > len(self.ids)

    def places(self) -> Indices:
        """The token at each place of the blocks, one after the other; the row's first where there is padding."""
        return np.maximum(self._laid_out(), 0)

    def without_padding(self) -> tuple[Indices, Indices]:
        """What `places` and `first` are where places are left out that are padding."""
        laid_out = self._laid_out()
        real = laid_out >= 0
        return laid_out[real], (np.cumsum(real) - 1)[self.first]

    def _laid_out(self) -> Indices:
        cuts = np.cumsum([block.documents for block in self.blocks])[:-1]
        rows = zip(np.split(self.order, cuts), self.blocks, strict=True)
        return np.concatenate([self.paths[own, : block.width].ravel() for own, block in rows])


def pack(documents: Sequence[Document], most_shared: int, *, tile: int = 1, pad: int = 0) -> Packed:
    """Put what is read of documents, all but their last tokens, into a row.

    Of documents that begin alike at most `most_shared` tokens stand once. The row is filled up to whole tiles of so
    many tokens: with documents of `pad` alone, which come after the others.
    """
    lengths = np.array([len(item.ids) - 1 for item in documents])
    real = np.minimum([item.real for item in documents], lengths)
    ids = _matrix([item.ids[:-1] for item in documents])
    order = in_order(ids)
    ids, ordered = ids[order], lengths[order]
    at = np.arange(ids.shape[1])
    new = (at >= np.minimum(_alike(ids, np.minimum(ordered, real[order])), most_shared)[:, None]) & (ids >= 0)
    number = np.full(ids.shape, -1)
    number[new] = np.arange(new.sum())
    latest = np.maximum.accumulate(np.where(new | (ids < 0), np.arange(len(ids))[:, None], 0), axis=0)
    back = np.argsort(order)
    paths = np.where(ids >= 0, number[latest, at], -1)[back]
    fresh = np.where(new, number, -1)[back]
    tokens, positions = ids[new], np.nonzero(new)[1]
    if filling := -len(tokens) % tile:
        cells = np.arange(-(-filling // len(at)) * len(at)).reshape(-1, len(at))
        more = np.where(cells < filling, len(tokens) + cells, -1)
        tokens = np.append(tokens, np.full(filling, pad))
        positions = np.append(positions, cells.ravel()[:filling] % len(at))
        paths, fresh = np.concatenate([paths, more]), np.concatenate([fresh, more])
        lengths, real = (np.append(each, (more >= 0).sum(1)) for each in (lengths, real))
    blocks, by_block = _blocks(lengths, real)
    return Packed(tokens, positions, lengths, paths, by_block, blocks, _first(fresh, by_block, blocks))


def tokens_needed(documents: Sequence[Document], most_shared: int) -> tuple[Indices, Indices]:
    """Documents in the order in which they share most, and how many tokens each adds to a row after the one before."""
    lengths = np.array([len(item.ids) - 1 for item in documents])
    ids = _matrix([item.ids[:-1] for item in documents])
    order = in_order(ids)
    return order, lengths[order] - np.minimum(_alike(ids[order], lengths[order]), most_shared)


def in_order(ids: Ids) -> Indices:
    """Rows in the order of their first tokens, then their second, and so on."""
    found: Indices = np.lexsort(ids.T[::-1])
    return found


def _matrix(rows: Sequence[Ids]) -> Ids:
    ids = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int64)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = row
    return ids


def _alike(ids: Ids, most: Indices) -> Indices:
    """With how many tokens each row begins as the one before; no more than `most` of either."""
    same = (ids[1:] == ids[:-1]).cumprod(1).sum(1)
    return np.append(0, np.minimum(same, np.minimum(most[1:], most[:-1])))


def _blocks(lengths: Indices, real: Indices) -> tuple[tuple[Block, ...], Indices]:
    """Documents side by side: all of them, or where that would be mostly padding, those of about one length."""
    kinds = np.zeros(len(lengths), dtype=np.int64)
    if len(lengths) * lengths.max() > _PADDING * lengths.sum():
        kinds = np.ceil(np.log2(np.maximum(lengths, 8))).astype(np.int64)
    order = np.argsort(kinds, kind="stable")
    blocks = []
    for kind in np.unique(kinds):
        rows = order[kinds[order] == kind]
        whole = bool((real[rows] == lengths[rows]).all())
        blocks.append(Block(len(rows), int(lengths[rows].max()), None if whole else real[rows]))
    return tuple(blocks), order


def _first(new: Indices, order: Indices, blocks: Sequence[Block]) -> Indices:
    """Which place holds each token first; `new`: tokens' numbers at the places of documents, -1 where not new."""
    first = np.zeros(int(new.max()) + 1, dtype=np.int64)
    begin = base = 0
    for block in blocks:
        numbers = new[order[begin : begin + block.documents], : block.width].ravel()
        held = np.nonzero(numbers >= 0)[0]
        first[numbers[held]] = base + held
        begin, base = begin + block.documents, base + numbers.size
    return first
