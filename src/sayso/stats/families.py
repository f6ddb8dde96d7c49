"""Claims that are judged together: what was found of each, and the same seed by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sayso.stats.comparisons import compare
from sayso.stats.decisions import Floats
from sayso.stats.verdict import Finding


@dataclass(frozen=True)
class Pair:
    """A claim with the values it compares, one a seed: see `sayso.stats.verdict.Finding`.

    `first` and `second` have the seeds as their index; NaN is a value that was not measured. `share`: both are shares.
    """

    claim: str
    sentence: str
    section: str
    contrast: str
    first: pd.Series[float]
    second: pd.Series[float]
    share: bool
    margin: float | None = None

    def finding(self) -> Finding:
        """What was found of the claim over all seeds."""
        found = compare(self.first, self.second, share=self.share)
        return Finding(self.claim, self.sentence, self.section, self.contrast, found, self.margin)


@dataclass(frozen=True)
class Family:
    """Claims of one cell, or of a sweep as a whole.

    `differences`: shape (seeds, claims), NaN where one was not measured; `margins`: shape (claims,), NaN for claims
    that the first is greater.
    """

    cell: str
    findings: tuple[Finding, ...]
    differences: Floats
    margins: Floats

    @classmethod
    def of(cls, cell: str, pairs: Sequence[Pair]) -> Family:
        """Put claims together by their seeds."""
        by_seed = pd.DataFrame({pair.claim: pair.first - pair.second for pair in pairs})
        margins = [math.nan if pair.margin is None else pair.margin for pair in pairs]
        return cls(
            cell,
            tuple(pair.finding() for pair in pairs),
            by_seed.to_numpy(dtype=float),
            np.array(margins, dtype=float),
        )
