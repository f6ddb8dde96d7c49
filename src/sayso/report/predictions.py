"""What models said, as a table: one row a question."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd

from sayso.core.predictions import OF_EACH, Answered
from sayso.core.store import Store
from sayso.report.table import load

#: Columns of the table.
COLUMNS = ("cell", *(field.name for field in fields(Answered)))


def predictions_frame(store: Store) -> pd.DataFrame:
    """What models said to each question at the ends of stages: the cell, then the fields of `Answered`.

    Empty where no job kept it.

    Raises
    ------
    SaysoError
        If no job has finished, or a file is damaged.
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for cell, each in store.predictions():
        own = {"cell": cell, **{name: getattr(each, name) for name in COLUMNS[1:]}}
        for name, column in columns.items():
            column += own[name] if name in OF_EACH else [own[name]] * len(each.said)
    if not columns["said"]:
        load(store)  # says so where nothing has finished, or this is no results folder at all
    return pd.DataFrame(columns)
