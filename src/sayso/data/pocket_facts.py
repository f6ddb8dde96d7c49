"""Facts of the pocket world: real people, a table of yours, or made up; and the words a vocabulary has for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts, QAPair
from sayso.data.people import ATTRIBUTES, people
from sayso.data.tables.table import Table


@dataclass(frozen=True)
class Kind:
    """A kind of made-up entities: what their names begin with, and the words they are asked by."""

    name: str
    asked: tuple[str, ...]


PEOPLE = Kind("entity", tuple(ATTRIBUTES))
PLACES = Kind(
    "place",
    (
        *("country", "river", "climate", "founded", "dialect", "coast"),
        *("harvest", "twin-town", "saint", "railway", "currency", "festival"),
    ),
)


@dataclass(frozen=True)
class Facts:
    """The entities of one seed, the words their attributes are asked by, and those for all answers and names.

    There are equally many `words` for every seed, since models side by side have vocabularies of one size.
    """

    entities: tuple[EntityFacts, ...]
    attributes: tuple[str, ...]
    words: tuple[str, ...]

    def beside(self, others: Facts) -> Facts:
        """These and others of another kind, which share no word with them."""
        return Facts(
            (*self.entities, *others.entities),
            (*self.attributes, *others.attributes),
            (*self.words, *others.words),
        )


def made_up(generator: np.random.Generator, entities: int, attributes: int, values: int, kind: Kind = PEOPLE) -> Facts:
    """Facts whose values are all equally likely: ``entity-003``, ``born-7``."""
    asked = kind.asked[:attributes]
    names = [f"{kind.name}-{index:03d}" for index in range(entities)]
    rows = generator.integers(values, size=(entities, attributes)).tolist()
    answers = ([f"{word}-{value}" for word, value in zip(asked, row, strict=True)] for row in rows)
    found = tuple(_entity(name, zip(asked, own, strict=True)) for name, own in zip(names, answers, strict=True))
    every = [f"{word}-{value}" for word in asked for value in range(values)]
    return Facts(found, tuple(asked), (*every, *names))


def of_people(generator: np.random.Generator, table: str, entities: int, attributes: int) -> Facts:
    """Facts about people of a table in the CVDB's columns (`sayso.data.people`), of whom so many are drawn.

    Raises
    ------
    SaysoError
        If there are fewer, or the table cannot be read.
    """
    everyone = people(table, attributes)
    asked = list(ATTRIBUTES)[:attributes]
    chosen = _draw(generator, len(everyone), entities, f"{table} has {len(everyone)} people")
    drawn = [everyone[index] for index in chosen]
    found = tuple(_entity(name, ((word, answers[word]) for word in asked)) for name, answers in drawn)
    values = sorted({answers[word] for _, answers in everyone for word in asked})
    return Facts(found, tuple(asked), (*values, *(name for name, _ in everyone)))


def of_table(
    generator: np.random.Generator, table: Table, seed: int, entities: int, attributes: int, taken: Collection[str]
) -> Facts:
    """Facts of a table of yours: its first questions, asked by their columns, of so many drawn entities that lack none.

    A column that is called as one of the words `taken` (which a vocabulary has in any case) gets ``its-`` before it.
    There are words for the entities drawn alone, filled up to the number that any others would need.

    Raises
    ------
    SaysoError
        If there are fewer entities without a gap, fewer than two columns to ask about, two columns of one name, or the
        table cannot be read.
    """
    columns = columns_asked(table, attributes)
    if len(columns) < 2:
        raise SaysoError(
            f"{table.file}: asks about {', '.join(columns) or 'nothing'}, and the pocket world needs two columns at "
            "least: half of the facts are told of a name, the others are asked"
        )
    whole = without_gaps(table.chosen(seed), columns)
    there = f"{table.file} has {len(whole)} entities with an answer to each of {', '.join(columns)}"
    words = _words_for(table.file, columns, taken)
    chosen = [_told(whole[index], words) for index in _draw(generator, len(whole), entities, there)]
    answers = [answer for entity in chosen for pair in entity.questions for answer in pair.answers]
    used = dict.fromkeys([*answers, *(entity.name for entity in chosen)])
    most = entities + sum(_most_answers(whole, place, entities) for place in range(len(columns)))
    spare = (f"<|unused-{number}|>" for number in range(most - len(used.keys() - {*taken, *words.values()})))
    return Facts(tuple(chosen), tuple(words.values()), (*used, *spare))


def columns_asked(table: Table, attributes: int) -> list[str]:
    """The first so many columns of a table that can be asked about, in the table's order.

    Raises
    ------
    SaysoError
        If the table cannot be read.
    """
    return [asked.what for asked in table.taken().asked][:attributes]


def without_gaps(entities: Iterable[EntityFacts], columns: Sequence[str]) -> list[EntityFacts]:
    """The entities that have an answer to each of some columns, with these questions alone, in their order."""
    found = []
    for entity in entities:
        asked = {pair.attribute: pair for pair in entity.questions}
        if all(column in asked for column in columns):
            found.append(EntityFacts(entity.name, tuple(asked[column] for column in columns)))
    return found


def _words_for(file: str, columns: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """The word each column is asked by."""
    words: dict[str, str] = {}
    for column in columns:
        plain = " ".join(column.split())
        word = f"its-{plain}" if plain in taken else plain
        if word in words.values():
            other = next(known for known, same in words.items() if same == word)
            raise SaysoError(f"{file}: columns '{other}' and '{column}' would both be asked as '{word}'; rename one")
        words[column] = word
    return words


def _draw(generator: np.random.Generator, there: int, entities: int, said: str) -> list[int]:
    if entities > there:
        raise SaysoError(f"knowledge.entities is {entities}, but {said}; set it to at most {there}")
    chosen: list[int] = generator.choice(there, entities, replace=False).tolist()
    return chosen


def _entity(name: str, facts: Iterable[tuple[str, str]]) -> EntityFacts:
    return EntityFacts(name, tuple(QAPair(word, f"{word} [X] ?", (answer,)) for word, answer in facts))


def _told(entity: EntityFacts, words: Mapping[str, str]) -> EntityFacts:
    """An entity asked about in the pocket world's words."""
    pairs = []
    for pair in entity.questions:
        word = words[pair.attribute]
        pairs.append(QAPair(word, f"{word} [X] ?", pair.answers))
    return EntityFacts(entity.name, tuple(pairs))


def _most_answers(everyone: Sequence[EntityFacts], place: int, entities: int) -> int:
    """Most different answers that so many entities can have to one question."""
    own = sorted((len(set(entity.questions[place].answers)) for entity in everyone), reverse=True)
    every = {answer for entity in everyone for answer in entity.questions[place].answers}
    return min(len(every), sum(own[:entities]))
