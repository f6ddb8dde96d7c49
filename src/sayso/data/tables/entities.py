"""From the cells of a table to entities with their questions, and to what was taken for what."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts, QAPair
from sayso.data.tables.cells import Cell, answer_cell, plain_text
from sayso.data.tables.lists import listed
from sayso.data.tables.naming import names_inside, names_of_rows
from sayso.data.tables.reader import Content, How
from sayso.data.tables.roles import Roles, default_question


@dataclass(frozen=True)
class Asked:
    """A column or relation that is asked about.

    Parameters
    ----------
    what
        The column or relation.
    question
        Its question, with ``[X]``.
    gaps
        How many entities have no answer to it.
    several
        How many have several.
    cut
        The separator at which cells were cut into several answers; None where none was.
    """

    what: str
    question: str
    gaps: int
    several: int
    cut: str | None


@dataclass(frozen=True)
class Taken:
    """What was taken for what in a table.

    Parameters
    ----------
    file
        The file.
    kind
        What kind of file it is, such as ``.csv``.
    how
        Its encoding, delimiter or sheet.
    rows
        How many rows it has.
    names
        The column of names.
    facts
        Of a table that has a row for each fact the columns of relations and of answers; None of others.
    entities
        How many entities it makes.
    inside
        How many names are within another or hold one.
    example
        The first name that does, with what it holds; None where none does.
    unasked
        How many rows were left out because not one question has an answer.
    asked
        What is asked about.
    left_out
        Columns that are not asked about, each with the reason.
    """

    file: str
    kind: str
    how: How
    rows: int
    names: str
    facts: tuple[str, str] | None
    entities: int
    inside: int
    example: tuple[str, str] | None
    unasked: int
    asked: tuple[Asked, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading:
    """The entities of a table, and what was taken for what."""

    entities: tuple[EntityFacts, ...]
    taken: Taken


@dataclass(frozen=True)
class Rules:
    """How cells are read: `separator` between answers, text that stands for none (`gaps`), and what is refused."""

    separator: str | None
    gaps: frozenset[str]
    missing_allowed: bool
    inside_allowed: bool


def read_entities(content: Content, roles: Roles, rules: Rules) -> Reading:
    """Make entities of rows.

    Raises
    ------
    SaysoError
        If a row has no name, or the name of another; if two questions are the same; or if an answer is missing or a
        name within another, where the rules refuse that. The message names the row and the column.
    """
    named = names_of_rows(content, roles)
    make = _wide if roles.facts is None else _long
    names, pairs, asked = make(content, roles, rules, named)
    entities = tuple(EntityFacts(name, own) for name, own in zip(names, pairs, strict=True) if own)
    if not entities:
        raise SaysoError(f"{content.file}: not one question has an answer")
    answered = tuple(item for item in asked if item.gaps < len(names))
    empty = [(item.what, "has no answers") for item in asked if item.gaps == len(names)]
    _check_questions(content, answered)
    inside, example = names_inside(content, [entity.name for entity in entities], named, allowed=rules.inside_allowed)
    taken = Taken(
        file=str(content.file),
        kind=content.kind,
        how=content.how,
        rows=len(content.numbers),
        names=roles.names,
        facts=roles.facts,
        entities=len(entities),
        inside=inside,
        example=example,
        unasked=len(names) - len(entities),
        asked=answered,
        left_out=(*roles.left_out, *empty),
    )
    return Reading(entities, taken)


def _check_questions(content: Content, asked: Sequence[Asked]) -> None:
    """Refuse one question with the answers of two columns or relations."""
    seen: dict[str, str] = {}
    for item in asked:
        other = seen.setdefault(item.question.casefold(), item.what)
        if other != item.what:
            raise SaysoError(
                f"{content.file}: '{other}' and '{item.what}' are both asked about as '{item.question}'; rename or "
                "remove one, or word their questions in knowledge.questions"
            )


def _wide(
    content: Content, roles: Roles, rules: Rules, names: Sequence[str]
) -> tuple[Sequence[str], Iterable[tuple[QAPair, ...]], tuple[Asked, ...]]:
    """A row an entity, a column a question."""
    columns = [_column(content, column, question, rules) for column, question in roles.asked.items()]
    firsts = [(column.first_gap, column.asked.what) for column in columns if column.first_gap is not None]
    if firsts and not rules.missing_allowed:
        raise _gap(content, *min(firsts))
    rows = (tuple([pair for pair in row if pair]) for row in zip(*(column.pairs for column in columns), strict=True))
    return names, rows, tuple(column.asked for column in columns)


@dataclass(frozen=True)
class _Column:
    """The question of a column with the answers of each row; `first_gap`: the first row without any."""

    asked: Asked
    pairs: list[QAPair | None]
    first_gap: int | None


def _column(content: Content, column: str, question: str, rules: Rules) -> _Column:
    """The answers of a column; equal ones are held once."""
    cells = content.cells[column]
    counts = Counter(cells)
    firsts = dict(zip(reversed(cells), range(len(cells) - 1, -1, -1), strict=True))  # the last one set is the first row
    known: dict[Cell, QAPair | None] = {}
    cut = False
    for cell in counts:  # in the order of their first rows
        answers, was_cut = _answers(content, firsts[cell], column, cell, rules)
        cut |= was_cut
        known[cell] = QAPair(column, question, answers) if answers else None
    gaps = [cell for cell, pair in known.items() if pair is None]
    several = sum(counts[cell] for cell, pair in known.items() if pair is not None and len(pair.answers) > 1)
    asked = Asked(column, question, sum(map(counts.__getitem__, gaps)), several, rules.separator if cut else None)
    return _Column(asked, list(map(known.__getitem__, cells)), min(map(firsts.__getitem__, gaps), default=None))


def _long(
    content: Content, roles: Roles, rules: Rules, names: Sequence[str]
) -> tuple[Sequence[str], Iterable[tuple[QAPair, ...]], tuple[Asked, ...]]:
    """A row a fact, a relation a question; facts of the same subject and relation are several answers."""
    assert roles.facts is not None
    told, value = roles.facts
    facts: dict[str, dict[str, dict[str, None]]] = {}
    relations: dict[str, str] = {}
    cut: set[str] = set()
    for index, (name, relation, cell) in enumerate(zip(names, content.cells[told], content.cells[value], strict=True)):
        if not isinstance(relation, str):
            where = f"{content.where(index)}, column '{told}'"
            raise SaysoError(f"{content.file}: {where}: no relation{roles.other_form()}")
        own = facts.setdefault(name, {})
        if roles.asked and relation not in roles.asked:
            continue
        answers, was_cut = _answers(content, index, value, cell, rules)
        if was_cut:
            cut.add(relation)
        if not answers and not rules.missing_allowed:
            raise _gap(content, index, value)
        if relation not in relations:
            relations[relation] = roles.asked.get(relation) or default_question(relation)
        own.setdefault(relation, {}).update(dict.fromkeys(answers))
    if unknown := next((relation for relation in roles.asked if relation not in relations), None):
        there = ", ".join(list(dict.fromkeys(str(cell) for cell in content.cells[told]))[:20])
        raise SaysoError(f"{content.file}: no relation '{unknown}' in column '{told}'; there is: {there}")
    order = list(roles.asked or relations)
    made = [
        tuple(QAPair(relation, relations[relation], tuple(own[relation])) for relation in order if own.get(relation))
        for own in facts.values()
    ]
    counts = {relation: [0, 0] for relation in order}
    for pair in itertools.chain.from_iterable(made):
        counts[pair.attribute][0] += 1
        counts[pair.attribute][1] += len(pair.answers) > 1
    asked = tuple(
        Asked(relation, relations[relation], len(made) - there, several, rules.separator if relation in cut else None)
        for relation, (there, several) in counts.items()
    )
    return list(facts), made, asked


def _answers(content: Content, index: int, column: str, cell: Cell, rules: Rules) -> tuple[tuple[str, ...], bool]:
    """The different answers in a cell, none where it is missing; and whether it was cut into several."""
    parts = answer_cell(cell, rules.gaps) or ()
    if isinstance(parts, str) and parts[0] in "[{(<":
        try:
            several = listed(parts)
        except ValueError as error:
            raise SaysoError(f"{content.file}: {content.where(index)}, column '{column}': {error}") from None
        parts = parts if several is None else answer_cell(several, rules.gaps) or ()
    cut = isinstance(parts, str) and rules.separator is not None and rules.separator in parts
    if isinstance(parts, str):
        texts = tuple(text for part in parts.split(rules.separator) if (text := plain_text(part))) if cut else (parts,)
        parts = answer_cell(texts, rules.gaps) or ()
    answers = tuple(dict.fromkeys(text for part in parts if (text := " ".join(part.split()))))
    return answers, cut and len(answers) > 1


def _gap(content: Content, index: int, column: str) -> SaysoError:
    return SaysoError(
        f"{content.file}: {content.where(index)}, column '{column}': no answer; fill it in, or set "
        "knowledge.missing=skip"
    )
