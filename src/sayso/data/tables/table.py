"""Table: facts of your own, a row an entity and a column a question, or a row a fact.

name,capital,language               What is the capital of [X]?     Bern
Switzerland,Bern,German;French      What is the language of [X]?    German (or: French)

subject,relation,object             What is the capital of [X]?     Bern
Switzerland,capital,Bern
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from sayso.core.collecting import without_collecting
from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts
from sayso.core.files import file_sha256
from sayso.data.facts import Drawn, FactBase, choose
from sayso.data.tables.cells import GAPS, plain_text
from sayso.data.tables.encodings import known_encoding
from sayso.data.tables.entities import Reading, Rules, Taken, read_entities
from sayso.data.tables.kinds import KINDS, kind_of
from sayso.data.tables.reader import How, read_table, signature
from sayso.data.tables.roles import find_roles

#: What delimiters are called where they cannot well be written.
_CALLED = {"tab": "\t", "tabs": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|"}


class Table(FactBase):
    """A file of facts: CSV, TSV, JSON (a list of objects, or one a line), Parquet or Excel; text gzipped or not.

    Text may be given as JSON reads it (``sheet=2``), and a delimiter as it is called (``tab``). `taken` says what was
    taken for what.

    Parameters
    ----------
    file
        Its path; it ends in .csv, .tsv, .txt, .json, .jsonl or .ndjson (these also with .gz), .parquet, .xlsx, .xlsm or
        .xls.
    name_column
        Where the entities' names are; None: a column called name, label, title or the like, or else the first of texts
        that are all there and all different.
    questions
        Column -> question with ``[X]``; left empty, every other column is asked about as "What is the <column> of
        [X]?", but for those that are empty or number the rows. With `triples` relation -> question.
    triples
        The columns of subject, relation and object of a table that has a row for each fact; None: they are found where
        they are called so and no `name_column` is set.
    separator
        Stands between several accepted answers in a cell, of which the first is trained on; None: a cell is one answer.
        A list in a cell is several answers in any case.
    missing
        An answer that is missing is a question to ``skip``, or an ``error``; entities without any answer are left out.
    gaps
        Text that stands for a missing answer, besides an empty cell; None: what data frames write (NaN, NULL, N/A,
        ...).
    entities
        How many entities; None all.
    drawn
        ``fixed`` takes the first ones for every seed, ``seed`` others for each.
    inside
        A name within another, as whole words (Napoleon, Napoleon III), is what you ``allow``, or an ``error``: an
        answer that goes on after a right name would be another entity's.
    encoding
        Of text; None: UTF-8, or UTF-16 or UTF-32 where the first bytes show it.
    delimiter
        Between columns; None: the comma, semicolon, tab or bar that cuts all rows alike.
    sheet
        Of a workbook; None: the first.
    """

    file: str
    name_column: str | None = None
    questions: dict[str, str] = Field(default_factory=dict)
    triples: tuple[str, str, str] | None = None
    separator: str | None = Field(default=";", min_length=1)
    missing: Literal["error", "skip"] = "skip"
    gaps: tuple[str, ...] | None = None
    entities: int | None = Field(default=None, ge=1)
    drawn: Drawn = "fixed"
    inside: Literal["error", "allow"] = "allow"
    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = None

    @field_validator("name_column", "triples", "separator", "encoding", "delimiter", "sheet", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return [_as_text(item) for item in value] if isinstance(value, list | tuple) else _as_text(value)

    @field_validator("gaps", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        several = value if value is None or isinstance(value, list | tuple) else [value]
        return several if several is None else [_as_text(item) for item in several]

    @field_validator("delimiter", mode="before")
    @classmethod
    def _called(cls, delimiter: Any) -> Any:
        return _CALLED.get(delimiter.lower(), delimiter) if isinstance(delimiter, str) else delimiter

    @field_validator("file")
    @classmethod
    def _known_kind(cls, file: str) -> str:
        if kind_of(file) is None:
            raise ValueError(f"found '{file}'; it is the path of a file that ends in {KINDS}")
        return file

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        return None if encoding is None else known_encoding(encoding)

    @field_validator("questions")
    @classmethod
    def _about_somebody(cls, questions: dict[str, str]) -> dict[str, str]:
        for column, question in questions.items():
            if "[X]" not in question:
                raise ValueError(f"the question '{question}' for column '{column}' needs [X] where the name goes")
        return questions

    @model_validator(mode="after")
    def _one_form(self) -> Table:
        if self.triples is not None and self.name_column not in (None, self.triples[0]):
            raise ValueError(
                f"name_column is '{self.name_column}', and triples say that names are in '{self.triples[0]}'; set one"
            )
        return self

    def size(self) -> int:
        """How many entities there are."""
        return len(self.first()) if self.entities is None else self.entities

    def sha256(self) -> str:
        """Sha256 of the file."""
        return file_sha256(Path(self.file))

    def taken(self) -> Taken:
        """What was taken for what: encoding and delimiter, the column of names, questions, what is left out.

        Returns
        -------
        Taken
            All of it.

        Raises
        ------
        SaysoError
            As `first`.
        """
        return self._reading().taken

    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The entities of the first rows.

        Raises
        ------
        SaysoError
            If the file cannot be read, lacks a column or has no rows; if a row has no name, or the name of another; if
            a name is within another or an answer missing, where that is an error. The message names the row and the
            column.
        """
        return self._reading().entities[:count]

    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:
        """The entities of one seed.

        Raises
        ------
        SaysoError
            As `first`, or if there are fewer than `entities`.
        """
        return choose(self.first(), self.entities, self.file, None if self.drawn == "fixed" else seed)

    def _reading(self) -> Reading:
        everything = self.model_copy(update={"entities": None, "drawn": "fixed"})
        # a file's name may be what UTF-8 cannot write, which only JSON in ASCII holds
        return _read(json.dumps(everything.model_dump()), signature(self.file))


def _as_text(value: Any) -> Any:
    """A number or truth value as it is written: columns and sheets may be called so."""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


@functools.lru_cache(maxsize=2)
def _read(settings: str, _changed: tuple[int, ...]) -> Reading:
    """All of a table as it is now; its settings as JSON."""
    with without_collecting():
        return _read_anew(Table.model_validate(json.loads(settings)))


def _read_anew(table: Table) -> Reading:
    content = read_table(table.file, How(table.encoding, table.delimiter, table.sheet))
    if not content.columns or not content.numbers:
        raise SaysoError(f"{table.file}: has no rows")
    roles = find_roles(content, table.name_column, table.triples, table.questions)
    gaps = GAPS if table.gaps is None else frozenset({plain_text(gap) or "" for gap in table.gaps})
    rules = Rules(table.separator, gaps, table.missing == "skip", table.inside == "allow")
    return read_entities(content, roles, rules)
