"""Drawing lists of integers: with some in them, without others, all different as sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

#: A list with an integer in it and one without.
BLOCK = 2


def different_lists(
    generator: np.random.Generator,
    integers: int,
    length: int,
    fit: Integers,
    questions: int,
    besides: Integers | None = None,
) -> Integers:
    """Draw lists for many variables, Yes and No in turn, no two of a variable equal as sets.

    Parameters
    ----------
    fit
        Integers that are in every Yes list of a variable and in no No list, shape (variables, fitting).
    besides
        Lists of the same variables that must not be drawn again, shape (variables, lists, length).

    Returns
    -------
    ndarray
        Shape (variables, questions, length), each list in random order.
    """
    before = np.empty((len(fit), 0, length), dtype=np.int64) if besides is None else besides
    lists = np.concatenate([before, np.zeros((len(fit), questions, length), dtype=np.int64)], axis=1)
    yes = np.arange(lists.shape[1]) - before.shape[1]
    marks = generator.integers(2**63, size=integers, dtype=np.uint64)
    drawn = np.zeros(lists.shape[:2], dtype=bool)
    drawn[:, before.shape[1] :] = True
    while drawn.any():
        variable, position = np.nonzero(drawn)
        lists[drawn] = lists_about(generator, integers, length, fit[variable], yes[position] % BLOCK == 0)
        # Equal sets have equal sums. Should others have, too, one of them is drawn again, which does no harm.
        drawn = _repeats(marks[lists].sum(-1))
    return lists[:, before.shape[1] :]


def lists_about(
    generator: np.random.Generator, integers: int, length: int, fit: Integers, yes: NDArray[np.bool_]
) -> Integers:
    """Draw a list for each row: with all integers of its `fit` where `yes`, with none of them elsewhere.

    Returns an array of shape (rows, length); `fit` has shape (rows, fitting) and `yes` (rows,).
    """
    lists = np.empty((len(fit), length), dtype=np.int64)
    for answer in (True, False):
        rows = np.flatnonzero(yes == answer)
        inside = fit[rows] if answer else fit[rows, :0]
        others = subsets(generator, integers - fit.shape[1], length - inside.shape[1], len(rows))
        for one in np.sort(fit[rows], axis=1).T:  # leave a gap at each integer that is not to be drawn
            others += others >= one[:, None]
        lists[rows] = np.concatenate([inside, others], axis=1)
    return generator.permuted(lists, axis=1)


def subsets(generator: np.random.Generator, integers: int, length: int, rows: int) -> Integers:
    """Draw `length` different integers below `integers` in each row, all such sets equally likely (Floyd's way)."""
    chosen = np.empty((rows, length), dtype=np.int64)
    for position, most in enumerate(range(integers - length, integers)):
        guess = generator.integers(most + 1, size=rows)
        there = (chosen[:, :position] == guess[:, None]).any(axis=1)
        chosen[:, position] = np.where(there, most, guess)
    return chosen


def _repeats(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which values stand further left in their row already."""
    order = codes.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(codes, order, axis=1)
    result = np.zeros(codes.shape, dtype=bool)
    np.put_along_axis(result, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return result
