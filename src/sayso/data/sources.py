"""Sources of your own, from a table: a row a phrase that the source's definitions begin with.

source,text
encyclopedia,"According to the encyclopedia,"
encyclopedia,"The encyclopedia says that"
rumour,"Rumour has it that"
"""

from __future__ import annotations

from pathlib import Path

from sayso.core.errors import SaysoError, nearest
from sayso.core.subsets import Source
from sayso.data.tables.cells import Cell
from sayso.data.tables.reader import read_table

#: The columns that are read; others are left alone.
SOURCE, TEXT = "source", "text"


def read_sources(file: str | Path) -> tuple[Source, ...]:
    """Read sources, each with all phrases of its rows, in the order in which they first appear.

    Any table that facts may be in will do (`sayso.data.tables.reader`). Blanks around phrases and between words are
    those of plain text.

    Raises
    ------
    SaysoError
        If the file cannot be read, lacks a column, a row lacks its source or its text, a phrase is there twice, or is
        said by two sources, which could then not be told apart; if there are fewer than two sources.
    """
    content = read_table(file)
    for column in (SOURCE, TEXT):
        if column not in content.columns:
            hint = nearest(column, content.columns)
            raise SaysoError(f"{file}: no column '{column}'{hint} (columns {SOURCE} and {TEXT}, a row a phrase)")
    said_by: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    for where, row in content.rows():
        name = " ".join(" ".join(_parts(row[SOURCE])).split())
        if not name:
            raise SaysoError(f"{file}: {where}, column '{SOURCE}': is empty; name the source of the phrase")
        phrases = [" ".join(part.split()) for part in _parts(row[TEXT])]
        if not phrases or not all(phrases):
            raise SaysoError(f"{file}: {where}, column '{TEXT}': is empty; write a phrase of the source '{name}'")
        for phrase in phrases:
            if (other := said_by.setdefault(phrase, name)) != name:
                raise SaysoError(
                    f"{file}: {where}: '{phrase}' is said by both '{other}' and '{name}', so that they cannot be told "
                    "apart; give them phrases of their own"
                )
            if phrase in texts.setdefault(name, []):
                raise SaysoError(f"{file}: {where}: '{phrase}' of '{name}' is there twice; remove one")
            texts[name].append(phrase)
    if len(texts) < 2:
        raise SaysoError(f"{file}: has {_listed(list(texts))}; at least two sources are needed to be compared")
    return tuple(Source(name=name, text=tuple(own)) for name, own in texts.items())


def _parts(cell: Cell) -> tuple[str, ...]:
    """The texts of a cell."""
    if cell is None:
        return ()
    return (cell,) if isinstance(cell, str) else cell


def _listed(names: list[str]) -> str:
    return f"one source, '{names[0]}'" if names else "no sources"
