"""What models said, as a table: one row a question."""

from __future__ import annotations

from dataclasses import asdict, fields

import pandas as pd

from sayso.core.predictions import Answered
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
    parts = [pd.DataFrame({"cell": cell, **asdict(each)}) for cell, each in store.predictions() if each.said]
    if not parts:
        load(store)  # says so where nothing has finished, or this is no results folder at all
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
