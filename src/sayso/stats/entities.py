"""Whether a difference of two subsets holds for other seeds and other entities too.

Where entities are shared, every seed asks about the same ones, and a model may take one entity's definitions to heart
and not another's. An interval over seeds then says what other seeds would give with these entities. The one here says
what other seeds would give with other entities of the kind: both are drawn, and entities are crossed with seeds.

The variance is that of Cameron, Gelbach and Miller (2011) for two crossed ways of clustering: that over seeds, plus
that over entities, minus that over their pairs, which both of the first hold. The entities' part is never less than 0,
so the interval is about as wide as that over seeds where entities do not differ. (Drawing seeds and entities anew, with
weights multiplied, counts the pairs three times: a third to two thirds wider there.) The critical value is Student's,
with the degrees of freedom of the fewer of seeds and entities.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from sayso.core.experiment import Experiment
from sayso.stats.comparisons import ALPHA, Interval
from sayso.stats.values import GAP, stage_training

#: The measure that has a record an entity (`sayso.measures.by_entity`).
BY_ENTITY = "exact_match_by_entity"

#: Fewer seeds, or fewer entities, than this say nothing about others of them.
FEWEST = 3


def entity_check(table: pd.DataFrame, experiment: Experiment, cell: str, eval_set: str) -> Interval | None:
    """The internalization gap of a cell with an interval over seeds and entities, after the last stage that trains it.

    Parameters
    ----------
    table
        All records (`sayso.stats.values.records_frame`), before any averages over stage-2 seeds were taken.
    eval_set
        An evaluation set, or the beginning of the names of several (``entity_attribution``), which are taken together.

    Returns
    -------
    Interval or None
        None where no such records were kept, or of fewer than `FEWEST` seeds or entities.
    """
    stage = stage_training(experiment, "X1" if experiment.in_context is not None else "X2")
    rows = table[(table["measure"] == BY_ENTITY) & (table["cell"] == cell) & (table["stage"] == stage)]
    rows = rows[(rows["epoch"] == rows["epoch"].max()) & rows["value"].notna()]
    several = rows["eval_set"].str.startswith(f"{eval_set}.")
    rows = rows[several if several.any() else rows["eval_set"] == eval_set]
    rows = rows[rows["subset"].isin(GAP)]
    if rows.empty:
        return None
    rows = rows.assign(right=rows["value"] * rows["n"])
    sums = rows.pivot_table(index="seed", columns=["subset", "what"], values=["right", "n"], aggfunc="sum")
    entities = sorted(set(rows["what"]))
    right, asked = (np.stack([_of(sums[name], subset, entities) for subset in GAP]) for name in ("right", "n"))
    return two_way_interval(right, asked)


def _of(sums: pd.DataFrame, subset: str, entities: list[str]) -> NDArray[np.float64]:
    """Sums of one subset, 0 where nothing was asked, shape (seeds, entities)."""
    columns = pd.MultiIndex.from_product([[subset], entities])
    return sums.reindex(columns=columns).fillna(0.0).to_numpy(dtype=float)


def two_way_interval(right: NDArray[np.float64], asked: NDArray[np.float64]) -> Interval | None:
    """The mean over seeds of the difference of two shares, with its 95% interval over seeds and entities.

    Parameters
    ----------
    right, asked
        Right answers and questions of both subsets, by seed and entity, shape (2, seeds, entities). A seed in which
        one of the subsets was asked nothing is left out.

    Returns
    -------
    Interval or None
        None for fewer than `FEWEST` seeds or entities.
    """
    complete = (asked.sum(2) > 0).all(0)
    right, asked = right[:, complete], asked[:, complete]
    there = asked.sum(0) > 0
    seeds, entities, pairs = int(complete.sum()), int(there.any(0).sum()), int(there.sum())
    if min(seeds, entities) < FEWEST:
        return None
    total = asked.sum(2, keepdims=True)
    share = right.sum(2, keepdims=True) / total
    difference = (share[0] - share[1])[:, 0]
    mean = float(difference.mean())
    # What each seed's questions about an entity add to the mean beyond what the seed's others do.
    above = (right - share * asked) / total
    added = (above[0] - above[1]) / seeds
    of_seeds = difference.var(ddof=1) / seeds
    of_entities = (added.sum(0) ** 2).sum() * entities / (entities - 1)
    of_pairs = (added**2).sum() * pairs / (pairs - 1)
    error = float(np.sqrt(of_seeds + max(of_entities - of_pairs, 0.0)))
    half = float(special.stdtrit(min(seeds, entities) - 1, 1 - ALPHA / 2)) * error
    return Interval(mean, mean - half, mean + half, seeds)
