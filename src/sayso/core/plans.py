"""Which seeds a results folder was planned to have: ``plans.json``, one entry for each time seeds were added.

Seeds added after some had finished were added in the knowledge of what those gave, which verdicts have to allow for
(`sayso.stats.looks`). Before any has finished a plan can be changed at will.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically
from sayso.core.spec import canonical_json

Blocks = list[tuple[int, int]]
_PLANS = TypeAdapter(list[Blocks])


def read_plans(path: Path) -> list[frozenset[int]]:
    """Read all plans, oldest first, each with all seeds planned by then; none where there is no file.

    Raises
    ------
    SaysoError
        If the file is damaged.
    """
    if not path.exists():
        return []
    try:
        plans = _PLANS.validate_python(read_json(path))
    except ValidationError:
        raise SaysoError(
            f"{path}: not a list of plans of seeds; delete it to count all seeds as planned at once"
        ) from None
    return [frozenset(seed for low, high in plan for seed in range(low, high + 1)) for plan in plans]


def write_plans(path: Path, plans: Sequence[frozenset[int]]) -> None:
    """Write plans, as the first and last of consecutive seeds."""
    write_atomically(path, canonical_json([_blocks(plan) for plan in plans]) + "\n")


def planned_again(
    plans: Sequence[frozenset[int]], seeds: Iterable[int], *, some_finished: bool
) -> list[frozenset[int]]:
    """The plans after a run of these seeds was begun."""
    wanted = frozenset(seeds)
    if not plans or not some_finished:
        return [*plans[:-1], wanted]
    return list(plans) if wanted <= plans[-1] else [*plans, plans[-1] | wanted]


def _blocks(seeds: Iterable[int]) -> Blocks:
    by_offset = itertools.groupby(enumerate(sorted(seeds)), key=lambda pair: pair[1] - pair[0])
    runs = [[seed for _, seed in group] for _, group in by_offset]
    return [(run[0], run[-1]) for run in runs]
