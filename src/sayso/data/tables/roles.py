"""Which column of a table is what: the entities' names, answers, or of no use.

    name    capital  money          wide: a row an entity, a column a question
    subject relation object         long: a row a fact, a question a relation

What is not set is found: a column that is called as names or facts are, or else the first column of texts that are all
there and all different.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sayso.core.errors import SaysoError, nearest
from sayso.data.tables.looks import all_different, are_addresses, is_of_no_names, may_be_names, repeats
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
_ROW_NUMBERS = frozenset(("index", "idx", "id", "row", "rowid", "no", "nr", "number", "level0", ""))

#: Where a name would go, in what a column is called.
_PLACE_OF_A_NAME = re.compile(r"\[+X\]+")


@dataclass(frozen=True)
class Roles:
    """`names`: the column of names. `facts`: of a table in long form, the columns of relations and of answers.

    `asked`: columns, or the relations of a table in long form that have a question of their own, with their questions.
    `left_out`: columns that are of no use, each with the reason. `guessed`: no setting says that a row is a fact, or
    which column holds names. `triples`: the columns of subjects, relations and objects that a table may have, in which
    a row would be a fact.
    """

    names: str
    facts: tuple[str, str] | None
    asked: Mapping[str, str]
    left_out: tuple[tuple[str, str], ...]
    guessed: bool
    triples: tuple[str, ...] | None

    def other_form(self) -> str:
        """What to set where the table is of the other form; empty where nothing says that it may be."""
        if self.facts is not None:
            return (
                f"; if a row is an entity, set knowledge.name_column={shlex.quote(self.names)}" if self.guessed else ""
            )
        return f"; if a row is a fact, {_set_triples(self.triples)}" if self.triples else ""


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
        left_out = (*_unnamed(content), *unused)
        return Roles(subject, (relation, value), questions, left_out, guessed=triples is None, triples=None)
    names = name_column or _name_column(content)
    others = [column for column in content.columns if column != names]
    if questions:
        asked, useless = dict(questions), [(column, "has no question") for column in others if column not in questions]
    else:
        useless = [(column, why) for column in others if (why := _useless(content, column))]
        dropped = {column for column, _ in useless}
        asked = {column: default_question(column) for column in others if column not in dropped}
    if not asked:
        why = f": {useless[0][0]} {useless[0][1]}" if useless else ""
        why += "; knowledge.questions can ask about it all the same" if useless and not questions else ""
        raise SaysoError(f"{content.file}: has no column besides '{names}', so nothing can be asked{why}")
    left_out = (*_unnamed(content), *useless)
    return Roles(names, None, asked, left_out, guessed=name_column is None, triples=_maybe_triples(content, names))


def default_question(what: str) -> str:
    """The question about a column or relation, as it is called.

    >>> default_question("birth_place"), default_question("/people/person/place_of_birth"), default_question("[X]")
    ('What is the birth place of [X]?', 'What is the place of birth of [X]?', 'What is the X of [X]?')
    """
    last = what.rstrip("/#").rpartition("/")[2].rpartition("#")[2] if what.startswith(("/", "http")) else what
    words = " ".join(last.replace("_", " ").split())
    return f"What is the {_PLACE_OF_A_NAME.sub('X', words)} of [X]?"


def _long_form(content: Content) -> tuple[str, str, str] | None:
    """The columns of subjects, relations and objects, where they are called so."""
    plain = {_plain(column): column for column in reversed(content.columns)}
    picked = [
        next((plain[name] for name in known if name in plain), None) for known in (_SUBJECTS, _RELATIONS, _OBJECTS)
    ]
    subject, relation, value = picked
    if subject is None or relation is None or value is None:
        return None
    different = len(set(content.cells[subject])) == len(content.numbers)
    doubtful = len(content.columns) > 3 or _plain(subject) == "name"
    if doubtful and different:
        return None  # an entity a row, after all
    if len(_plain(relation)) == 1:  # letters may be short for anything
        relations = content.cells[relation]
        if is_of_no_names(relations) or (different and len(set(relations)) == len(relations)):
            return None
    return subject, relation, value


def _maybe_triples(content: Content, names: str) -> tuple[str, ...] | None:
    """The columns of a table whose rows may be facts: there are three, and that of names repeats some."""
    if len(content.columns) != 3 or not repeats(content.cells[names]):
        return None
    return names, *(column for column in content.columns if column != names)


def _name_column(content: Content) -> str:
    """The column that seems to hold names."""
    if not content.columns:
        raise SaysoError(f"{content.file}: has no columns")
    plain = {_plain(column): column for column in reversed(content.columns)}
    called = [plain[name] for name in _NAMES if name in plain]
    if called and _plain(called[0]) == "name":
        return called[0]
    telling = [column for column in called if not is_of_no_names(content.cells[column])]
    if telling:
        return next((column for column in telling if all_different(content.cells[column])), telling[0])
    fitting = [column for column in content.columns if may_be_names(content.cells[column])]
    named = [column for column in fitting if _plain(column) not in (*_RELATIONS, *_OBJECTS)]
    triples = _maybe_triples(content, content.columns[0])
    last_of_three = triples is not None and named == [triples[2]] and repeats(content.cells[triples[1]])
    if named and not last_of_three:
        return named[0]
    raise SaysoError(f"{content.file}: no column seems to hold the names of entities, {_no_names(content, triples)}")


def _no_names(content: Content, triples: tuple[str, ...] | None) -> str:
    """What is wrong with all columns, and what to set."""
    whole = [column for column in content.columns if all_different(content.cells[column])]
    own = f"set knowledge.name_column to one of: {', '.join(whole[:20])}" if whole else ""
    facts = f"if a row is a fact, {_set_triples(triples)}" if triples else ""
    if not whole and not facts:
        facts = "if a row is a fact, set knowledge.triples to the columns of subjects, relations and objects"
    why = "all there and all different" if whole else "for each has gaps, or one name twice"
    return f"{why}; {'; '.join(filter(None, (own, facts)))}"


def _set_triples(columns: Sequence[str]) -> str:
    return f"set knowledge.triples={shlex.quote(json.dumps(list(columns), ensure_ascii=False, separators=(',', ':')))}"


def _useless(content: Content, column: str) -> str | None:
    """Why nothing can be asked about a column; None where something can."""
    cells = content.cells[column]
    if cells.count(None) == len(cells):
        return "has no answers"
    if are_addresses(cells):
        return "holds addresses"
    if _plain(column) in _ROW_NUMBERS and cells[0] in ("0", "1"):
        first = int(cells[0])
        if all(cell == str(number) for number, cell in enumerate(cells, start=first)):
            return "numbers the rows"
    return None


def _unnamed(content: Content) -> list[tuple[str, str]]:
    return [(f"column {place}", "has no name of its own") for place in content.left_out]


def _plain(column: str) -> str:
    return re.sub(r"[\W_]", "", column.casefold())
