"""How a claim is decided, and what was found, as plain data.

A claim says that a difference is above zero, or that it lies within a margin. It holds, fails, or is undecided: a
p-value above 0.05 alone never makes a claim fail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.stats import comparisons as stats
from sayso.stats import numbers
from sayso.stats.comparisons import ALPHA, Comparison

Outcome = Literal["holds", "fails", "undecided"]

#: A gain in exact match below this is not worth having: a claim of one fails if the interval excludes more.
SMALLEST_WORTH = 0.01


@dataclass(frozen=True)
class Decision:
    """An outcome, why in words, and how many more seeds would decide it (None: not needed, or out of reach)."""

    outcome: Outcome
    reason: str
    more_seeds: int | None = None


@dataclass(frozen=True)
class Verdict:
    """A claim, judged on the records of one cell.

    `claim` is its short name, `sentence` what it says, `section` where the paper says it, `contrast` which numbers
    were compared. `comparison` holds the difference and its test; `p` is the p-value the decision rests on (paired
    t-test, or equivalence within `margin`), `p_corrected` the same after Holm's correction over the claims of the
    cell.
    """

    cell: str
    claim: str
    sentence: str
    section: str
    contrast: str
    comparison: Comparison
    margin: float | None
    p: float
    p_corrected: float
    decision: Decision

    @property
    def outcome(self) -> Outcome:
        """Whether the claim holds, fails, or is undecided."""
        return self.decision.outcome

    @property
    def difference(self) -> str:
        """The difference and half the width of its 95% interval."""
        found = self.comparison
        return numbers.plus_minus(found.difference, found.low, found.high, signed=True)


@dataclass(frozen=True)
class Finding:
    """A claim and what was found of it, to be judged; see `Verdict`. `margin` makes it a claim of equality."""

    claim: str
    sentence: str
    section: str
    contrast: str
    comparison: Comparison
    margin: float | None = None

    @property
    def p(self) -> float:
        """The p-value before correction: of the paired t-test, or of equivalence within the margin."""
        return self.comparison.p if self.margin is None else stats.equivalence_p(self.comparison, self.margin)


def judge_together(cell: str, findings: Sequence[Finding]) -> list[Verdict]:
    """Judge claims whose p-values are corrected together (Holm)."""
    p_values = [found.p for found in findings]
    tests = max(1, sum(not math.isnan(p) for p in p_values))
    return [
        Verdict(
            cell=cell,
            claim=found.claim,
            sentence=found.sentence,
            section=found.section,
            contrast=found.contrast,
            comparison=found.comparison,
            margin=found.margin,
            p=p,
            p_corrected=p_corrected,
            decision=decide(found.comparison, p_corrected, found.margin, tests=tests),
        )
        for found, p, p_corrected in zip(findings, p_values, stats.holm(p_values), strict=True)
    ]


def decide(comparison: Comparison, p_corrected: float, margin: float | None = None, *, tests: int = 1) -> Decision:
    """Decide a claim.

    Parameters
    ----------
    comparison
        The first subset against the second, within seeds.
    p_corrected
        Holm-corrected p-value: of the paired t-test, or of equivalence where there is a margin.
    margin
        What counts as equal, in the quantity's own unit; None for a claim that the first is greater.
    tests
        How many claims are tested together: seeds still needed are those for a test at level 0.05 / tests, which
        suffices whatever the others turn out to be.
    """
    if comparison.seeds == 0:
        return Decision("undecided", numbers.NOT_MEASURED)
    if comparison.seeds == 1:
        return Decision("undecided", "one seed has no spread to test against", 1)
    if not comparison.deviation > 0:
        return Decision("undecided", "all seeds give the same difference, which leaves no spread to test against")
    if margin is None:
        return _decide_greater(comparison, p_corrected, ALPHA / tests)
    return _decide_equal(comparison, p_corrected, margin, ALPHA / tests)


def _decide_greater(comparison: Comparison, p_corrected: float, alpha: float) -> Decision:
    if p_corrected < ALPHA and comparison.difference > 0:
        return Decision("holds", f"greater in {comparison.positive} of {comparison.seeds}")
    if p_corrected < ALPHA:
        return Decision("fails", "the difference goes the other way")
    if comparison.high < SMALLEST_WORTH:
        return Decision("fails", f"a difference of {SMALLEST_WORTH} or more is excluded")
    return _undecided(stats.more_seeds_for_difference(comparison, alpha=alpha))


def _decide_equal(comparison: Comparison, p_corrected: float, margin: float, alpha: float) -> Decision:
    if p_corrected < ALPHA:
        return Decision("holds", f"equal within {margin:.3g}")
    if comparison.low > margin or comparison.high < -margin:
        return Decision("fails", f"they differ by more than {margin:.3g}")
    return _undecided(stats.more_seeds_for_equivalence(comparison, margin, alpha=alpha))


def _undecided(more_seeds: int | None) -> Decision:
    if more_seeds is None:
        return Decision("undecided", f"even {stats.MOST_SEEDS} seeds would not decide at the difference seen so far")
    return Decision("undecided", f"about {numbers.count(more_seeds, 'more seed')} would decide", more_seeds)
