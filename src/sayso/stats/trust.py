"""Whom a model trusts, from the records of an experiment of `sayso.paper.trust`: sources compared on each number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sayso.core import squares
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.stats.comparisons import ALPHA
from sayso.stats.decisions import holm
from sayso.stats.numbers import count
from sayso.stats.omnibus import Omnibus, omnibus
from sayso.stats.values import ATTRIBUTION, by_seed, for_statistics, stage_training


@dataclass(frozen=True)
class Number:
    """A number that says how much a definition is believed, the more the greater.

    Parameters
    ----------
    asked
        ``attribution`` or ``questions``.
    called
        What is measured there, in words.
    measure
        Name of the measure.
    what
        Which of its numbers.
    eval_set
        Name of the evaluation set.
    """

    asked: str
    called: str
    measure: str
    what: str
    eval_set: str

    @property
    def title(self) -> str:
        """What it is, in words."""
        return f"{self.called} on {self.asked}"


#: Belief in what a definition implies against what other entities' would, and exact match beside it.
_CALLED = (("calibrated log-odds", "belief", "calibrated_log_odds"), ("exact match", "exact_match", ""))
_ASKED = (("attribution", ATTRIBUTION), ("questions", "validation"))

#: The verdict rests on the first of what is measured that there is; all else stands beside it.
NUMBERS = tuple(
    Number(asked, called, measure, what, eval_set) for called, measure, what in _CALLED for asked, eval_set in _ASKED
)


@dataclass(frozen=True)
class Trusted:
    """Sources compared on one number.

    Parameters
    ----------
    number
        The number.
    judged
        Whether the verdict rests on it.
    p
        P-value of no difference among sources at all, corrected (Holm) over the numbers judged and for looks at the
        data; not corrected of the others.
    undefined
        The mean of aliases that nobody defines.
    found
        How sources rank, and how much they differ.
    """

    number: Number
    judged: bool
    p: float
    undefined: float
    found: Omnibus

    @property
    def differ(self) -> bool:
        """Whether it is shown that sources differ."""
        return self.p < ALPHA


def trusted(
    records: pd.DataFrame, experiment: Experiment, *, twins: bool = False, level: float = ALPHA
) -> list[Trusted]:
    """Compare the sources of an experiment on every number there is.

    Parameters
    ----------
    records
        Its records (`sayso.stats.values.records_frame`).
    twins
        Whether the second half of its sources are the first once more, and only twins are compared.
    level
        That of the verdict at this look at the data (`sayso.stats.looks.Looks`).

    Raises
    ------
    SaysoError
        If too few squares of seeds are whole yet.
    """
    table = for_statistics(records)
    source_of = {subset.name: subset.source for subset in experiment.subsets if subset.source is not None}
    undefined = [subset.name for subset in experiment.subsets if subset.source is None]
    stage = stage_training(experiment, "X2") or ""
    rows: list[tuple[Number, float, Omnibus]] = []
    for number in NUMBERS:
        wide = by_seed(
            table, cell="main", stage=stage, measure=number.measure, eval_set=number.eval_set, what=number.what
        )
        if wide.empty:
            continue
        found = omnibus(wide.reindex(columns=list(source_of)).rename(columns=source_of), twins=twins)
        rows.append((number, float(wide.reindex(columns=undefined).mean().mean()), found))
    if not any(found.ranking for _, _, found in rows):
        order = len(source_of)
        needed = count(squares.least(order), "whole square")
        raise SaysoError(f"{experiment.name}: {needed} of {order} seeds must have finished; the same command goes on")
    judged = [number.measure == rows[0][0].measure for number, _, _ in rows]
    raw = np.array([found.p for (_, _, found), own in zip(rows, judged, strict=True) if own])
    corrected = iter(np.minimum(holm(raw) * (ALPHA / level), 1))
    return [
        Trusted(number, own, float(next(corrected)) if own else found.p, mean, found)
        for (number, mean, found), own in zip(rows, judged, strict=True)
    ]
