"""The tables people read, and those they take elsewhere: final values as text, records as CSV and JSON.

What they hold `sayso.stats.values` works out. A value that could not be measured is an empty text or null.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from sayso.core.errors import SaysoError
from sayso.core.store import Store
from sayso.stats import numbers
from sayso.stats.entities import BY_ENTITY
from sayso.stats.values import AS_DEFINED, ATTRIBUTION, columns_frame, final_table, ordered

_FIRST_SHOWN = ("validation", ATTRIBUTION, AS_DEFINED, "train_qa", "definitions")


def load(store: Store, *, categories: bool = False) -> pd.DataFrame:
    """Table of all records of a results folder; with `categories` as `sayso.stats.values.columns_frame` has it.

    Raises
    ------
    SaysoError
        If no job of it has finished.
    """
    table = columns_frame(store.columns(), categories=categories)
    if table.empty:
        store.experiment()  # says so where this is no results folder at all
        raise SaysoError(f"{store.path}: no finished job yet; 'sayso status {store.path}' says how to go on")
    return table


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Final values as people read them: ``0.543 ± 0.022``, one row a subset, one column an evaluation set.

    The rows are indexed by cell, stage, measure and subset; what was not measured is an empty text. What was measured
    by entity is left out: it would be a table for each of them.
    """
    rows = final_table(table[table["measure"] != BY_ENTITY])
    rows["measure"] = (rows["measure"] + " " + rows["what"]).str.strip()
    rows["text"] = [
        numbers.with_interval(mean, low, high)
        for mean, low, high in zip(rows["mean"], rows["low"], rows["high"], strict=True)
    ]
    index = ["cell", "stage", "measure", "subset"]
    wide = rows.pivot(index=index, columns="eval_set", values="text").fillna("")
    places = rows[index].drop_duplicates().sort_values(index, key=_ranks)
    result: pd.DataFrame = wide.reindex(
        index=pd.MultiIndex.from_frame(places), columns=sorted(wide.columns, key=_eval_set_rank)
    )
    return result


def to_csv(table: pd.DataFrame) -> str:
    """CSV text of a table, an empty field where nothing was measured; equal tables give equal bytes.

    The columns `stage2_seed` and `what` are there only where an experiment has several of them. Several texts in one
    field, such as accepted answers, are a JSON list.
    """
    lists = {
        str(name): [json.dumps(value, ensure_ascii=False) for value in table[name]]
        for name in table
        if len(table) and isinstance(table[name].iloc[0], tuple)
    }
    return _promised(table).assign(**lists).to_csv(index=False, lineterminator="\n")


def to_json(table: pd.DataFrame) -> str:
    """JSON text of a table: a list of objects, one a line, null where nothing was measured."""
    table = _promised(table)
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False, default=_plain) for row in rows) + "\n]\n"


def _promised(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns of stage-2 seeds, or of what is measured, that say nothing."""
    return table.drop(columns=[name for name in ("stage2_seed", "what") if name in table and not table[name].any()])


def _ranks(column: pd.Series[str]) -> pd.Series[int]:
    """Where each name of a column belongs: subsets as in Table 1, all others as they first appear."""
    names = ordered(column.unique()) if column.name == "subset" else list(column.unique())
    return column.map({name: place for place, name in enumerate(names)})


def _eval_set_rank(name: str) -> tuple[int, str]:
    return (_FIRST_SHOWN.index(name) if name in _FIRST_SHOWN else len(_FIRST_SHOWN), name)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)
