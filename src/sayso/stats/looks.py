"""Looking more than once: at what level claims are tested, so that adding seeds does not make them hold by itself.

Whoever adds seeds until a claim holds tests it at every look. The looks together spend the level of one test: the first
two thirds of it, each further one a third of the one before (a union bound, which holds for any statistic). Before the
planned seeds are all there, only what is decided at 0.001 counts (Haybittle and Peto), which spends next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.stats.decisions import ALPHA

#: Level while planned seeds are still missing.
INTERIM = 0.001

_FIRST, _NEXT = 2 / 3, 1 / 3


@dataclass(frozen=True)
class Looks:
    """How often seeds were looked at: `first` seeds planned at first, `planned` by now, `finished` of these.

    `look`: 1 for the first plan, one more each time seeds were added after some had finished.
    """

    first: int
    planned: int
    finished: int
    look: int = 1

    @property
    def interim(self) -> bool:
        """Whether planned seeds are still missing."""
        return self.finished < self.planned

    @property
    def level(self) -> float:
        """The level at which claims are tested now."""
        return INTERIM if self.interim else level_of(self.look)

    @property
    def next_level(self) -> float:
        """The level at which they will be tested when seeds have been added."""
        return level_of(self.look + 1)

    def scaled(self, p: float) -> float:
        """A p-value on the scale where .05 is the level, whatever the look."""
        return min(1.0, p * ALPHA / self.level)

    def __str__(self) -> str:
        if self.interim:
            return f"{self.finished} of {self.planned} planned seeds: only what is decided at {INTERIM} counts so far"
        if self.look == 1:
            return f"planned {self.planned}, looked once"
        times = {2: "twice"}.get(self.look, f"{self.look} times")
        return f"planned {self.first}, {self.planned} in all, looked {times}"


def level_of(look: int) -> float:
    """The level of a look, from 1 on; all of them sum to ALPHA."""
    return ALPHA * _FIRST * _NEXT ** (look - 1)


def once(seeds: int) -> Looks:
    """All seeds were planned, and looked at once."""
    return Looks(seeds, seeds, seeds)
