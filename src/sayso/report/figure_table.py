"""The numbers of a chart as they stand beside it in a page: a table to read, and all of them as CSV to take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pandas as pd

from sayso.report.table import to_csv


@dataclass(frozen=True)
class FigureTable:
    """Columns and rows of text; `alike` says what is the same in all of them and has no column."""

    alike: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def figure_table(data: pd.DataFrame) -> FigureTable:
    """The data of a chart to read: numbers with three digits, what is the same everywhere said once."""
    same = [name for name in data.columns if len(data) > 1 and data[name].nunique(dropna=False) == 1]
    differ = [name for name in data.columns if name not in same]
    columns = [[_text(value) for value in data[name]] for name in differ]
    said = ((name, _text(data[name].iloc[0])) for name in same)
    return FigureTable(
        ", ".join(f"{name} {text}" for name, text in said if text), differ, list(zip(*columns, strict=True))
    )


def csv_link(text: str) -> str:
    """A link that holds a CSV file: it needs no server and no script."""
    return f"data:text/csv;charset=utf-8,{quote(text, safe=' ,:;/()=+.-_')}".replace(" ", "%20")


def data_link(data: pd.DataFrame) -> str:
    """A link that holds the data of a chart as CSV."""
    return csv_link(to_csv(data))


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
    return str(value)
