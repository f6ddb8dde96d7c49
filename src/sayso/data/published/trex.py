"""T-REx: the paper's creative works, with four questions each (appendix A.2, table 2).

    First name of the author of [X]?          Frank
    When was [X] published or released?       1960s
    What is the genre of [X]?                 science fiction (or: planetary romance)
    Where is [X] set?                         Arrakis

It is read from the published zip (doi 10.6084/m9.figshare.5146864); `sayso.data.published.trex_file` says how.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from pydantic import Field

from sayso.core.examples import EntityFacts, QAPair
from sayso.data.facts import Accepted, Drawn, FactBase, choose
from sayso.data.published.cache import Recipe, find, read
from sayso.data.published.trex_file import QUESTIONS, recipe
from sayso.data.years import YearRule, anonymise_year


@dataclass(frozen=True)
class Predicate:
    """A property of Wikidata that is asked about. Those with the same question are one question."""

    id: str
    attribute: str
    question: str
    kind: Literal["thing", "person", "year"] = "thing"


#: Table 2 of the paper.
TABLE_2 = (
    Predicate("P180", "depicted", "What does [X] depict?"),
    Predicate("P195", "collection", "Which collection is [X] part of?"),
    Predicate("P135", "movement", "Which movement is [X] associated with?"),
    Predicate("P123", "publisher", "Who is the publisher of [X]?"),
    Predicate("P750", "distributor", "What is the distributor of [X]?"),
    Predicate("P275", "license", "What is the license of [X]?"),
    Predicate("P127", "owner", "Who owns [X]?"),
    Predicate("P178", "developer", "Who developed [X]?"),
    Predicate("P407", "language", "In which language was [X] published?"),
    Predicate("P364", "language", "In which language was [X] published?"),
    Predicate("P577", "released", "When was [X] published or released?", "year"),
    Predicate("P179", "series", "Which series is [X] part of?"),
    Predicate("P50", "author", "First name of the author of [X]?", "person"),
    Predicate("P57", "director", "First name of the director of [X]?", "person"),
    Predicate("P58", "screenwriter", "First name of the screenwriter of [X]?", "person"),
    Predicate("P344", "cinematographer", "First name of the cinematographer of [X]?", "person"),
    Predicate("P161", "cast", "First name of a cast member of [X]?", "person"),
    Predicate("P162", "producer", "First name of the producer of [X]?", "person"),
    Predicate("P1040", "editor", "First name of the editor of [X]?", "person"),
    Predicate("P98", "editor", "First name of the editor of [X]?", "person"),
    Predicate("P88", "commissioner", "First name of the commissioner of [X]?", "person"),
    Predicate("P86", "composer", "First name of the composer for [X]?", "person"),
    Predicate("P136", "genre", "What is the genre of [X]?"),
    Predicate("P921", "subject", "What is the main subject of [X]?"),
    Predicate("P840", "setting", "Where is [X] set?"),
    Predicate("P915", "filmed", "Where was [X] filmed?"),
)
#: Asked by the authors' program though not in table 2; the wording is ours.
_KIND = Predicate("P31", "kind", "What kind of work is [X]?")
_NOT_IN_THE_CODE = ("P161", "P88")

PREDICATES: dict[str, dict[str, Predicate]] = {
    "paper": {item.id: item for item in TABLE_2},
    "code": {item.id: item for item in (*TABLE_2, _KIND) if item.id not in _NOT_IN_THE_CODE},
}


class TREx(FactBase):
    """Creative works, in the order in which the files tell of them.

    In answers, what stands in parentheses is removed; a date without a year of four digits is no answer. One name may
    be inside another here (The Piano, The Pianist, Piano), as in `CVDB`.

    Parameters
    ----------
    file
        The published zip; None takes what ``sayso data prepare trex`` has prepared.
    entities
        How many; None all with four questions.
    drawn
        ``fixed`` takes the first ones for every seed, ``seed`` others for each.
    predicates
        Those of table 2 (``paper``), or of the authors' program (``code``: without P161 and P88, with P31).
    questions
        ``paper`` keeps four of an entity, those told first; ``code`` all.
    years
        How years become answers, as of `CVDB`.
    one_word_people
        Of people only the first name is asked; an answer of one word may be a surname, and is left out (``drop``, as
        the authors did) or kept (``keep``).
    accepted
        The answers to one question that count: ``all`` (which the paper writes with ``;`` between them) or the
        ``first`` (which their program cuts them to). The first is the one trained on.
    """

    file: str | None = None
    entities: int | None = Field(default=6900, ge=1)
    drawn: Drawn = "fixed"
    predicates: Literal["paper", "code"] = "paper"
    questions: Literal["paper", "code"] = "paper"
    years: YearRule = "paper"
    one_word_people: Literal["drop", "keep"] = "drop"
    accepted: Accepted = "all"

    def size(self) -> int:
        """How many works there are."""
        return len(self.first()) if self.entities is None else self.entities

    def sha256(self) -> str:
        """Sha256 of the published zip."""
        return find(triples(), self.file).sha256

    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The works told of first.

        Raises
        ------
        SaysoError
            If the file cannot be used, or nothing is prepared.
        """
        return tuple(itertools.islice(self._works(), count))

    def most_questions(self) -> int:
        """How many questions a work has at most."""
        return QUESTIONS if self.questions == "paper" else super().most_questions()

    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:
        """The works of one seed.

        Raises
        ------
        SaysoError
            As `first`, or if there are fewer than `entities`.
        """
        where = f"{self.file or 'the prepared trex'} (works with {QUESTIONS} questions)"
        if self.drawn == "fixed":
            return choose(self.first(self.entities), self.entities, where)
        return choose(self.first(), self.entities, where, seed)

    def _works(self) -> Iterator[EntityFacts]:
        columns = read(find(triples(), self.file)).to_pydict()
        rows = zip(columns["subject"], columns["predicate"], columns["object"], strict=True)
        for subject, told in itertools.groupby(rows, key=itemgetter(0)):
            pairs = self._pairs((predicate, value) for _, predicate, value in told)
            if len(pairs) >= QUESTIONS:
                yield EntityFacts(subject, tuple(pairs[:QUESTIONS] if self.questions == "paper" else pairs))

    def _pairs(self, told: Iterable[tuple[str, str]]) -> list[QAPair]:
        """The questions of one work, in the order of their first answers."""
        known = PREDICATES[self.predicates]
        answers: dict[tuple[str, str], dict[str, None]] = {}
        for predicate, value in told:
            asked = known.get(predicate)
            if asked is not None and (answer := self._answer(asked, value)):
                answers.setdefault((asked.attribute, asked.question), {})[answer] = None
        last = None if self.accepted == "all" else 1
        return [QAPair(word, question, tuple(found)[:last]) for (word, question), found in answers.items()]

    def _answer(self, predicate: Predicate, value: str) -> str:
        """What is answered; nothing where there is no answer to be had."""
        if predicate.kind == "year":
            year = re.search(r"(?<!\d)[1-9]\d{3}(?!\d)", value)
            return anonymise_year(int(year[0]), self.years) if year else ""
        words = re.sub(r"\([^()]*\)", " ", value).split()
        if predicate.kind == "person":
            return "" if not words or (len(words) == 1 and self.one_word_people == "drop") else words[0]
        return " ".join(words)


def triples() -> Recipe:
    """The table of all triples that any setting can ask about."""
    return recipe({item.id: item.question for known in PREDICATES.values() for item in known.values()})
