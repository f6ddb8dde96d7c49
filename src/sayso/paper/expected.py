"""What an experiment's default seeds are expected to decide, and what each departure from the paper buys.

Measured on fresh seeds by ``python -m benchmarks.power`` (``--without``: also each departure taken back), which writes
``expected.json``. What was measured belongs to one digest: an experiment with other settings has no expectation.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from pydantic import Field

from sayso.core.experiment import Experiment
from sayso.core.spec import Spec
from sayso.stats.numbers import share, with_interval

_FILE = "expected.json"

#: What the columns of a `Table` hold.
COLUMNS = ("claim", "difference", "holds in", "fails in")


@dataclass(frozen=True)
class Table:
    """A title, and rows of text in `COLUMNS`."""

    title: str
    rows: Sequence[tuple[str, ...]]


class ExpectedClaim(Spec):
    """A claim on fresh seeds: its difference with its 95% interval, and in which share of draws it was decided.

    A draw is as many seeds as the experiment has by default, drawn with replacement from the fresh ones; `holds` and
    `fails` are the shares of draws in which the claim did.
    """

    cell: str
    claim: str
    difference: float
    low: float
    high: float
    holds: float
    fails: float


class ExpectedWithout(Spec):
    """The experiment with one departure from the paper taken back: the fresh seeds it was run on, and its claims."""

    what: str
    seeds: str
    claims: tuple[ExpectedClaim, ...]


class Expected(Spec):
    """What was found of an experiment of the training digest `of` on fresh `seeds`; draws are of `count` seeds."""

    of: str
    seeds: str
    count: int
    claims: tuple[ExpectedClaim, ...]
    without: tuple[ExpectedWithout, ...] = Field(default=())

    def tables(self) -> list[Table]:
        """What was found, and below it what each departure from the paper costs if it is taken back, as text."""
        title = f"expected of {self.count} seeds, drawn from fresh seeds {self.seeds}"
        return [
            Table(title, _rows(self.claims)),
            *(
                Table(f"without this departure from the paper: {each.what} (seeds {each.seeds})", _rows(each.claims))
                for each in self.without
            ),
        ]


def _rows(claims: Sequence[ExpectedClaim]) -> list[tuple[str, ...]]:
    several = len({claim.cell for claim in claims}) > 1
    return [
        (
            f"{claim.cell}: {claim.claim}" if several else claim.claim,
            with_interval(claim.difference, claim.low, claim.high, signed=True),
            share(claim.holds),
            share(claim.fails),
        )
        for claim in claims
    ]


@functools.cache
def all_expected() -> Mapping[str, Expected]:
    """Everything that was measured, by the experiment's name."""
    text = resources.files("sayso.paper").joinpath(_FILE).read_text(encoding="utf-8")
    return {name: Expected.model_validate(found) for name, found in json.loads(text).items()}


def expected(experiment: Experiment) -> Expected | None:
    """What is expected of an experiment; None where it was not measured with these settings."""
    digest = experiment.digest()
    return next((found for found in all_expected().values() if found.of == digest), None)
