"""What commands print of power: how many seeds each claim needs, and what an experiment's own seeds are to decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table

if TYPE_CHECKING:
    from sayso.paper.expected import Expected
    from sayso.stats.power import Needed
    from sayso.stats.verdict import Family

#: Numbers of seeds that are told of.
TOLD = (4, 8, 16, 32, 64)

#: Fewer seeds than this make no pilot: what is drawn from them has hardly any spread.
LEAST_PILOT = 6


def power_page(families: Sequence[Family]) -> RenderableType:
    """For each claim, in which share of draws of so many seeds it holds, and how many it needs."""
    from sayso.stats.power import power, seeds_needed

    parts: list[RenderableType] = []
    for family in families:
        parts += [Text(family.name, style="bold")] if len(families) > 1 else []
        pilot = len(family.seeds)
        if pilot < LEAST_PILOT:
            parts.append(Text(f"{pilot} seeds are too few for a pilot; run at least {LEAST_PILOT}"))
            continue
        found = power(family.differences, family.margins, family.worth, TOLD)
        needed = seeds_needed(family.differences, family.margins, family.worth)
        rows = [
            (claim, *(f"{shares[place]:.0%}" for shares in found.holds), _needed(needed[place]))
            for place, claim in enumerate(family.claims)
        ]
        parts.append(plain_table(("holds with", *(f"{n} seeds" for n in TOLD), "needs for 95%"), rows))
    parts.append(
        Text(
            "shares of draws from these seeds, with replacement, judged as results are; in brackets what other pilots "
            "of as many seeds would have said (95%)"
        )
    )
    return Group(*parts)


def expected_page(found: Expected) -> RenderableType:
    """What the default seeds of an experiment are expected to decide, and what departures from the paper buy."""
    from sayso.paper.expected import COLUMNS

    parts: list[RenderableType] = []
    for table in found.tables():
        parts += [Text(table.title), plain_table(COLUMNS, table.rows)]
    return Group(*parts)


def _needed(needed: Needed) -> str:
    from sayso.stats.power import MOST_SEEDS

    def told(number: int | None) -> str:
        return f"over {MOST_SEEDS}" if number is None else str(number)

    return f"{told(needed.seeds)} ({told(needed.low)} to {told(needed.high)})"
