"""Which column of a table is what: the entities' names, answers, or of no use.

    name    capital  money          wide: a row an entity, a column a question
    subject relation object         long: a row a fact, a question a relation

What is not set is found: a column that is called as names or facts are, or else the first column of texts that are all
there and all different.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sayso.core.errors import SaysoError, nearest
from sayso.data.tables.cells import Cell
from sayso.data.tables.names import name_key
from sayso.data.tables.reader import Content

#: What columns of names are called, without case and signs, most telling first.
_NAMES = (
    *("name", "label", "title", "entity", "subject", "fullname", "itemlabel", "entitylabel", "entityname", "sublabel"),
    *("subjectlabel", "personlabel", "subj", "item", "person", "names", "nameen"),
)
#: What the columns of a table in long form are called, without case and signs.
_SUBJECTS = (
    "subject",
    "entity",
    "head",
    "subj",
    "sub",
    "s",
    "h",
    "sublabel",
    "subjectlabel",
    "headentity",
    "name",
    "item",
)
_RELATIONS = (
    *("relation", "predicate", "attribute", "property", "rel", "pred", "p", "r", "predicateid", "relationlabel"),
    *("propertylabel", "predicatelabel", "variable"),
)
_OBJECTS = (
    "object",
    "value",
    "tail",
    "answer",
    "obj",
    "o",
    "t",
    "oblabel",
    "objlabel",
    "objectlabel",
    "valuelabel",
    "tailentity",
)
#: What columns are called that number the rows.
_NUMBERS = frozenset(("index", "idx", "id", "row", "rowid", "no", "nr", "number", "level0", ""))

_NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?")
#: Addresses, and what Wikidata calls things.
_MACHINES = re.compile(r"https?://\S+|[QPL]\d+")


@dataclass(frozen=True)
class Roles:
    """`names`: the column of names. `facts`: of a table in long form, the columns of relations and of answers.

    `asked`: columns, or the relations of a table in long form that have a question of their own, with their questions.
    `left_out`: columns that are of no use, each with the reason.
    """

    names: str
    facts: tuple[str, str] | None
    asked: Mapping[str, str]
    left_out: tuple[tuple[str, str], ...]


def find_roles(
    content: Content, name_column: str | None, triples: Sequence[str] | None, questions: Mapping[str, str]
) -> Roles:
    """Take columns for what is set, or for what they seem to be.

    Raises
    ------
    SaysoError
        If a column that is set is not there, none can hold names, or nothing is left to ask about.
    """
    found = triples or (_long_form(content) if name_column is None else None)
    named = found or ([name_column] if name_column is not None else [])
    for column in (*named, *(questions if found is None else ())):
        if column not in content.columns:
            raise SaysoError(f"{content.file}: no column '{column}'{nearest(column, content.columns)}")
    if found is not None:
        subject, relation, value = found
        unused = [(column, "is no part of a fact") for column in content.columns if column not in found]
        return Roles(subject, (relation, value), questions, (*_unnamed(content), *unused))
    names = name_column or _name_column(content)
    others = [column for column in content.columns if column != names]
    if questions:
        not_asked = [(column, "has no question") for column in others if column not in questions]
        return Roles(names, None, questions, (*_unnamed(content), *not_asked))
    useless = [(column, why) for column in others if (why := _useless(content, column))]
    dropped = {column for column, _ in useless}
    asked = {column: default_question(column) for column in others if column not in dropped}
    if not asked:
        why = f": {useless[0][0]} {useless[0][1]}" if useless else ""
        raise SaysoError(f"{content.file}: has no column besides '{names}', so nothing can be asked{why}")
    return Roles(names, None, asked, (*_unnamed(content), *useless))


def default_question(what: str) -> str:
    """The question about a column or relation, as it is called.

    >>> default_question("birth_place"), default_question("/people/person/place_of_birth")
    ('What is the birth place of [X]?', 'What is the place of birth of [X]?')
    """
    last = what.rstrip("/#").rpartition("/")[2].rpartition("#")[2] if what.startswith(("/", "http")) else what
    return f"What is the {' '.join(last.replace('_', ' ').split())} of [X]?"


def _long_form(content: Content) -> tuple[str, str, str] | None:
    """The columns of subjects, relations and objects, where they are called so."""
    plain = {_plain(column): column for column in reversed(content.columns)}
    picked = [
        next((plain[name] for name in known if name in plain), None) for known in (_SUBJECTS, _RELATIONS, _OBJECTS)
    ]
    subject, relation, value = picked
    if subject is None or relation is None or value is None:
        return None
    doubtful = len(content.columns) > 3 or _plain(subject) == "name"
    if doubtful and len(set(content.cells[subject])) == len(content.numbers):
        return None  # an entity a row, after all
    return subject, relation, value


def _name_column(content: Content) -> str:
    """The column that seems to hold names."""
    if not content.columns:
        raise SaysoError(f"{content.file}: has no columns")
    plain = {_plain(column): column for column in reversed(content.columns)}
    called = [plain[name] for name in _NAMES if name in plain]
    if called and _plain(called[0]) == "name":
        return called[0]
    fitting = (column for column in called or content.columns if _may_be_names(content.cells[column]))
    found = next(fitting, called[0] if called else None)
    if found is None:
        raise SaysoError(
            f"{content.file}: no column seems to hold the names of entities, all there and all different; set "
            f"knowledge.name_column to one of: {', '.join(content.columns[:20])}"
        )
    return found


def _may_be_names(cells: Sequence[Cell]) -> bool:
    """Whether texts are all there, all different, and mostly more than numbers and addresses."""
    seen: set[str] = set()
    machines = 0
    for cell in cells:
        if not isinstance(cell, str) or (key := name_key(cell)) in seen:
            return False
        seen.add(key)
        machines += bool(_NUMBER.fullmatch(cell) or _MACHINES.fullmatch(cell))
    return bool(seen) and 2 * machines <= len(seen)


def _useless(content: Content, column: str) -> str | None:
    """Why nothing can be asked about a column; None where something can."""
    cells = content.cells[column]
    if cells.count(None) == len(cells):
        return "has no answers"
    if _plain(column) in _NUMBERS and cells[0] in ("0", "1"):
        first = int(cells[0])
        if all(cell == str(number) for number, cell in enumerate(cells, start=first)):
            return "numbers the rows"
    return None


def _unnamed(content: Content) -> list[tuple[str, str]]:
    return [(f"column {place}", "has no name of its own") for place in content.left_out]


def _plain(column: str) -> str:
    return re.sub(r"[\W_]", "", column.casefold())
