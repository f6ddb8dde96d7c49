"""Experiments as rows: each is another one under a name of its own, with some settings changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sayso.core.experiment import Experiment
from sayso.core.spec import Spec
from sayso.paper.paper_settings import JOINT


@dataclass(frozen=True)
class Row:
    """An experiment that is `like` another one of the table but for `changes`, as `Experiment.vary` takes them."""

    name: str
    like: str
    summary: str
    changes: Mapping[str, Any]


def row(name: str, like: str, summary: str, **changes: Any) -> Row:
    """A row of the table; double underscores stand for dots, a list is an axis, and specs are values."""
    return Row(name, like, summary, changes)


def batches_of(size: int, epochs: int, measure_every: int = 1) -> dict[str, Any]:
    """A stage on X1 and X2 together in batches of so many documents."""
    overrides = {"batch_size": size}
    return {**_plain(JOINT), "epochs": epochs, "overrides": overrides, "measure_every": measure_every}


def table_of(entries: Iterable[Experiment | Row]) -> dict[str, Experiment]:
    """Experiments by name; a row comes after the one it is like."""
    table: dict[str, Experiment] = {}
    for entry in entries:
        if isinstance(entry, Row):
            changes = {path: _plain(value) for path, value in entry.changes.items()}
            table[entry.name] = table[entry.like].vary(entry.name, summary=entry.summary, **changes)
        else:
            table[entry.name] = entry
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.model_dump(mode="json")
    return tuple(_plain(item) for item in value) if isinstance(value, tuple) else value
