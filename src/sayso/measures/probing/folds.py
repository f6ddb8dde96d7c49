"""Aliases in folds: no entity in two of them, and in each as many of one class as of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Folds:
    """Which items are in which fold: `chosen` are positions of items, `fold` the number of each one's, both (n,)."""

    chosen: Places
    fold: Places
    count: int


def make_folds(
    entities: Sequence[str],
    kinds: Sequence[str],
    shares: Mapping[str, int],
    count: int,
    generator: np.random.Generator,
    what: str,
) -> Folds:
    """Deal items to folds by entity, and draw of each fold as many of every kind as the shares say.

    Parameters
    ----------
    entities, kinds
        Of each item the entity it is about, and the subset it belongs to. All items of an entity go to one fold.
    shares
        How many of each kind go together; where it is ``{"a": 1, "b": 1, "c": 2}``, a half of each fold is of c.
    what
        Of what there are too few, for the message.

    Raises
    ------
    SaysoError
        If a fold would have none of a kind; the message says how many there are, and how many folds would do.
    """
    state = generator.bit_generator.state
    found = _try(entities, kinds, shares, count, generator)
    if found is not None:
        return found
    fitting = []
    for fewer in range(count - 1, 1, -1):
        generator.bit_generator.state = state
        if _try(entities, kinds, shares, fewer, generator) is not None:
            fitting.append(fewer)
    there = ", ".join(f"{list(kinds).count(kind)} of {kind}" for kind in shares)
    advice = f"set folds to {fitting[0]}" if fitting else "ask about more aliases"
    raise SaysoError(
        f"{what}: there are {there}, about {len(set(entities))} entities, too few for {count} folds; {advice}"
    )


def _try(
    entities: Sequence[str],
    kinds: Sequence[str],
    shares: Mapping[str, int],
    count: int,
    generator: np.random.Generator,
) -> Folds | None:
    """As `make_folds`; None where a fold would have none of a kind."""
    names = list(shares)
    kind = np.array([names.index(each) for each in kinds], dtype=np.int64)
    about, group = np.unique(np.array(entities, dtype=object).astype(str), return_inverse=True)
    sizes = np.zeros((len(about), len(names)))
    np.add.at(sizes, (group, kind), 1)
    totals = np.maximum(sizes.sum(0), 1)
    order = generator.permutation(len(about))
    order = order[np.argsort(-sizes[order].sum(1), kind="stable")]
    filled, home = np.zeros((count, len(names))), np.zeros(len(about), dtype=np.int64)
    for entity in order:  # to the fold that has least of what it brings
        crowded = ((2 * filled + sizes[entity]) * sizes[entity] / totals**2).sum(1)
        home[entity] = int(crowded.argmin())
        filled[home[entity]] += sizes[entity]
    fold = home[group]
    chosen: list[Places] = []
    for number in range(count):
        own = [np.flatnonzero((fold == number) & (kind == index)) for index in range(len(names))]
        times = min(len(rows) // shares[name] for rows, name in zip(own, names, strict=True))
        if times == 0:
            return None
        chosen += [generator.permutation(rows)[: times * shares[name]] for rows, name in zip(own, names, strict=True)]
    rows = np.sort(np.concatenate(chosen))
    return Folds(rows, fold[rows], count)


def shuffled(
    labels: NDArray[np.bool_], fold: Places, entities: Sequence[str], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Labels dealt anew within each fold, so that nothing but chance ties them to what they are of.

    Where every entity has one label, all its aliases keep one: what aliases of one entity have in common would look
    like less chance than it is. Otherwise each alias gets a label by itself.
    """
    about, group = np.unique(np.array(entities, dtype=object).astype(str), return_inverse=True)
    share = np.bincount(group, labels, len(about)) / np.bincount(group, minlength=len(about))
    units = group if np.isin(share, (0, 1)).all() else np.arange(len(labels))
    result = labels.copy()
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        unit, first, back = np.unique(units[rows], return_index=True, return_inverse=True)
        result[rows] = labels[rows][first][generator.permutation(len(unit))][back]
    return result
