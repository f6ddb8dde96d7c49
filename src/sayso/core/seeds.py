"""Which seeds are run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationError, model_validator

from sayso.core.errors import SaysoError
from sayso.core.spec import Spec, explain

#: The largest seed: tables hold seeds in 64 bits.
LARGEST_SEED = 2**63 - 1

#: Most seeds of one experiment.
MOST_SEEDS = 1_000_000


class Seeds(Spec):
    """A run of consecutive seeds, at most a million of them, each below 2**63.

    The default seeds of an experiment in the catalogue were not used to choose its settings. Iterating gives the seeds.

    Parameters
    ----------
    first
        The first seed.
    count
        How many there are.
    """

    first: int = Field(default=100, ge=0)
    count: int = Field(default=16, ge=1)

    @model_validator(mode="after")
    def _not_too_many(self) -> Seeds:
        if self.count > MOST_SEEDS:
            raise ValueError(f"{self.count} seeds are too many; {MOST_SEEDS} can be run")
        if self.first + self.count - 1 > LARGEST_SEED:
            raise ValueError(f"seed {self.first + self.count - 1} is too large; the largest is {LARGEST_SEED}")
        return self

    def __iter__(self) -> Any:  # pydantic's own iterates over fields; seeds are what a caller wants
        return iter(range(self.first, self.first + self.count))

    def __str__(self) -> str:
        last = self.first + self.count - 1
        return str(self.first) if self.count == 1 else f"{self.first}-{last}"

    @classmethod
    def parse(cls, text: str, first: int = 100) -> Seeds:
        """Read ``N`` (that many seeds) or ``a-b`` (both ends included).

        Parameters
        ----------
        text
            What was written.
        first
            The first seed where only a number is given.

        Returns
        -------
        Seeds
            The seeds.

        Raises
        ------
        SaysoError
            If the text has another form, or asks for no seeds.
        """
        found = re.fullmatch(r"(\d{1,99})(?:-(\d{1,99}))?", text.strip())
        if not found:
            raise SaysoError(f"seeds '{text}': write a number of seeds such as 16, or a range such as 100-115")
        if found[2] is None:
            count = int(found[1])
        else:
            first, count = int(found[1]), int(found[2]) - int(found[1]) + 1
        if count < 1:
            raise SaysoError(f"seeds '{text}': asks for no seeds; write for example 16, or 100-115")
        try:
            return cls(first=first, count=count)
        except ValidationError as error:
            raise SaysoError(f"seeds '{text}': {explain(error)}") from error


def seed_range(seeds: Sequence[int]) -> str:
    """Write seeds as ranges.

    >>> seed_range((100, 101, 102, 200))
    '100-102, 200'
    """
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in consecutive(seeds))


def seeds_in_words(seeds: Sequence[int], *, counted: bool = False) -> str:
    """Write seeds so that none is taken for a number of them; `counted`: with how many several are.

    >>> seeds_in_words((100,)), seeds_in_words((100, 101), counted=True)
    ('seed 100', 'seeds 100-101 (2 seeds)')
    """
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"seeds {seed_range(seeds)}" + (f" ({len(seeds)} seeds)" if counted else "")


def consecutive(seeds: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive seeds.

    >>> consecutive((100, 101, 102, 200))
    [(100, 102), (200, 200)]
    """
    blocks: list[tuple[int, int]] = []
    for seed in sorted(seeds):
        if blocks and seed == blocks[-1][1] + 1:
            blocks[-1] = (blocks[-1][0], seed)
        else:
            blocks.append((seed, seed))
    return blocks
