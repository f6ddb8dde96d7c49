"""What ``sayso trust`` prints: sources ranked, the verdict, and what the controls came to."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.report.trust import ControlFound, control_verdict, ranking_table, verdict
from sayso.stats.trust import Trusted


def trust_page(sources: Sequence[Trusted], controls: Sequence[ControlFound]) -> RenderableType:
    """Sources ranked, then the verdict, a line each."""
    columns, rows = ranking_table(sources)
    seeds = sources[0].found.seeds
    lines = [*verdict(sources), *(f"{own.name}: {control_verdict(own)}" for own in controls)]
    return Group(
        plain_table(columns, rows),
        Text(f"means over {seeds} seeds, with 95% intervals within seeds of what is above the mean of all"),
        Text(),
        *(Text(line, style="bold" if place == 0 else "") for place, line in enumerate(lines)),
    )
