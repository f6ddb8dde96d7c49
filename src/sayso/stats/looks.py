"""Looking at the same results again, with more seeds, spends error: how much is left for each look.

Look number k is tested at two thirds of what looks before it left: 2/3, 2/9, 2/27, ... of `ALPHA`. These sum to
`ALPHA`, so that whoever stops at the first look that pleases is still wrong in at most 5% of families, whatever the
numbers are (a union bound). While seeds that were planned are unfinished, claims are decided only at .001, which costs
next to nothing (Haybittle and Peto).
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.stats.comparisons import ALPHA

#: Level of a family of claims while planned seeds are unfinished.
INTERIM_LEVEL = 0.001


@dataclass(frozen=True)
class Looks:
    """How often results were looked at.

    Parameters
    ----------
    plans
        The numbers of seeds planned in all, a look each; never empty.
    finished
        How many seeds are there.
    """

    plans: tuple[int, ...]
    finished: int

    @property
    def planned(self) -> int:
        """How many seeds there are to be in all."""
        return self.plans[-1]

    @property
    def interim(self) -> bool:
        """Whether planned seeds are unfinished."""
        return self.finished < self.planned

    @property
    def level(self) -> float:
        """Level of a family of claims at this look."""
        level = look_level(len(self.plans))
        return min(level, INTERIM_LEVEL) if self.interim else level

    def __str__(self) -> str:
        if self.interim:
            return f"{self.finished} of {self.planned} planned seeds: interim, decided below p = .001 only"
        if len(self.plans) == 1:
            return f"planned {self.planned}, looked once"
        return f"planned {self.plans[0]}, {self.planned} in all, look {len(self.plans)}"


def look_level(look: int) -> float:
    """Level of a family of claims at look number 1, 2, ..., when all planned seeds are there."""
    return ALPHA * 2.0 / 3.0**look
