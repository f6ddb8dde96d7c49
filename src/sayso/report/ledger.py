"""What each subset contributed to training, as a table of seeds and as people read it.

A comparison of two subsets is fair if they have equal documents, and on average over seeds equal tokens, equal shares
of the loss and equal places in an epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass

import pandas as pd

from sayso.core.ledger import CONTRIBUTION_COLUMNS
from sayso.core.store import Store
from sayso.report.table import load
from sayso.stats.values import ordered

#: What is said of a folder that has none.
NO_LEDGER = "what each subset contributed to training is not known: this folder was made before sayso kept it"

#: Columns of what is shown of a stage.
SHOWN = ("subset", "kind", "documents", "tokens", "share of the loss", "place")

_AMOUNTS = ["documents", "tokens", "counted", "share", "place"]
_OF = ["cell", "stage", "part", "subset", "kind"]


@dataclass(frozen=True)
class StageLedger:
    """Contributions to one stage as texts, a row each, with `SHOWN` columns."""

    title: str
    rows: list[tuple[str, ...]]


def ledger_frame(store: Store) -> pd.DataFrame:
    """What each subset contributed in every seed: the cell, then the fields of `sayso.core.ledger.Contribution`.

    Empty where no job kept a ledger. A seed that was run in two jobs counts once.

    Raises
    ------
    SaysoError
        If no job has finished, or a file is damaged.
    """
    found = [(cell, *astuple(each)) for cell, each in store.ledger()]
    if not found:
        load(store)  # says so where nothing has finished, or this is no results folder at all
    table = pd.DataFrame(found, columns=["cell", *CONTRIBUTION_COLUMNS])
    return table.drop_duplicates([*_OF, "seed", "stage2_seed"], ignore_index=True)


def mean_contributions(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of each cell, stage, part, subset and kind, stage-2 seeds averaged first; `seeds` have it."""
    by_seed = table.groupby([*_OF, "seed"], sort=False)[_AMOUNTS].mean()
    groups = by_seed.groupby(level=_OF, sort=False)
    return groups.mean().assign(seeds=groups.size()).reset_index()


def stage_ledgers(table: pd.DataFrame) -> Iterator[StageLedger]:
    """Means over seeds for people to read, one table for each cell and stage, subsets in the order of Table 1."""
    means = mean_contributions(table)
    several = means["cell"].nunique() > 1
    for (cell, stage), rows in means.groupby(["cell", "stage"], sort=False):
        rank = {name: place for place, name in enumerate(ordered(set(rows["subset"])))}
        in_order = rows.sort_values(
            ["subset", "kind"], key=lambda column: column.map(rank) if column.name == "subset" else column
        )
        yield StageLedger(
            f"{cell}: {stage}" if several else str(stage),
            [
                (
                    ("world: " if row.part == "world" else "") + str(row.subset),
                    str(row.kind),
                    f"{row.documents:,.0f}",
                    f"{row.tokens:,.0f}",
                    f"{row.share:.4f}",
                    f"{row.place:.3f}",
                )
                for row in in_order.itertuples(index=False)
            ],
        )
