"""What pages of Markdown are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def anchor(heading: str) -> str:
    """What a heading is linked by.

    >>> anchor("Figures 4c and 13")
    'figures-4c-and-13'
    """
    return "".join(sign for sign in heading.lower().replace(" ", "-") if sign.isalnum() or sign == "-")
