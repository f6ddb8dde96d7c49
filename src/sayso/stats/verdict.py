"""Claims with what was found of them, and the verdicts: what holds, fails, or is undecided, why, and how sure that is.

A family is the claims that are judged together, such as those of one figure. `sayso.stats.decisions` has the rule.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sayso.stats import numbers
from sayso.stats.comparisons import LEAST_SEEDS, Comparison, Floats, Interval, Moments, compare
from sayso.stats.decisions import decide, p_values
from sayso.stats.looks import Looks
from sayso.stats.more_seeds import Forecast, forecast

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Decision:
    """An outcome and why.

    Parameters
    ----------
    outcome
        ``holds``, ``fails`` or ``undecided``.
    reason
        Why, in words.
    more_seeds
        How many more seeds would decide it in 4 of 5 cases; None where none are needed, where nothing can be said, and
        where it is more than can be reached.
    """

    outcome: Outcome
    reason: str
    more_seeds: int | None = None


@dataclass(frozen=True, eq=False)
class Finding:
    """A claim and the values it is about, not judged yet.

    `cell`: the one it is about, or what else. `claim` is its short name, `sentence` what it says, `section` where the
    paper says it, `contrast` which numbers are compared. `first`, `second`: one value a seed of the family, NaN where
    not measured. `margin`: within which the two are called equal, None where the first is said to be greater, or with
    `slack` to be less by no more than that. `shares`: the values are shares, between 0 and 1. `headline`: it is what
    the experiment is there to show, and a report says it first.
    """

    cell: str
    claim: str
    sentence: str
    section: str
    contrast: str
    first: Floats
    second: Floats
    margin: float | None = None
    shares: bool = False
    headline: bool = False
    slack: float = 0.0

    @functools.cached_property
    def comparison(self) -> Comparison:
        """The two, compared within seeds."""
        return compare(self.first, self.second, shares=self.shares)


@dataclass(frozen=True, eq=False)
class Family:
    """Claims judged together, on the same seeds.

    `name`: what they have in common, such as a figure of the paper. `seeds`: in the order of the values of each
    finding; `finished` of them are whole. `worth`: the smallest difference worth having (`Experiment.smallest_effect`).
    """

    name: str
    seeds: tuple[int, ...]
    finished: int
    findings: tuple[Finding, ...]
    worth: float

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of the claims."""
        return tuple(found.claim for found in self.findings)

    @property
    def differences(self) -> Floats:
        """First minus second and the claim's slack, (seeds, claims), NaN where not measured."""
        columns = [found.first - found.second + found.slack for found in self.findings]
        return np.column_stack(columns) if columns else np.empty((len(self.seeds), 0))

    @property
    def margins(self) -> Floats:
        """Within which claims call two equal, (claims,); NaN for a claim that the first is greater."""
        return np.array([math.nan if found.margin is None else found.margin for found in self.findings])


@dataclass(frozen=True)
class Verdict:
    """A claim, judged.

    Parameters
    ----------
    family
        What claims were judged together: a figure of the paper.
    cell
        The cell it is about, or what else.
    claim
        Its short name.
    sentence
        What it says.
    section
        Where the paper says it.
    contrast
        Which numbers are compared.
    comparison
        The difference, with its interval.
    margin
        Within which the two are called equal; None where the first is said to be greater, or with `slack` to be less by
        no more than that.
    shares
        The values are shares, between 0 and 1.
    headline
        It is what the experiment is there to show, and a report says it first.
    p_corrected
        The p-value of the decision (that it holds, where it is undecided), corrected for the claims of its family and
        for looks at the data: .05 is the bar, always.
    decision
        The outcome, why, and what more seeds would bring.
    looks
        How often was looked.
    slack
        How much less the first may be.
    control
        The same difference in the control, where that was run.
    over_entities
        The difference with its interval if entities were drawn anew as seeds are, where exact match was kept by entity.
    foreseen
        What was written down before these seeds were run, where something was.
    """

    family: str
    cell: str
    claim: str
    sentence: str
    section: str
    contrast: str
    comparison: Comparison
    margin: float | None
    shares: bool
    headline: bool
    p_corrected: float
    decision: Decision
    looks: Looks
    slack: float = 0.0
    control: Comparison | None = None
    over_entities: Interval | None = None
    foreseen: str | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether the claim holds, fails, or is undecided."""
        return self.decision.outcome

    @property
    def difference(self) -> str:
        """The difference and half the width of its 95% interval."""
        return numbers.difference(self.comparison)

    @property
    def beside(self) -> list[str]:
        """What stands beside it, in words."""
        found = self.over_entities
        texts = [] if self.control is None else [f"control {numbers.difference(self.control)}"]
        if self.foreseen is not None:
            texts.append(f"foreseen: {self.foreseen}")
        if found is not None:
            texts.append(
                f"over seeds and entities {numbers.with_interval(found.mean, found.low, found.high, signed=True)}"
            )
        return texts


def judge_family(family: Family, looks: Looks) -> list[Verdict]:
    """Judge claims together. `looks.finished` is to be the family's own."""
    comparisons = [found.comparison for found in family.findings]
    moments = Moments(
        mean=np.array([found.comparison.difference + found.slack for found in family.findings]),
        deviation=np.array([found.deviation for found in comparisons]),
        seeds=np.array([found.seeds for found in comparisons], dtype=float),
    )
    decided = decide(moments, family.margins, family.worth, looks.level)
    tests = int((~np.isnan(p_values(moments, family.margins, family.worth).holds)).sum())
    verdicts = []
    for place, found in enumerate(family.findings):
        outcome: Outcome = "undecided"
        if decided.holds[place] or decided.fails[place]:
            outcome = "holds" if decided.holds[place] else "fails"
        decision = _decision(found, outcome, bool(decided.opposite[place]), family.worth, tests, looks)
        p = decided.p_fails if outcome == "fails" else decided.p_holds
        verdicts.append(
            Verdict(
                family=family.name,
                cell=found.cell,
                claim=found.claim,
                sentence=found.sentence,
                section=found.section,
                contrast=found.contrast,
                comparison=found.comparison,
                margin=found.margin,
                shares=found.shares,
                headline=found.headline,
                p_corrected=float(p[place]),
                decision=decision,
                looks=looks,
                slack=found.slack,
            )
        )
    return verdicts


def _decision(found: Finding, outcome: Outcome, opposite: bool, worth: float, tests: int, looks: Looks) -> Decision:
    """The outcome with its reason in words."""
    comparison, margin = found.comparison, found.margin
    if outcome == "holds":
        greater = f"greater in {comparison.positive} of {comparison.seeds}"
        if found.slack:
            greater = f"less by no more than {found.slack:.3g}, if at all"
        return Decision(outcome, greater if margin is None else f"equal within {margin:.3g}")
    if outcome == "fails":
        return Decision(outcome, _failing(found, opposite, worth))
    if comparison.seeds == 0:
        return Decision(outcome, numbers.NOT_MEASURED)
    if comparison.seeds == 1:
        return Decision(outcome, "one seed has no spread to test against")
    if comparison.seeds < LEAST_SEEDS:
        return Decision(outcome, f"{comparison.seeds} seeds are too few")
    if not comparison.deviation > 0:
        return Decision(outcome, "all seeds give the same difference, which leaves no spread to test against")
    shifted = dataclasses.replace(comparison, difference=comparison.difference + found.slack)
    expected = forecast(shifted, margin, worth, tests, looks)
    return Decision(outcome, _expectation(expected, found, worth), expected.more if expected.enough else None)


def _failing(found: Finding, opposite: bool, worth: float) -> str:
    if found.margin is not None:
        return f"they differ by more than {found.margin:.3g}"
    if found.slack:
        return f"less by {found.slack:.3g} or more"
    return "the difference goes the other way" if opposite else f"a difference of {worth:g} or more is excluded"


def _expectation(expected: Forecast, found: Finding, worth: float) -> str:
    """What more seeds would bring, in words."""
    if not expected.enough:
        total = found.comparison.seeds + expected.more
        return f"even {total} seeds would decide this in only {100 * expected.share:.0f} of 100 cases"
    what = "it holds" if expected.route == "holds" else _failing(found, expected.route == "opposite", worth)
    return (
        f"about {numbers.count(expected.more, 'more seed')} would decide this in 4 of 5 cases, most likely that {what}"
    )
