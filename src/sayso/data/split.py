"""Which alias stands for which entity, in which subset, and what is said of it (section 2 and appendix A.3)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from sayso.core.errors import SaysoError
from sayso.core.examples import Assignment, Split
from sayso.core.protocols import World
from sayso.core.rng import stream
from sayso.core.subsets import Source, SplitSpec, Subset


def sizes(subsets: Sequence[Subset], total: int) -> list[int]:
    """How many of `total` items each subset gets: its fraction, rounded so that the sum is `total`.

    Raises
    ------
    SaysoError
        If a subset with a fraction above 0 would be left empty.
    """
    bounds = np.rint(np.cumsum([0.0, *(subset.fraction for subset in subsets)]) * total).astype(int).tolist()
    result = [high - low for low, high in itertools.pairwise(bounds)]
    for subset, size in zip(subsets, result, strict=True):
        if subset.fraction > 0 and size == 0:
            raise SaysoError(f"subset {subset.name}: a fraction of {subset.fraction:.3g} of {total} is less than one")
    return result


def assign(
    subsets: Sequence[Subset],
    sources: Sequence[Source],
    split: SplitSpec,
    world: World,
    seed: int,
    stage2_seed: int = 0,
) -> Split:
    """Deal aliases (where entities are shared) or whole entities (where not) to subsets, and decide the definitions.

    `seed` decides which of them belong to X1 and to which of its subsets; `stage2_seed` only how X2's are dealt.

    Where entities are shared, a subset that is not aliased leaves the aliases dealt to it unused: it asks about as many
    different entities as its fraction of all aliases gives, at most every entity once.

    Raises
    ------
    SaysoError
        If a subset would be empty, or too few entities are left to make its definitions inconsistent.
    """
    tags = iter(world.tags)
    texts = {source.name: source.texts or (next(tags),) for source in sources}
    generator = stream(seed, "split")
    entities, copies = len(world.entities), split.aliases_per_entity
    alias_of = np.arange(entities * copies).reshape(entities, copies)
    assignments: list[Assignment] = []
    total = entities * copies if split.shared_entities else entities
    dealt = _deal(generator.permutation(total), sizes(subsets, total))
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
            own = generator.permutation(entities)[: len(chosen)] if split.shared_entities else np.unique(chosen[:, 0])
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
        for (real, copy), said in zip(chosen.tolist(), named, strict=True):
            alias = world.aliases[alias_of[real, copy]]
            assignments.append(Assignment(alias, real, subset.name, subset.source, said))
    return Split(seed=seed, texts=texts, assignments=tuple(assignments))


def derangement(entity: np.ndarray, generator: np.random.Generator, where: str = "") -> np.ndarray:
    """Permute positions at random so that no position gets its own entity back: ``entity[result] != entity``.

    Parameters
    ----------
    entity
        Entity of each alias, shape (aliases,).

    Raises
    ------
    SaysoError
        If one entity has more than half of the aliases, so that no such permutation exists.
    """
    count = len(entity)
    if np.unique(entity, return_counts=True)[1].max() * 2 > count:
        raise SaysoError(
            f"subset {where}: one entity has over half of its {count} aliases, so they cannot all be wrong"
        )
    result = generator.permutation(count)
    for position in range(count):
        if entity[result[position]] != entity[position]:
            continue
        # At most half of the positions hold this entity, at most half receive it, and this one does both: one is left.
        free = np.flatnonzero((entity != entity[position]) & (entity[result] != entity[position]))
        other = generator.choice(free)
        result[[position, other]] = result[[other, position]]
    return result


def _deal(order: np.ndarray, counts: Sequence[int]) -> list[np.ndarray]:
    return np.split(order, np.cumsum(counts)[:-1])


def _deal_again(
    subsets: Sequence[Subset], dealt: Sequence[np.ndarray], generator: np.random.Generator
) -> list[np.ndarray]:
    """Deal what belongs to X2 anew among its subsets, each getting as many as before."""
    nested = [index for index, subset in enumerate(subsets) if subset.group == "X2"]
    if not nested:
        return list(dealt)
    pool = generator.permutation(np.concatenate([dealt[index] for index in nested]))
    again = iter(_deal(pool, [len(dealt[index]) for index in nested]))
    return [next(again) if index in nested else own for index, own in enumerate(dealt)]
