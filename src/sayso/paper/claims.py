"""What the paper says, as rows of a ledger: sentences that records can bear out or not.

A row compares two sides at the end of a stage, numbers of subsets or sums of them, and says that the first has more,
that the two lie within a stated margin, or that the first has no less, but for that margin. The rows are in
`sayso.paper.ledger` and `sayso.paper.mechanisms`; `sayso.paper.judging` judges them. What is said of sweeps as a whole,
trends and differences between cells, is tested in `sayso.paper.trends`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sayso.core.experiment import Experiment
from sayso.core.subsets import Group
from sayso.paper.kinds import Is, Kind, kind_of
from sayso.paper.quantities import Number, Side
from sayso.stats.values import stage_training


@dataclass(frozen=True)
class Contrast:
    """Two sides, compared within seeds.

    `within`: the two are said to be equal, within so much (in the measure's own unit, or if `relative` as a share of
    the mean of both); None: the first is said to be greater. `one_sided`: the first is said to be no less than the
    second, by more than what is `within`, and may be any greater. `about`: the subsets that the numbers rest on, where
    these are not the subsets of the numbers.
    """

    first: Side
    second: Side
    within: float | None = None
    relative: bool = False
    about: tuple[str, ...] = ()
    one_sided: bool = False

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers of both sides."""
        return (*self.first.numbers, *self.second.numbers)

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets it takes, each once."""
        return tuple(dict.fromkeys(self.about or (number.subset for number in self.numbers)))

    @property
    def parts(self) -> tuple[Group, ...]:
        """The parts of the data that have to be trained on."""
        return tuple(dict.fromkeys(number.after for number in self.numbers))

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two subsets, where it compares just these."""
        numbers = self.numbers
        return (numbers[0].subset, numbers[1].subset) if len(numbers) == 2 else None


@dataclass(frozen=True)
class Where:
    """Which experiments a claim is about.

    `kind`: those of this kind (`sayso.paper.kinds.kind_of`), or all. `joint`: whether X1 and X2 are trained in one
    stage; None: either way. `only`: those of which all of this is true.
    """

    kind: Kind | Literal["all"] = "informative"
    joint: bool | None = None
    only: tuple[Is, ...] = ()

    def takes_in(self, experiment: Experiment) -> bool:
        """Whether an experiment without axes is one of them."""
        last = stage_training(experiment, "X2")
        joint = last is not None and last == stage_training(experiment, "X1")
        return (
            self.kind in ("all", kind_of(experiment))
            and self.joint in (None, joint)
            and all(condition(experiment) for condition in self.only)
        )


@dataclass(frozen=True)
class Claim:
    """One row of the ledger: what the paper says and in which section, the numbers that tell, and where it is said.

    `figure`: claims of one figure (or footnote) are a family, judged together.
    """

    name: str
    sentence: str
    section: str
    contrast: Contrast
    where: Where
    figure: str


#: What of an experiment without axes a trend is along: a number, or None where it does not apply.
Along = Callable[[Experiment], float | None]


@dataclass(frozen=True)
class Trend:
    """A number along something that cells differ in.

    `along`: what that is of a cell, None where it does not apply. `grows`: whether the number does, or shrinks, as it
    gets larger. `headline`: the sweep is there to show it.
    """

    name: str
    sentence: str
    section: str
    figure: str
    number: Side
    along: Along
    grows: bool = True
    headline: bool = False


@dataclass(frozen=True)
class Between:
    """A number that is larger in some cells, the `higher` ones, than in others, on average.

    `headline`: the sweep is there to show it.
    """

    name: str
    sentence: str
    section: str
    figure: str
    number: Side
    higher: Is
    lower: Is
    headline: bool = False
