"""What a column seems to hold: names, or numbers, days and addresses, by which nothing is named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sayso.data.tables.cells import Cell
from sayso.data.tables.names import name_key

_ADDRESS = re.compile(r"https?://\S+")
#: Numbers; days and moments, the year first or last; addresses; and what Wikidata calls things.
_NO_NAME = re.compile(
    r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?"
    r"|\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d\S*)?)?|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    rf"|{_ADDRESS.pattern}"
    r"|[QPL]\d+"
)


def may_be_names(cells: Sequence[Cell]) -> bool:
    """Whether texts are all there, all different, and mostly more than numbers, days and addresses."""
    return all_different(cells) and not is_of_no_names(cells)


def all_different(cells: Sequence[Cell]) -> bool:
    """Whether cells are texts that are all there, none of them twice."""
    seen: set[str] = set()
    for cell in cells:
        if not isinstance(cell, str) or (key := name_key(cell)) in seen:
            return False
        seen.add(key)
    return bool(seen)


def is_of_no_names(cells: Sequence[Cell]) -> bool:
    """Whether most of the texts are numbers, days, addresses or the like.

    >>> is_of_no_names(["1815-12-10", "11.12.1815", "Ada"]), is_of_no_names(["1984", "Emma"])
    (True, False)
    """
    texts = [cell for cell in cells if isinstance(cell, str)]
    return 2 * sum(_NO_NAME.fullmatch(text) is not None for text in texts) > len(texts)


def repeats(cells: Sequence[Cell]) -> bool:
    """Whether cells are names that are all there, and some of them there again."""
    return all(isinstance(cell, str) for cell in cells) and len(set(cells)) < len(cells) and not is_of_no_names(cells)


def are_addresses(cells: Sequence[Cell]) -> bool:
    """Whether nothing but addresses is there."""
    texts = (text for cell in cells if cell is not None for text in ((cell,) if isinstance(cell, str) else cell))
    return all(_ADDRESS.fullmatch(text) for text in texts)
