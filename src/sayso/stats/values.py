"""Records as a table of values: one row a number, then one value of each quantity a seed, then means over seeds.

    table = records_frame(records)              experiment cell seed stage epoch measure eval_set subset value n
    for_statistics(table)                       the same, averaged over stage-2 seeds, average attribution added
    by_seed(table, cell=..., stage=..., ...)    one row a seed, one column a subset
    gap_points(table, ...)                      the internalization gap of each seed

A value that could not be measured is NaN here, and never counted as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sayso.core.columns import NUMBERS, Columns
from sayso.core.experiment import Experiment
from sayso.core.records import COLUMNS, Record
from sayso.core.subsets import Group
from sayso.stats.comparisons import Moments, share_bounds, t_bounds

#: Name of the average over the phrasings of the entity attribution question, and the start of theirs.
ATTRIBUTION = "entity_attribution"

#: The same for aliases that are defined wrongly, with the entity their definitions name taken as the right answer.
AS_DEFINED = "attribution_as_defined"

#: What a mean over seeds is taken of.
QUANTITY = ("cell", "stage", "epoch", "measure", "what", "eval_set", "subset")

#: The internalization gap is exact match on the first of these subsets minus that on the second.
GAP = ("D5cons", "D6cons")

#: Measures whose values are shares, between 0 and 1.
SHARES = ("exact_match", "exact_match_by_attribute", "f1")

#: The numbers of `sayso.measures.belief` that are: calibrated or not, all but log-odds.
SHARES_OF_BELIEF = ("accuracy", "reciprocal_rank", "versus")

_IDENTITY = [name for name in COLUMNS if name not in ("value", "n")]
_TYPES = {"seed": "int64", "stage2_seed": "int64", "epoch": "int64", "n": "int64", "value": "float64"}
_of_record = attrgetter(*COLUMNS)

#: What pandas takes text to be.
_TEXT = pd.Series(["text"]).dtype


def records_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Make a table of records, in their order; a seed that was run in two jobs counts once."""
    rows = [_of_record(record) for record in records]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(_TYPES)
    return table.drop_duplicates(_IDENTITY, ignore_index=True)


def columns_frame(columns: Columns, *, categories: bool = False) -> pd.DataFrame:
    """As `records_frame`, of columns; text as categories takes a quarter of the memory, and `final_table` knows it."""
    if not len(columns):
        return records_frame([])
    once = ~_repeated(columns)
    table: dict[str, Any] = {}
    for name in COLUMNS:
        if name in NUMBERS:
            table[name] = columns.numbers(name)[once]
        else:
            codes, texts = columns.texts(name)
            known = pd.Index(texts, dtype=_TEXT)
            table[name] = pd.Categorical.from_codes(codes[once], known) if categories else known.array.take(codes[once])
    return pd.DataFrame(table, copy=False)


def _repeated(columns: Columns) -> NDArray[np.bool_]:
    """Which records are of what an earlier one is of, in all but value and `n`."""
    place, places = np.zeros(len(columns), dtype=np.int64), 1
    for name in _IDENTITY:
        codes, texts = pd.factorize(columns.numbers(name)) if name in NUMBERS else columns.texts(name)
        if places * len(texts) >= 2**62:
            place, found = pd.factorize(place)
            places = len(found)
        place, places = place * len(texts) + codes, places * len(texts)
    return pd.Series(place).duplicated().to_numpy()


def for_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Make one value of each quantity a seed: the table `summary`, `by_seed` and `final` are meant for."""
    return with_attribution(average_stage2_seeds(table))


def average_stage2_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the stage-2 seeds within each seed, which are no independent runs; `n` counts all their examples.

    NaN where one of them is. The column `stage2_seed` is 0 in the result.
    """
    if not table["stage2_seed"].any():
        return table
    keys = [name for name in _IDENTITY if name != "stage2_seed"]
    return _average(table, keys).assign(stage2_seed=0)[list(COLUMNS)]


def with_attribution(table: pd.DataFrame) -> pd.DataFrame:
    """Add the average over the phrasings of the entity attribution question, as evaluation set ``entity_attribution``.

    Likewise ``attribution_as_defined``. The average is taken within each seed; it is NaN where a phrasing is. `n`
    counts the questions of all phrasings.
    """
    keys = [name for name in _IDENTITY if name != "eval_set"]
    averages = []
    added = (ATTRIBUTION, AS_DEFINED)
    if isinstance(table["eval_set"].dtype, pd.CategoricalDtype):
        known = table["eval_set"].cat.categories
        more = [name for name in added if name not in known]
        table = table.assign(eval_set=table["eval_set"].cat.add_categories(more))
    kind = table["eval_set"].dtype
    for eval_set in added:
        phrasings = table[table["eval_set"].str.startswith(f"{eval_set}.")]
        if not phrasings.empty:
            average = _average(phrasings, keys)
            name = pd.Series(eval_set, index=average.index).astype(kind)
            averages.append(average.assign(eval_set=name)[list(COLUMNS)])
    return pd.concat([table, *averages], ignore_index=True) if averages else table


def _average(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean value and total `n` of the rows that agree in `keys`; NaN where one of them is NaN."""
    groups = table.groupby(keys, sort=False, observed=True)
    mean = groups["value"].mean().where(groups["value"].count() == groups.size())
    return pd.DataFrame({"value": mean, "n": groups["n"].sum()}).reset_index()


def final(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last epoch of each stage of each cell."""
    last = table.groupby(["cell", "stage"], observed=True)["epoch"].transform("max")
    return table[table["epoch"] == last]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with its 95% interval (`low`, `high`), for each quantity; `seeds` have been measured.

    Intervals of shares stay between 0 and 1. There is none with fewer than `LEAST_SEEDS` seeds (NaN).
    """
    values = table.groupby(list(QUANTITY), sort=False, observed=True)["value"]
    rows = pd.DataFrame({"mean": values.mean(), "deviation": values.std(), "seeds": values.count()}).reset_index()
    found = Moments(*(rows[name].to_numpy(dtype=float) for name in ("mean", "deviation", "seeds")))
    whats = rows["what"].astype(_TEXT).str.removeprefix("calibrated_")
    shares = (rows["measure"].isin(SHARES) | (rows["measure"].eq("belief") & whats.isin(SHARES_OF_BELIEF))).to_numpy()
    for name, of_share, of_other in zip(("low", "high"), share_bounds(found), t_bounds(found), strict=True):
        rows[name] = np.where(shares, of_share, of_other)
    return rows[[*QUANTITY, "mean", "low", "high", "seeds"]]


def final_table(table: pd.DataFrame) -> pd.DataFrame:
    """The results people read: `summary` after the last epoch of each stage, the average attribution included."""
    rows = summary(final(for_statistics(table)))
    texts = {name: _TEXT for name in QUANTITY if isinstance(rows[name].dtype, pd.CategoricalDtype)}
    return rows.astype(texts)


def by_seed(table: pd.DataFrame, *, cell: str, stage: str, measure: str, eval_set: str, what: str = "") -> pd.DataFrame:
    """Values of one quantity at the end of a stage: one row a seed, one column a subset, NaN where not measured."""
    rows = table[(table["cell"] == cell) & (table["stage"] == stage)]
    rows = rows[rows["epoch"] == rows["epoch"].max()]
    rows = rows[(rows["measure"] == measure) & (rows["what"] == what) & (rows["eval_set"] == eval_set)]
    wide = rows.pivot(index="seed", columns="subset", values="value").sort_index()
    in_order: pd.DataFrame = wide.reindex(columns=ordered(wide.columns))
    return in_order


def gap_points(table: pd.DataFrame, experiment: Experiment, cell: str, eval_sets: Sequence[str]) -> pd.DataFrame:
    """The internalization gap of each seed at the end of stage 2, by evaluation set, smallest first.

    With definitions in context nothing is trained on X2, and the gap is that at the end of stage 1.

    Columns: cell, eval_set, seed, the exact match of both subsets, gap. Empty where there is nothing to compare.
    """
    stage = stage_training(experiment, "X1" if experiment.in_context is not None else "X2") or ""
    first, second = GAP
    parts = []
    for eval_set in eval_sets:
        found = by_seed(table, cell=cell, stage=stage, measure="exact_match", eval_set=eval_set)
        pair = found.reindex(columns=list(GAP)).dropna()
        pair = pair.assign(gap=pair[first] - pair[second]).sort_values("gap", kind="stable").reset_index()
        parts.append(pair.assign(cell=cell, eval_set=eval_set))
    return pd.concat(parts, ignore_index=True)[["cell", "eval_set", "seed", first, second, "gap"]]


def stage_training(experiment: Experiment, part: Group) -> str | None:
    """Name of the last stage that trains on a part of the data (``X1``, ``X2``), None where none does."""
    names = [stage.name for stage in experiment.stages if part in stage.parts and stage.epochs > 0]
    return names[-1] if names else None


def ordered(names: Iterable[str]) -> list[str]:
    """Subsets in the order of Table 1, by the number in their names; anything else after them by name."""
    return sorted(names, key=_subset_rank)


def _subset_rank(name: str) -> tuple[float, str]:
    number = re.match(r"(?:QA|D)(\d+)", name)
    return (int(number[1]) if number else np.inf, name)
