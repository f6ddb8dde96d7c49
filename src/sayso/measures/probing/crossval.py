"""Probes read on what they were not trained on, for true labels and for shuffled ones at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.core.shares import Counter, OnShare, unheard
from sayso.measures.probing.folds import Folds
from sayso.measures.probing.logistic import fits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Read:
    """How well probes read, by place and labelling (the true one first).

    `accuracy`: share of held-out examples read right, shape (places, labellings). `transfer`: that of further examples
    by probes trained on all folds, NaN where there are none. `converged`: share of probes that were solved, shape
    (places,).
    """

    accuracy: Floats
    transfer: Floats
    converged: Floats


def read(
    inputs: NDArray[np.floating],
    folds: Folds,
    labellings: Bools,
    strengths: Sequence[float],
    further: Bools | None = None,
    on_share: OnShare = unheard,
) -> Read:
    """Train probes on all folds but one and read that one, at every place and for every labelling.

    Of several strengths each probe takes the one that reads best within the folds it is trained on, each of these held
    out in turn.

    Parameters
    ----------
    inputs
        Shape (places, examples, width): first those in the folds, in their order, then the further ones.
    labellings
        Shape (labellings, examples in folds).
    further
        Labels of the further examples.
    on_share
        Hears what share of the places is done.
    """
    count, inside = len(labellings), len(folds.fold)
    outside = inputs.shape[1] - inside
    alone = [(number,) for number in range(folds.count)]
    pairs = list(itertools.combinations(range(folds.count), 2)) if len(strengths) > 1 else []
    left_out: list[tuple[int, ...]] = [*alone, *pairs, *([()] if outside else [])]
    problems = list(itertools.product(range(count), range(len(strengths)), range(len(left_out))))
    used = np.zeros((len(left_out), inputs.shape[1]), dtype=bool)
    for row, numbers in enumerate(left_out):
        used[row, :inside] = ~np.isin(folds.fold, numbers)
    labels = np.zeros((count, inputs.shape[1]), dtype=bool)
    labels[:, :inside] = labellings
    which, strong, out = (np.array(each) for each in zip(*problems, strict=True))
    accuracy, transfer, converged = [], [], []
    done = Counter(len(inputs), on_share)
    for found in fits(inputs, labels[which], used[out], np.array(strengths)[strong]):
        said = (found.margins > 0).reshape(-1, count, len(strengths), len(left_out), inputs.shape[1])
        right = said[..., :inside] == labellings[:, None, None]
        accuracy.append(_held_out(right, folds, pairs))
        if outside:
            best = _best(right, folds, range(folds.count), [[number] for number in range(folds.count)])
            kept = np.take_along_axis(said[:, :, :, -1, inside:], best[..., None, None], 2)[:, :, 0]
            transfer.append((kept == further).mean(-1))
        converged.append(found.converged.mean(1))
        done.add(len(said))
    nothing = np.full((len(inputs), count), np.nan)
    return Read(np.concatenate(accuracy), np.concatenate(transfer) if outside else nothing, np.concatenate(converged))


def _held_out(right: Bools, folds: Folds, pairs: Sequence[tuple[int, ...]]) -> Floats:
    """Share of examples read right by probes that have not seen their fold, shape (places, labellings)."""
    total = np.zeros(right.shape[:2])
    for number in range(folds.count):
        others = [other for other in range(folds.count) if other != number]
        inner = [[folds.count + pairs.index(_ordered(number, other))] for other in others] if pairs else []
        best = _best(right, folds, others, inner)
        own = right[:, :, :, number, folds.fold == number].sum(-1)
        total += np.take_along_axis(own, best[..., None], 2)[..., 0]
    return total / len(folds.fold)


def _best(right: Bools, folds: Folds, read: Sequence[int], by: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Which strength reads these folds best, each by the probe that has not seen it; the weakest of equals."""
    if right.shape[2] == 1:
        return np.zeros(right.shape[:2], dtype=np.int64)
    total = np.zeros(right.shape[:3])
    for number, (probe,) in zip(read, by, strict=True):
        total += right[:, :, :, probe, folds.fold == number].sum(-1)
    best: NDArray[np.int64] = total.argmax(2)
    return best


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
