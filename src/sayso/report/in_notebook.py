"""How results look where a notebook shows them: tables as HTML, which Jupyter and marimo take from `_repr_html_`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from sayso.report.whole import claim_row
from sayso.stats.entries import Entry
from sayso.stats.numbers import count, with_interval
from sayso.stats.values import ATTRIBUTION, ordered
from sayso.stats.verdict import Verdict

#: What is asked, as columns call it.
_ASKED = {"validation": "questions", ATTRIBUTION: "attribution"}


def results_html(folder: Path, summary: pd.DataFrame) -> str:
    """Exact match at the end of each stage by subset, a table a cell, means over seeds with 95% intervals.

    `summary`: as `Results.table` gives it.
    """
    rows = summary[(summary["measure"] == "exact_match") & summary["eval_set"].isin(list(_ASKED))]
    cells = list(dict.fromkeys(rows["cell"]))
    parts = [
        f"<p>{escape(str(folder))}: exact match, mean and 95% interval over {count(summary['seeds'].max(), 'seed')}</p>"
    ]
    for cell in cells:
        parts += [f"<p><b>{escape(cell)}</b></p>"] if len(cells) > 1 else []
        parts.append(_of_cell(rows[rows["cell"] == cell]))
    return "".join(parts)


def _of_cell(rows: pd.DataFrame) -> str:
    found = {
        (subset, stage, eval_set): with_interval(mean, low, high)
        for subset, stage, eval_set, mean, low, high in rows[
            ["subset", "stage", "eval_set", "mean", "low", "high"]
        ].itertuples(index=False, name=None)
    }
    columns = [(stage, asked) for stage in dict.fromkeys(rows["stage"]) for asked in _ASKED]
    columns = [column for column in columns if any(key[1:] == column for key in found)]
    header = ("subset", *(f"{stage}, {_ASKED[asked]}" for stage, asked in columns))
    lines = [
        (subset, *(found.get((subset, *column), "") for column in columns)) for subset in ordered(set(rows["subset"]))
    ]
    return html_table(header, lines)


def claims_html(verdicts: Sequence[Verdict]) -> str:
    """Claims with their verdicts, as the command line and the report say them."""
    shown = [claim_row(Entry(verdict.cell, verdict.outcome, verdict), {}) for verdict in verdicts]
    several = len({verdict.cell for verdict in verdicts}) > 1
    keys = ("outcome", "sentence", *(("where",) if several else ()), "found", "p")
    titles = {"outcome": "verdict", "sentence": "claim", "where": "of", "p": "corrected p"}
    return html_table([titles.get(key, key) for key in keys], [[str(row[key]) for key in keys] for row in shown])


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as HTML; text is escaped."""
    head = "".join(f"<th>{escape(title)}</th>" for title in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
