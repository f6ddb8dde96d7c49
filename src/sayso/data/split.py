"""Which alias stands for which entity, in which subset, and what is said of it (section 2 and appendix A.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core import squares
from sayso.core.errors import SaysoError
from sayso.core.examples import Assignment, Split
from sayso.core.protocols import World
from sayso.core.rng import stream
from sayso.core.sizes import ROUNDING, sizes
from sayso.core.subsets import GROUPS, Group, Source, SplitSpec, Subset

#: Permutations are drawn until one fits where about one in exp(_FEW) does.
_FEW = 5

#: Rounds of exchanges: each position takes part in about one of either size a round, and a few are enough.
_ROUNDS = 60


def assign(
    subsets: Sequence[Subset],
    sources: Sequence[Source],
    split: SplitSpec,
    world: World,
    seed: int,
    stage2_seed: int = 0,
) -> Split:
    """Deal aliases (where entities are shared) or whole entities (where not) to subsets, and decide the definitions.

    `seed` decides which of them belong to X1 and to which of its subsets; `stage2_seed` only how X2's are dealt. In a
    Latin square the square decides, and the seed's row, to which source the aliases of each block go.

    Where entities are shared, a subset that is not aliased leaves the aliases dealt to it unused: it asks about as many
    different entities as its fraction of all aliases gives, at most every entity once.

    Raises
    ------
    SaysoError
        If a subset would be empty, or too few entities are left to make its definitions inconsistent.
    """
    tags = iter(world.tags)
    texts = {source.name: source.texts or (next(tags),) for source in sources if source.same_as is None}
    texts |= {source.name: texts[source.same_as] for source in sources if source.same_as is not None}
    square, row = squares.place(subsets, seed) if split.latin_square else (seed, 0)
    generator = stream(square, "split")
    entities, copies = len(world.entities), split.aliases_per_entity
    alias_of = np.arange(entities * copies).reshape(entities, copies)
    assignments: list[Assignment] = []
    dealt = _dealt(subsets, split, world, generator)
    if split.latin_square:
        dealt = squares.turned(subsets, dealt, row)
    else:
        dealt = _deal_again(subsets, dealt, stream(seed, "split of X2", stage2_seed))
    if split.shared_entities:
        slots = [np.stack(np.divmod(chosen, copies), axis=1) for chosen in dealt]
    else:
        slots = [np.array([(entity, copy) for entity in chosen for copy in range(copies)]) for chosen in dealt]
    generators = {"X1": generator, "X2": stream(seed, "definitions of X2", stage2_seed)}
    for subset, chosen in zip(subsets, slots, strict=True):
        if len(chosen) == 0:
            continue
        generator = generators[subset.group]
        if not subset.aliased:
            here = _entities_of(world, subset.group)
            own = generator.permutation(here)[: len(chosen)] if split.shared_entities else np.unique(chosen[:, 0])
            names = [world.entities[entity].name for entity in own]
            assignments += [
                Assignment(name, int(e), subset.name, None, None) for name, e in zip(names, own, strict=True)
            ]
            continue
        entity = chosen[:, 0]
        named: list[int | None] = [None] * len(chosen)
        if subset.source is not None:
            named = (
                entity.tolist() if subset.consistent else entity[derangement(entity, generator, subset.name)].tolist()
            )
        against: list[int | None] = [None] * len(chosen)
        if subset.against is not None:
            against = entity[derangement(entity, generator, subset.name)].tolist()
        for (real, copy), said, other in zip(chosen.tolist(), named, against, strict=True):
            alias = world.aliases[alias_of[real, copy]]
            assignments.append(Assignment(alias, real, subset.name, subset.source, said, subset.against, other))
    first_text: dict[str, int] = {}
    if split.latin_square:
        blocks = squares.turned(subsets, slots, -row)  # as they are in the square's first row
        told = np.concatenate([own for subset, own in zip(subsets, blocks, strict=True) if subset.source is not None])
        names = [world.aliases[alias_of[real, copy]] for real, copy in told.tolist()]
        first_text = {name: place * split.definitions_per_alias for place, name in enumerate(names)}
    return Split(seed=seed, texts=texts, assignments=tuple(assignments), first_text=first_text)


def _entities_of(world: World, group: Group) -> NDArray[np.int64]:
    """The entities that a part of the data may be about."""
    return np.array([at for at in range(len(world.entities)) if not world.kinds or world.kinds[at] == group])


def _dealt(
    subsets: Sequence[Subset], split: SplitSpec, world: World, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal what there is to subsets: as their fractions say, and where X1 and X2 have entities of their own, of these.

    Raises
    ------
    SaysoError
        If a subset would be empty.
    """
    each = split.items(1)
    if not world.kinds:
        total = len(world.entities) * each
        return _deal(generator.permutation(total), sizes(subsets, total))
    pools = {group: _entities_of(world, group) for group in GROUPS}
    shares = {group: math.fsum(subset.fraction for subset in subsets if subset.group == group) for group in GROUPS}
    total = min(int(len(pools[group]) * each / shares[group] + ROUNDING) for group in GROUPS if shares[group] > 0)
    counts = sizes(subsets, total)
    result = [np.empty(0, dtype=np.int64)] * len(subsets)
    for group in GROUPS:
        own = [index for index, subset in enumerate(subsets) if subset.group == group]
        items = (pools[group][:, None] * each + np.arange(each)).ravel()
        for index, chosen in zip(own, _deal(generator.permutation(items), [counts[at] for at in own]), strict=True):
            result[index] = chosen
    return result


def derangement(entity: NDArray[np.int64], generator: np.random.Generator, where: str = "") -> NDArray[np.int64]:
    """Permute positions at random so that no position gets its own entity back: ``entity[result] != entity``.

    Every such permutation is equally likely. Where entities have few positions each, permutations are drawn until one
    fits, of which about ``exp(-sum(count**2) / positions)`` do. Where that would take too long, one that fits is
    shuffled by swaps and rotations that keep it fitting, a Markov chain whose stationary distribution is the same.

    Parameters
    ----------
    entity
        Entity of each alias, shape (aliases,).

    Raises
    ------
    SaysoError
        If one entity has more than half of the aliases, so that no such permutation exists.
    """
    counts = np.unique(entity, return_counts=True)[1]
    if counts.max() * 2 > len(entity):
        raise SaysoError(
            f"subset {where}: one entity has over half of its {len(entity)} aliases, so they cannot all be wrong"
        )
    if (counts**2).sum() <= _FEW * len(entity):
        while True:
            result = generator.permutation(len(entity))
            if (entity[result] != entity).all():
                return result
    return _shuffled(entity, generator)


def _shuffled(entity: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Begin with a permutation that fits, then in each round take positions in twos and in threes and exchange within.

    An exchange that fits is made half of the time, so that each is as likely as the one that undoes it. Threes are
    needed: with three entities of equally many positions no swap of two fits.
    """
    count = len(entity)
    order = np.argsort(entity, kind="stable")
    result = np.empty(count, dtype=np.int64)
    result[order] = np.roll(order, np.unique(entity, return_counts=True)[1].max())  # no entity reaches so far
    for size in (2, 3) * _ROUNDS:
        groups = generator.permutation(count)[: count - count % size].reshape(-1, size)
        exchanged = np.roll(result[groups], 1, axis=1)
        fits = (entity[exchanged] != entity[groups]).all(axis=1) & (generator.random(len(groups)) < 1 / 2)
        result[groups[fits]] = exchanged[fits]
    return result


def _deal(order: NDArray[np.int64], counts: Sequence[int]) -> list[NDArray[np.int64]]:
    return np.split(order[: sum(counts)], np.cumsum(counts)[:-1])


def _deal_again(
    subsets: Sequence[Subset], dealt: Sequence[NDArray[np.int64]], generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal what belongs to X2 anew among its subsets, each getting as many as before."""
    nested = [index for index, subset in enumerate(subsets) if subset.group == "X2"]
    if not nested:
        return list(dealt)
    pool = generator.permutation(np.concatenate([dealt[index] for index in nested]))
    again = iter(_deal(pool, [len(dealt[index]) for index in nested]))
    return [next(again) if index in nested else own for index, own in enumerate(dealt)]
