"""What ``sayso paper`` prints: how many claims of each figure came to what, and then each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.report.verdict_data import verdict_data
from sayso.report.whole import found, where
from sayso.stats.entries import TOLD, Figure, counts


def ledger(figures: Sequence[Figure], refused: Mapping[str, str]) -> RenderableType:
    """A line a figure, the claims that do not hold, and what could not be run."""
    rows = [(figure.name, *(str(count or "") for count in counts(figure.entries).values())) for figure in figures]
    total = counts(entry for figure in figures for entry in figure.entries)
    parts: list[RenderableType] = [plain_table(("figure", *TOLD), [*rows, ("all", *map(str, total.values()))])]
    for figure in figures:
        told = [entry for entry in figure.entries if entry.told in ("fails", "undecided")]
        if told:
            parts.append(Text(figure.name, style="bold"))
            parts.append(
                plain_table(
                    ("verdict", "claim", "experiment", "found"),
                    [(entry.told, entry.verdict.sentence, where(entry), found(entry)) for entry in told],
                )
            )
    parts += [Text(f"cannot be run here: {name}: {reason}") for name, reason in refused.items()]
    return Group(*parts)


def as_data(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Every claim as plain data."""
    return [
        {"figure": figure.name, "experiment": entry.experiment, **verdict_data(entry.verdict), "outcome": entry.told}
        for figure in figures
        for entry in figure.entries
    ]
