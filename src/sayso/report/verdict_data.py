"""Verdicts as plain data: JSON, and CSV with a row a claim and the same columns always."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sayso.stats.comparisons import Comparison, Interval
from sayso.stats.verdict import Verdict

_SAID = ("family", "cell", "claim", "outcome", "sentence", "section", "contrast")
_JUDGED = ("p_corrected", "margin", "slack", "reason", "more_seeds", "plans", "finished", "interim", "foreseen")
_BESIDE = {"control": Comparison, "over_entities": Interval}

#: Columns of `claims_csv`.
COLUMNS = (
    *_SAID,
    *(field.name for field in fields(Comparison)),
    *_JUDGED,
    *(f"{name}_{field.name}" for name, kind in _BESIDE.items() for field in fields(kind)),
)


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """A verdict as plain data, null where there is no number."""
    judged = {
        "p_corrected": verdict.p_corrected,
        "margin": verdict.margin,
        "slack": verdict.slack,
        "reason": verdict.decision.reason,
        "more_seeds": verdict.decision.more_seeds,
        "plans": verdict.looks.plans,
        "finished": verdict.looks.finished,
        "interim": verdict.looks.interim,
        "foreseen": verdict.foreseen,
    }
    beside = {
        "control": verdict.control and asdict(verdict.control),
        "over_entities": verdict.over_entities and asdict(verdict.over_entities),
    }
    said = {name: getattr(verdict, name) for name in _SAID}
    return _without_nan({**said, **asdict(verdict.comparison), **judged, **beside})


def claims_json(verdicts: Sequence[Verdict]) -> str:
    """JSON text of verdicts: a list of objects, one a line, null where there is no number."""
    return "[\n" + ",\n".join(json.dumps(verdict_data(verdict), ensure_ascii=False) for verdict in verdicts) + "\n]\n"


def claims_csv(verdicts: Iterable[Verdict]) -> str:
    """CSV text of verdicts in `COLUMNS`, an empty field where there is no number."""
    return rows_csv(COLUMNS, (flat(verdict) for verdict in verdicts))


def flat(verdict: Verdict) -> dict[str, object]:
    """A verdict as one row: what stands beside it has columns of its own (``control_difference``)."""
    row: dict[str, object] = {}
    for name, value in verdict_data(verdict).items():
        if name in _BESIDE:
            inner = value if isinstance(value, dict) else {}
            row.update({f"{name}_{key}": item for key, item in inner.items()})
        else:
            row[name] = " ".join(map(str, value)) if isinstance(value, tuple) else value
    return row


def rows_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV text of rows, an empty field where a row lacks a column or has None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _without_nan(found: dict[str, Any]) -> dict[str, Any]:
    """The same with null for NaN, which JSON does not have."""
    return {
        name: _without_nan(item)
        if isinstance(item, dict)
        else (None if isinstance(item, float) and math.isnan(item) else item)
        for name, item in found.items()
    }
