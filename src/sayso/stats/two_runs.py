"""The same numbers in two runs: by how much they differ, and how sure that is.

Where both have the same seeds, what they drew is the same (aliases, tags, splits), and they are compared seed by seed.
Where not, as two samples (Welch's test). P-values are corrected (Holm) over all numbers that are compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from scipy import special

from sayso.stats.comparisons import ALPHA, LEAST_SEEDS, compare, moments
from sayso.stats.decisions import holm
from sayso.stats.entities import BY_ENTITY
from sayso.stats.values import QUANTITY, final, for_statistics
from sayso.stats.verdict import Verdict

#: What a number is of, whichever run it is from.
NUMBER = tuple(name for name in QUANTITY if name != "epoch")


@dataclass(frozen=True)
class Change:
    """A number in two runs.

    Parameters
    ----------
    first
        Its mean over the seeds of the first.
    second
        Its mean over those of the second.
    difference
        The second minus the first.
    low
        Lower end of its 95% interval; NaN where one run has fewer than 3 seeds, the difference itself where there is no
        spread.
    high
        Upper end, as `low`.
    p
        P-value of no difference, not corrected; NaN where there is no interval or no spread.
    seeds
        How many of each were measured.
    paired
        Whether they were compared seed by seed.
    same
        Every seed has the same value in both, to the last digit that is kept.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    seeds: tuple[int, int]
    paired: bool
    same: bool


@dataclass(frozen=True)
class ClaimCompared:
    """A claim that both runs can test.

    Parameters
    ----------
    first
        Its verdict in the first.
    second
        Its verdict in the second.
    change
        How the difference that it is about changed.
    """

    first: Verdict
    second: Verdict
    change: Change


def change(first: pd.Series[float], second: pd.Series[float]) -> Change:
    """Compare a number of two runs, given by seed; NaN is a value that was not measured."""
    one, other = first.dropna().sort_index(), second.dropna().sort_index()
    paired = len(one) > 0 and one.index.equals(other.index)
    low, high, p = _paired(one, other) if paired else _apart(one, other)
    means = [float(own.mean()) if len(own) else math.nan for own in (one, other)]
    return Change(
        first=means[0],
        second=means[1],
        difference=means[1] - means[0],
        low=low,
        high=high,
        p=p,
        seeds=(len(one), len(other)),
        paired=paired,
        same=paired and bool((one.to_numpy() == other.to_numpy()).all()),
    )


def changes(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Every number that both runs have at the end of a stage.

    Parameters
    ----------
    first, second
        All records of each (`sayso.stats.values.records_frame`).

    Returns
    -------
    DataFrame
        A row a number: `NUMBER`, the fields of `Change`, and ``p_corrected``. In the order of the first run.
    """
    found = [_by_number(table) for table in (first, second)]
    rows = []
    for number, values in found[0].items():
        if number in found[1]:
            own = change(values, found[1][number])
            fields = {name: getattr(own, name) for name in Change.__dataclass_fields__ if name != "seeds"}
            seeds = dict(zip(("seeds_first", "seeds_second"), own.seeds, strict=True))
            rows.append({**dict(zip(NUMBER, number, strict=True)), **fields, **seeds})
    columns = [
        *NUMBER,
        *(name for name in Change.__dataclass_fields__ if name != "seeds"),
        "seeds_first",
        "seeds_second",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(p_corrected=holm(table["p"].to_numpy(dtype=float)) if rows else [])


def _by_number(table: pd.DataFrame) -> dict[tuple[str, ...], pd.Series[float]]:
    rows = final(for_statistics(table[table["measure"] != BY_ENTITY]))
    groups = rows.set_index("seed").groupby(list(NUMBER), sort=False)["value"]
    return {tuple(map(str, number)): own for number, own in groups}


def _paired(one: pd.Series[float], other: pd.Series[float]) -> tuple[float, float, float]:
    """Ends of the interval, and the p-value, of differences within seeds."""
    found = compare(other.to_numpy(), one.to_numpy())
    if found.seeds < LEAST_SEEDS or not found.deviation > 0:
        return found.low, found.high, math.nan
    error = found.deviation / math.sqrt(found.seeds)
    return found.low, found.high, float(2 * special.stdtr(found.seeds - 1, -abs(found.difference) / error))


def _apart(one: pd.Series[float], other: pd.Series[float]) -> tuple[float, float, float]:
    """The same of two samples (Welch's test); values that differ by rounding alone have no spread."""
    if min(len(one), len(other)) < LEAST_SEEDS:
        return math.nan, math.nan, math.nan
    found = [moments(own.to_numpy()[:, None], [own.abs().max()]) for own in (one, other)]
    apart = float(found[1].mean[0] - found[0].mean[0])
    parts = [float(own.deviation[0]) ** 2 / float(own.seeds[0]) for own in found]
    variance = sum(parts)
    if not variance > 0:
        return apart, apart, math.nan
    shares = [part / variance for part in parts]
    freedom = 1 / sum(share**2 / (float(own.seeds[0]) - 1) for share, own in zip(shares, found, strict=True))
    error = math.sqrt(variance)
    half = float(special.stdtrit(freedom, 1 - ALPHA / 2)) * error
    return apart - half, apart + half, float(2 * special.stdtr(freedom, -abs(apart) / error))


def differing(table: pd.DataFrame) -> pd.DataFrame:
    """Those rows of `changes` that differ after correction, or in every seed by the same; the surest first."""
    always = (table["low"] == table["high"]) & (table["difference"] != 0)
    found = table[(table["p_corrected"] < ALPHA) | always]
    return found.sort_values("p_corrected", kind="stable", na_position="first")
