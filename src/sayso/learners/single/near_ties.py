"""What is found in bfloat16 and yet as in float32: whatever hangs on a near tie of tokens is found again.

Bfloat16 changes which token is likeliest only where the best are nearly tied: where their logits differ by less than
rounding moves that difference. How far it does depends on the model and its training, so it is measured each time: some
of the texts are read in both precisions. Rounding is about normal; the largest of the hundred or more differences seen
is about 2.5 standard deviations, and what is allowed for (`MULTIPLE`) therefore about five, which one token in a
million exceeds, and has to be as near to a tie besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sayso.learners.single.generation import Said

#: How many texts are read in both precisions: of the first set when weights have changed, and of each further one.
SAMPLE, FURTHER = 64, 16
#: How often the largest difference seen there is allowed for.
MULTIPLE = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """What was found of a text, and what the model had to say for it."""

    value: T
    said: Said


#: Finds something of some texts, in bfloat16 or in float32.
Find = Callable[[Sequence[int], bool], list[Found[T]]]
#: Whether what was found of a text may be another thing with other tokens, behind by no more than a bound.
MayChange = Callable[[int, Found[T], float], bool]


class Near:
    """Up to which margin tokens are nearly tied: the widest that was found since weights changed."""

    def __init__(self) -> None:
        self._weights: object = None
        self._bound: float | None = None

    def sample(self, count: int, weights: object) -> list[int]:
        """Which of so many texts to read in both precisions; `weights` is another one when they have changed."""
        if weights != self._weights:
            self._weights, self._bound = weights, None
        size = min(count, SAMPLE if self._bound is None else FURTHER)
        return [at * count // size for at in range(size)]

    def widened(self, bound: float) -> float:
        """The bound, now that the texts of a sample ask for this one."""
        self._bound = bound if self._bound is None else max(self._bound, bound)
        return self._bound


def found_exactly(
    find: Find[T],
    count: int,
    may_change: MayChange[T],
    near: Near,
    weights: object = None,
    merged: Callable[[T, T], T] = lambda _rough, exact: exact,
) -> tuple[list[T], int]:
    """Find something of texts 0 to `count` in bfloat16, and anew in float32 where it hangs on a near tie.

    `near`: what is known of near ties; `weights` is another one when they have changed. `merged`: what to take of both
    where a text was read in both precisions. Gives as well how many were read in float32.
    """
    sample = near.sample(count, weights)
    found = find(range(count), True)
    exact = find(sample, False)
    bound = near.widened(bound_of([found[row].said for row in sample], [each.said for each in exact]))
    known = set(sample)
    again = [row for row, each in enumerate(found) if row not in known and may_change(row, each, bound)]
    values = [each.value for each in found]
    for row, each in [*zip(sample, exact, strict=True), *zip(again, find(again, False) if again else [], strict=True)]:
        values[row] = merged(values[row], each.value)
    return values, len(sample) + len(again)


def alternatives(said: Said, bound: float) -> list[list[int]] | None:
    """What may be said instead, up to the first other token: all that are behind by no more than a bound.

    None where there may be more of them than were noted.
    """
    found: list[list[int]] = []
    for place, rivals in enumerate(said.rivals):
        near = [token for token, behind in rivals if not behind > bound]  # or is no number
        if near and len(near) == len(rivals):
            return None
        found += [[*said.tokens[:place], token] for token in near]
    return found


def bound_of(rough: Sequence[Said], exact: Sequence[Said]) -> float:
    """The margin up to which tokens are nearly tied, given what was said to the same texts in both precisions."""
    return MULTIPLE * max((_difference(*pair) for pair in zip(rough, exact, strict=True)), default=0.0)


def _difference(rough: Said, exact: Said) -> float:
    """How far rounding moved a margin at most; another token's is its own lead and the one it made up for."""
    largest = 0.0
    for one, other, (behind, *_), (right, *_) in zip(
        rough.tokens, exact.tokens, rough.rivals, exact.rivals, strict=False
    ):
        lead, true = behind[1], right[1]
        if math.isfinite(lead) and math.isfinite(true):
            largest = max(largest, abs(lead - true) if one == other else lead + true)
        if one != other:
            break
    return largest
