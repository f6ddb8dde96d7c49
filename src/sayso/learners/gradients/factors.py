"""Gradients by a weight as factors, and their inner products without the gradients.

Where a layer multiplies by a matrix, a document's gradient by it is a sum over tokens of outer products, of what goes
in with the gradient of what comes out. The inner product of two such gradients needs neither of them:

    <sum_t l_t r_t', sum_s m_s q_s'>  =  sum_ts (l_t . m_s) (r_t . q_s)

An embedding's l_t is the token's unit vector, so l_t . m_s is 1 where two tokens are the same, and one number of m_s
where an output layer has the same weights. `left` goes with a weight's first dimension, `right` with its second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from sayso.learners.device import wide, widest

#: Most numbers of one product of tokens with tokens, and of whole gradients by one weight.
BLOCK = 2**24


@dataclass(frozen=True)
class Outer:
    """Factors of documents of as many tokens each: shapes (documents, tokens, d0) and (documents, tokens, d1)."""

    left: Tensor
    right: Tensor


@dataclass(frozen=True)
class Picked:
    """The same with unit vectors on the left; `ids`, shape (documents, tokens), says which."""

    ids: Tensor
    right: Tensor


@dataclass(frozen=True)
class Direct:
    """Gradients by a small weight as they are, shape (documents, numbers)."""

    gradient: Tensor


#: One use of a weight in a forward pass. All its uses together make its gradient.
Use: TypeAlias = Outer | Picked | Direct


def joined(uses: Sequence[Use], size: torch.Size) -> list[Use]:
    """All uses of a weight of this size, those of one kind as one: the factors of two uses are tokens more.

    Gradients that are there as they are take in what is beside them, and factors that are no fewer numbers than a
    gradient are multiplied out.
    """
    outer = [use for use in uses if isinstance(use, Outer)]
    picked = [use for use in uses if isinstance(use, Picked)]
    result: list[Use] = []
    if outer:
        result.append(Outer(torch.cat([use.left for use in outer], 1), torch.cat([use.right for use in outer], 1)))
    if picked:
        result.append(Picked(torch.cat([use.ids for use in picked], 1), torch.cat([use.right for use in picked], 1)))
    tokens = sum(use.right.shape[1] for use in result if not isinstance(use, Direct))
    if len(outer) + len(picked) == len(uses) and tokens * sum(size) < size.numel():
        return result
    return [_direct([*result, *(use for use in uses if isinstance(use, Direct))], size)]


def _direct(uses: Sequence[Use], size: torch.Size) -> Direct:
    """The gradients themselves."""
    return Direct(torch.cat([gradient.flatten(1) for _, gradient in whole(uses, size)]))


def inner(one: Sequence[Use], other: Sequence[Use], size: torch.Size) -> Tensor:
    """Inner products of documents' gradients by one weight of this size, shape (documents, documents), in float64."""
    factors = [use for use in one if not isinstance(use, Direct)]
    others = [use for use in other if not isinstance(use, Direct)]
    if len(factors) < len(one) or len(others) < len(other):
        return wide(_direct(one, size).gradient) @ wide(_direct(other, size).gradient).T
    return torch.stack([_inner(use, again) for use in factors for again in others]).sum(0)


def _inner(one: Outer | Picked, other: Outer | Picked) -> Tensor:
    (rows, tokens), (columns, others) = one.right.shape[:2], other.right.shape[:2]
    step = max(1, BLOCK // (tokens * columns * others))
    parts = []
    for low in range(0, rows, step):
        part = slice(low, low + step)
        both = one.right[part].flatten(0, 1) @ other.right.flatten(0, 1).T
        both *= _lefts(one, part, other)
        parts.append(both.view(-1, tokens, columns, others).sum(3).sum(1, dtype=widest(both.device)))
    return torch.cat(parts)


def _lefts(one: Outer | Picked, part: slice, other: Outer | Picked) -> Tensor:
    """Products of the left factors of some documents' tokens with those of all others, shape (tokens, tokens)."""
    if isinstance(one, Picked):
        ids = one.ids[part].flatten()
        if isinstance(other, Picked):
            return (ids[:, None] == other.ids.flatten()).to(one.right.dtype)
        return other.left.flatten(0, 1)[:, ids].T
    left = one.left[part].flatten(0, 1)
    return left[:, other.ids.flatten()] if isinstance(other, Picked) else left @ other.left.flatten(0, 1).T


def whole(uses: Sequence[Use], size: torch.Size) -> Iterator[tuple[range, Tensor]]:
    """The gradients by one weight of this size themselves, of a few documents at a time.

    Yields which documents, and their gradients, shape (documents, ...).
    """
    first = uses[0]
    every = len(first.gradient if isinstance(first, Direct) else first.right)
    step = max(1, BLOCK // size.numel())
    for low in range(0, every, step):
        part = range(low, min(low + step, every))
        total = _whole(first, slice(part.start, part.stop), size)
        for use in uses[1:]:
            total = total + _whole(use, slice(part.start, part.stop), size)
        yield part, total


def _whole(use: Use, part: slice, size: torch.Size) -> Tensor:
    if isinstance(use, Direct):
        return use.gradient[part].view(-1, *size)
    if isinstance(use, Outer):
        return use.left[part].mT @ use.right[part]
    ids, right = use.ids[part], use.right[part]
    documents, (rows, width) = len(ids), size
    at = ids + rows * torch.arange(documents, device=ids.device)[:, None]
    result = right.new_zeros(documents * rows, width)
    return result.index_add_(0, at.flatten(), right.flatten(0, 1)).view(documents, rows, width)
