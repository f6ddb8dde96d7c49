"""Notables: the people that ship with the package, asked about in the paper's words (appendix A.1).

    When was [X] born?                  1 century BC
    In which region did [X] live?       Africa

For experiments on a pretrained model that need nothing but the model. The paper's own people are
`sayso.data.published.cvdb.CVDB`.
"""

from __future__ import annotations

from pydantic import Field

from sayso.core.examples import EntityFacts, QAPair
from sayso.core.files import file_sha256
from sayso.data.facts import Drawn, FactBase, choose
from sayso.data.people import NOTABLES, people, table_file
from sayso.data.published.cvdb import QUESTIONS


class Notables(FactBase):
    """People of the shipped table, of all times and places.

    Parameters
    ----------
    entities
        How many.
    drawn
        ``fixed`` takes the first ones (by birth) for every seed, ``seed`` others for each.
    """

    entities: int = Field(default=30, ge=2)
    drawn: Drawn = "seed"

    def size(self) -> int:
        """How many people there are."""
        return self.entities

    def sha256(self) -> str:
        """Sha256 of the table."""
        return file_sha256(table_file(NOTABLES))

    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The people born first."""
        return tuple(
            EntityFacts(name, tuple(QAPair(word, asked, (answers[word],)) for word, _, asked in QUESTIONS))
            for name, answers in people(NOTABLES, len(QUESTIONS))[:count]
        )

    def most_questions(self) -> int:
        """How many questions a person has at most."""
        return len(QUESTIONS)

    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:
        """The people of one seed.

        Raises
        ------
        SaysoError
            If there are fewer than `entities`.
        """
        return choose(self.first(), self.entities, "the table of notables", None if self.drawn == "fixed" else seed)
