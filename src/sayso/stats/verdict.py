"""How a claim is decided, and what was found, as plain data.

A claim says that a difference is above zero, or that it lies within a margin. It holds, fails, or is undecided: a
p-value above 0.05 alone never makes a claim fail. `sayso.stats.decisions` has the rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sayso.stats import numbers
from sayso.stats.comparisons import Comparison
from sayso.stats.decisions import FAILS, HOLDS, LEAST_SEEDS, Moments, holm, outcomes, p_values
from sayso.stats.forecast import MOST_SEEDS, forecast
from sayso.stats.looks import Looks

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Decision:
    """An outcome, why in words, and how many more seeds would decide it (None: not needed, or out of reach)."""

    outcome: Outcome
    reason: str
    more_seeds: int | None = None


@dataclass(frozen=True)
class Finding:
    """A claim and what was found of it, to be judged; see `Verdict`. `margin` makes it a claim of equality."""

    claim: str
    sentence: str
    section: str
    contrast: str
    comparison: Comparison
    margin: float | None = None


@dataclass(frozen=True)
class Verdict:
    """A claim, judged on the records of one cell.

    `claim` is its short name, `sentence` what it says, `section` where the paper says it, `contrast` which numbers
    were compared. `comparison` holds the difference and its interval. `p`: the p-value that speaks for the claim,
    corrected for the number of claims of the cell (Holm) and for looks, so that it holds below .05; `p_against`: the
    same of the one that speaks against it. `looks` says how often seeds were looked at. `control`: the same difference
    in the control, where that was run.
    """

    cell: str
    claim: str
    sentence: str
    section: str
    contrast: str
    comparison: Comparison
    margin: float | None
    p: float
    p_against: float
    decision: Decision
    looks: Looks
    control: Comparison | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether the claim holds, fails, or is undecided."""
        return self.decision.outcome

    @property
    def difference(self) -> str:
        """The difference and its 95% interval, in words."""
        return numbers.difference(self.comparison)


def judge_together(cell: str, findings: Sequence[Finding], looks: Looks, worth: float) -> list[Verdict]:
    """Judge a family of claims: their p-values are corrected together. `worth`: the smallest effect worth having."""
    if not findings:
        return []
    found = Moments(
        *(
            np.array([getattr(finding.comparison, name) for finding in findings], dtype=float)
            for name in ("difference", "deviation", "seeds")
        )
    )
    margins = np.array([math.nan if finding.margin is None else finding.margin for finding in findings])
    for_, against = (holm(p) for p in p_values(found, margins, worth))
    came = outcomes(for_, against, looks.level)
    tested = ~np.isnan(for_)
    open_, tests = int((tested & (came != HOLDS)).sum()), int(tested.sum())
    return [
        Verdict(
            cell=cell,
            claim=finding.claim,
            sentence=finding.sentence,
            section=finding.section,
            contrast=finding.contrast,
            comparison=finding.comparison,
            margin=finding.margin,
            p=looks.scaled(float(p)),
            p_against=looks.scaled(float(p_against)),
            decision=_decide(finding, int(outcome), looks, worth, open_, tests),
            looks=looks,
        )
        for finding, p, p_against, outcome in zip(findings, for_, against, came, strict=True)
    ]


def _decide(finding: Finding, outcome: int, looks: Looks, worth: float, open_: int, tests: int) -> Decision:
    found, margin = finding.comparison, finding.margin
    if found.seeds == 0:
        return Decision("undecided", numbers.NOT_MEASURED)
    if found.seeds < LEAST_SEEDS:
        few = "1 seed is" if found.seeds == 1 else f"{found.seeds} seeds are"
        return Decision("undecided", f"{few} too few", LEAST_SEEDS - found.seeds)
    if not found.deviation > 0:
        return Decision("undecided", "all seeds give the same difference, which leaves no spread to test against")
    if outcome == HOLDS:
        equal = margin is not None
        return Decision(
            "holds", f"equal within {margin:.3g}" if equal else f"greater in {found.positive} of {found.seeds}"
        )
    if outcome == FAILS:
        return Decision("fails", _against(finding, worth))
    if looks.interim:
        return Decision("undecided", f"{looks.finished} of {looks.planned} planned seeds are there")
    return _undecided(finding, looks, worth, open_, tests)


def _against(finding: Finding, worth: float) -> str:
    if finding.margin is not None:
        return f"they differ by more than {finding.margin:.3g}"
    if finding.comparison.high < 0:
        return "the difference goes the other way"
    return f"a difference of {worth:.3g} or more is excluded"


def _undecided(finding: Finding, looks: Looks, worth: float, open_: int, tests: int) -> Decision:
    found = finding.comparison
    margin = math.nan if finding.margin is None else finding.margin
    expected = forecast(
        found.difference,
        found.deviation,
        found.seeds,
        margin,
        worth,
        level=looks.next_level,
        open_=max(open_, 1),
        tests=max(tests, 1),
    )
    assert expected is not None
    share = f"{expected.decided:.0%} of cases"
    if expected.more is None:
        return Decision("undecided", f"even {MOST_SEEDS} seeds would decide it in only {share}")
    more = numbers.count(expected.more, "more seed")
    return Decision(
        "undecided", f"about {more} would decide it in {share}, most likely that it {expected.likely}", expected.more
    )
