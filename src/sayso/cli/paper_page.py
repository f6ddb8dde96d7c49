"""What ``sayso paper`` prints: how many claims of each figure came to what, and then each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.paper.costs import CARD, cost_of
from sayso.report.verdict_data import verdict_data
from sayso.report.whole import found, where
from sayso.runs.under_way import duration
from sayso.stats import numbers
from sayso.stats.entries import TOLD, Figure, counts


def takes(experiments: Sequence[Experiment], seeds: Seeds | None) -> str:
    """What experiments take with so many `seeds` each (None: their own), as far as that was measured or estimated."""
    minutes, hours, unknown = 0.0, 0.0, 0
    for experiment in experiments:
        cost = cost_of(experiment)
        share = 1 if seeds is None else seeds.count / experiment.seeds.count
        minutes += share * (cost.minutes or 0) if cost else 0
        hours += share * (cost.gpu_hours or 0) if cost else 0
        unknown += cost is None
    known = [f"about {duration(60 * minutes)} of two cores"] if minutes else []
    known += [f"about {hours:,.0f} hours of one {CARD}"] if hours else []
    known += [f"{unknown} of them not measured"] if unknown else []
    return f"{numbers.count(len(experiments), 'experiment')}: {', '.join(known)}"


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
