"""What claims are about: numbers that are measured in each seed, and sums of them.

exact_match("D5cons", "X2")                                    a number
difference(exact_match("D5cons", "X2"), exact_match("D6cons", "X2"))      the gap
Side(constant=0.5)                                             chance
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sayso.core.subsets import Group
from sayso.core.sweep import Cell
from sayso.stats.comparisons import Floats
from sayso.stats.values import ATTRIBUTION, GAP, stage_training

#: At the end of a stage, before its first epoch, or after the first epoch that was measured.
When = Literal["end", "start", "first"]

_WHEN = {"start": "before the stage", "first": "after its first epoch"}


@dataclass(frozen=True)
class Number:
    """What a measure says of a subset on an evaluation set, in the last stage that trains on `after`.

    `what` tells numbers of the measure apart. `stage`: the stage's name, where it is another one.
    """

    subset: str
    measure: str
    eval_set: str
    after: Group
    what: str = ""
    when: When = "end"
    stage: str = ""


@dataclass(frozen=True)
class Side:
    """A sum of numbers, each with its weight, and of a constant: one side of a comparison, in one seed."""

    terms: tuple[tuple[float, Number], ...] = ()
    constant: float = 0.0

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers in it."""
        return tuple(number for _, number in self.terms)


def one(number: Number) -> Side:
    """A number by itself."""
    return Side(((1.0, number),))


def exact_match(subset: str, after: Group, eval_set: str = "validation", when: When = "end") -> Side:
    """Exact match on questions."""
    return one(Number(subset, "exact_match", eval_set, after, when=when))


def attribution(subset: str, after: Group, eval_set: str = ATTRIBUTION) -> Side:
    """Exact match on entity attribution, its average over phrasings unless one is named."""
    return exact_match(subset, after, eval_set)


def difference(first: Side, second: Side) -> Side:
    """The first less the second."""
    negative = tuple((-weight, number) for weight, number in second.terms)
    return Side((*first.terms, *negative), first.constant - second.constant)


def gap_of(eval_set: str) -> Side:
    """The internalization gap: exact match on new definitions of the reliable source less that on the other's."""
    return difference(*(exact_match(subset, "X2", eval_set) for subset in GAP))


def mean(*sides: Side) -> Side:
    """The mean of several."""
    terms = tuple((weight / len(sides), number) for side in sides for weight, number in side.terms)
    return Side(terms, sum(side.constant for side in sides) / len(sides))


class Values:
    """The numbers of all cells and seeds, looked up by what they are.

    `table` is what `sayso.stats.values.for_statistics` makes of records.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.eval_sets = set(table["eval_set"])
        stages = table.groupby(["cell", "stage"])["epoch"]
        later = table["epoch"].where(table["epoch"] > 0).groupby([table["cell"], table["stage"]]).transform("min")
        rows: dict[When, pd.DataFrame] = {
            "end": table[table["epoch"] == stages.transform("max")],
            "start": table[table["epoch"] == 0],
            "first": table[table["epoch"] == later],
        }
        self._found = {when: _by_number(part) for when, part in rows.items()}
        ends = rows["end"]
        self.seeds = {str(cell): set(own) for cell, own in table.groupby("cell")["seed"]}
        self._recorded = set(ends[["cell", "measure", "subset", "eval_set", "what"]].itertuples(index=False, name=None))
        self.measures = {str(cell): set(own) for cell, own in ends.groupby("cell")["measure"]}
        self._eval_sets = {str(cell): set(own) for cell, own in ends.groupby("cell")["eval_set"]}

    def asks(self, cell: Cell, side: Side) -> bool:
        """Whether a cell's data have the evaluation sets of a side; one that has not run tells nothing of its data."""
        there = self._eval_sets.get(cell.name)
        return there is None or {number.eval_set for number in side.numbers} <= there

    def has(self, cell: Cell, side: Side) -> bool:
        """Whether all numbers of a side were recorded in a cell."""
        return all((cell.name, n.measure, n.subset, n.eval_set, n.what) in self._recorded for n in side.numbers)

    def of(self, cell: Cell, side: Side, seeds: Sequence[int]) -> Floats:
        """A side in each seed, shape (seeds,); NaN where one of its numbers was not measured."""
        total = np.full(len(seeds), side.constant)
        for weight, number in side.terms:
            total = total + weight * self._number(cell, number, seeds)
        return total

    def _number(self, cell: Cell, number: Number, seeds: Sequence[int]) -> Floats:
        stage = number.stage or stage_training(cell.experiment, number.after) or ""
        places, rows = self._found[number.when]
        own = rows.get((cell.name, stage, number.measure, number.eval_set, number.what, number.subset))
        if own is None:
            return np.full(len(seeds), np.nan)
        return np.array([own[places[seed]] if seed in places else np.nan for seed in seeds])


def _by_number(table: pd.DataFrame) -> tuple[dict[int, int], dict[tuple[str, ...], Floats]]:
    """The place of each seed, and the values of each number in that order, NaN where not measured."""
    keys = ["cell", "stage", "measure", "eval_set", "what", "subset"]
    wide = table.set_index([*keys, "seed"])["value"].unstack("seed")
    places = {int(seed): place for place, seed in enumerate(wide.columns)}
    return places, dict(zip(map(tuple, wide.index), wide.to_numpy(dtype=float), strict=True))


def in_words(first: Side, sign: str = "", second: Side | None = None) -> str:
    """A comparison, or a side by itself, as people read it; what all numbers have in common comes first.

    >>> in_words(exact_match("D5cons", "X2"), ">", exact_match("D6cons", "X2"))
    'exact_match on validation: D5cons > D6cons'
    >>> in_words(exact_match("D5cons", "X2"), ">", attribution("D5cons", "X2"))
    'exact_match: D5cons on validation > D5cons on entity_attribution'
    """
    sides = [first] if second is None else [first, second]
    numbers = [number for side in sides for number in side.numbers]
    eval_set = _common(number.eval_set for number in numbers)
    what = _common(number.what for number in numbers)
    head = [_common(number.measure for number in numbers) or "several measures"]
    head += [f"({what})"] if what else []
    head += [] if eval_set is None else [f"on {eval_set}"]
    told = [_side_in_words(side, eval_set=eval_set is None, what=what is None) for side in sides]
    return f"{' '.join(head)}: {f' {sign} '.join(told)}"


def _side_in_words(side: Side, *, eval_set: bool, what: bool) -> str:
    """A side in words, with the evaluation sets and what tells numbers apart where these have to be said."""
    asked = _common(number.eval_set for number in side.numbers) if eval_set else None

    def told(number: Number) -> str:
        parts = [number.subset]
        parts += [f"on {number.eval_set}"] if eval_set and asked is None else []
        parts += [f"({number.what})"] if what else []
        parts += [_WHEN[number.when]] if number.when != "end" else []
        parts += [f"after {number.stage}"] if number.stage else []
        return " ".join(parts)

    return _sum(side, told) + (f" on {asked}" if asked is not None else "")


def _common(values: Iterable[str]) -> str | None:
    """What all are, if they are the same."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _sum(side: Side, told: Callable[[Number], str]) -> str:
    """A side in words.

    >>> _sum(difference(exact_match("A", "X1"), exact_match("B", "X1")), lambda number: number.subset)
    'A - B'
    >>> _sum(mean(exact_match("A", "X1"), exact_match("B", "X1")), lambda number: number.subset)
    'mean of A, B'
    """
    if not side.terms:
        return f"{side.constant:g}"
    weights = {weight for weight, _ in side.terms}
    words = [told(number) for _, number in side.terms]
    if len(words) > 1 and weights == {1 / len(words)}:
        return f"mean of {', '.join(words)}"
    text = ""
    for (weight, _), word in zip(side.terms, words, strict=True):
        size = "" if abs(weight) == 1 else f"{abs(weight):.3g} "
        text += (" - " if weight < 0 else " + " if text else "") + size + word
    return text.strip()
