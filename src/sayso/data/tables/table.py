"""Table: facts of your own, a row an entity, a column a question.

name,capital,language               What is the capital of [X]?     Bern
Switzerland,Bern,German;French      What is the language of [X]?    German (or: French)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from sayso.core.errors import SaysoError, nearest
from sayso.core.examples import EntityFacts, QAPair
from sayso.core.files import file_sha256
from sayso.data.facts import Drawn, FactBase, choose
from sayso.data.tables.cells import MISSING, Cell, listed
from sayso.data.tables.reader import SUFFIXES, read_table

#: A row: where it is in its file, and its cells by column.
Row = tuple[str, Mapping[str, Cell]]


class Table(FactBase):
    """A file of facts: CSV, TSV, JSON (a list of objects, or one a line), or Parquet.

    `file`: ends in .csv, .csv.gz, .tsv, .json, .jsonl or .parquet. `name_column`: where the entities' names are.
    `questions`: column -> question with ``[X]``; left empty, every other column is asked about as "What is the <column>
    of [X]?". `separator`: stands between several accepted answers in a cell, of which the first is trained on; None: a
    cell is one answer. A list in a cell is several answers in any case. `missing`: an answer that is missing is an
    ``error``, or a question to ``skip``. `gaps`: text that stands for a missing answer, besides an empty cell; None:
    what data frames write (NaN, NULL, N/A, ...: `sayso.data.tables.cells.MISSING`). `entities`: how many; None all.
    `drawn`: the first ones for every seed, or others for each.

    `inside`: a name within another, as whole words (Napoleon, Napoleon III), is an ``error`` unless you ``allow`` it.
    In a table of one's own it is mostly a slip, and harms: an answer that goes on after a right name would be another
    entity's, and a model told of one is told half of the other.
    """

    file: str
    name_column: str = "name"
    questions: dict[str, str] = Field(default_factory=dict)
    separator: str | None = Field(default=";", min_length=1)
    missing: Literal["error", "skip"] = "error"
    gaps: tuple[str, ...] | None = None
    entities: int | None = Field(default=None, ge=1)
    drawn: Drawn = "fixed"
    inside: Literal["error", "allow"] = "error"

    @field_validator("file")
    @classmethod
    def _known_kind(cls, file: str) -> str:
        if not file.lower().endswith(SUFFIXES):
            raise ValueError(f"found '{file}'; it is the path of a file that ends in {', '.join(SUFFIXES)}")
        return file

    @field_validator("questions")
    @classmethod
    def _about_somebody(cls, questions: dict[str, str]) -> dict[str, str]:
        for column, question in questions.items():
            if "[X]" not in question:
                raise ValueError(f"the question '{question}' for column '{column}' needs [X] where the name goes")
        return questions

    def size(self) -> int:
        """How many entities there are."""
        return len(self.first()) if self.entities is None else self.entities

    def sha256(self) -> str:
        """Sha256 of the file."""
        return file_sha256(Path(self.file))

    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The entities of the first rows.

        Raises
        ------
        SaysoError
            If the file cannot be read, lacks a column or has no rows; if a row has no name, the name of another, or one
            that contains another's; if an answer is missing. The message names the row and the column.
        """
        gaps = MISSING if self.gaps is None else {"", *self.gaps}
        table = read_table(self.file, names=[self.name_column], missing=gaps)
        asked = self._asked(table.columns)
        if not table.rows:
            raise SaysoError(f"{self.file}: has no rows")
        named = zip(self._names(table.rows), table.rows, strict=True)
        return tuple(EntityFacts(name, self._pairs(row, asked)) for name, row in itertools.islice(named, count))

    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:
        """The entities of one seed.

        Raises
        ------
        SaysoError
            As `first`, or if there are fewer than `entities`.
        """
        return choose(self.first(), self.entities, self.file, None if self.drawn == "fixed" else seed)

    def _asked(self, columns: tuple[str, ...]) -> dict[str, str]:
        """Columns with their questions."""
        for column in (self.name_column, *self.questions):
            if column not in columns:
                raise SaysoError(f"{self.file}: no column '{column}'{nearest(column, columns)}")
        others = [column for column in columns if column != self.name_column]
        asked = self.questions or {
            column: f"What is the {' '.join(column.replace('_', ' ').split())} of [X]?" for column in others
        }
        if not asked:
            raise SaysoError(f"{self.file}: has no column besides '{self.name_column}', so nothing can be asked")
        return asked

    def _names(self, rows: Sequence[Row]) -> list[str]:
        """The names, each different from the others in more than case."""
        names: list[str] = []
        seen: dict[str, str] = {}
        for where, row in rows:
            cell = row[self.name_column]
            if not isinstance(cell, str):
                raise SaysoError(f"{self.file}: {where}, column '{self.name_column}': no name")
            name = " ".join(cell.split())
            if before := seen.get(name.casefold()):
                raise SaysoError(f"{self.file}: {where}: a second '{name}' (the first is in {before})")
            seen[name.casefold()] = where
            names.append(name)
        if self.inside == "error" and (found := name_inside_another(names)):
            outer, inner = found
            raise SaysoError(
                f"{self.file}: {seen[outer.casefold()]}: the name '{outer}' contains '{inner}' of "
                f"{seen[inner.casefold()]}; rename one, or set knowledge.inside to allow"
            )
        return names

    def _pairs(self, row: Row, asked: Mapping[str, str]) -> tuple[QAPair, ...]:
        pairs = []
        for column, question in asked.items():
            try:
                answers = tuple(dict.fromkeys(self._answers(row[1][column])))
            except ValueError as error:
                raise SaysoError(f"{self.file}: {row[0]}, column '{column}': {error}") from None
            if answers:
                pairs.append(QAPair(column, question, answers))
            elif self.missing == "error":
                raise SaysoError(
                    f"{self.file}: {row[0]}, column '{column}': no answer; fill it in, or set knowledge.missing to skip"
                )
        if not pairs:
            raise SaysoError(f"{self.file}: {row[0]}: not one question has an answer")
        return tuple(pairs)

    def _answers(self, cell: Cell) -> Iterable[str]:
        parts = cell or ()
        if isinstance(parts, str) and (several := listed(parts)) is not None:
            parts = several
        if isinstance(parts, str):
            parts = tuple(parts.split(self.separator)) if self.separator else (parts,)
        return (text for part in parts if (text := " ".join(part.split())))


def name_inside_another(names: list[str]) -> tuple[str, str] | None:
    """The first name that contains another one as whole words, and that other one; case does not matter.

    >>> name_inside_another(["Ann", "Joanna", "Ann Lee"])
    ('Ann Lee', 'Ann')
    """
    known = {tuple(_words(name)): name for name in reversed(names)}
    for name in names:
        words = _words(name)
        for length in range(1, len(words)):
            for start in range(len(words) - length + 1):
                if inner := known.get(tuple(words[start : start + length])):
                    return name, inner
    return None


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", name.casefold())
