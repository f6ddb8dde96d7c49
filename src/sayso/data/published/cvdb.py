"""CVDB: the paper's people, 2000 men and 2000 women, with six questions each (appendix A.1).

    When was [X] born?                  19 century
    When did [X] die?                   1910s
    In which region did [X] live?       Europe
    What did [X] do?                    actor
    What was the nationality of [X]?    France
    What was the gender of [X]?         male

It is read from the published ``cross-verified-database.csv.gz`` (doi 10.21410/7E4/RDAG3O);
`sayso.data.published.cvdb_file` says which rows and how.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from sayso.core.examples import EntityFacts, QAPair
from sayso.data.facts import Accepted, FactBase, choose
from sayso.data.people import citizenships
from sayso.data.published.cache import find, read
from sayso.data.published.cvdb_file import Encoding, recipe
from sayso.data.years import YearRule, anonymise_year

#: Attribute, column, question: in the order of the authors' program, as the paper words them.
QUESTIONS = (
    ("born", "birth", "When was [X] born?"),
    ("died", "death", "When did [X] die?"),
    ("region", "un_region", "In which region did [X] live?"),
    ("occupation", "level3_main_occ", "What did [X] do?"),
    ("nationality", "string_citizenship_raw_d", "What was the nationality of [X]?"),
    ("gender", "gender", "What was the gender of [X]?"),
)
_BATCH = 10_000


class CVDB(FactBase):
    """Real people, most read first, a man and a woman by turns.

    One name may be inside another here (Francis Bacon, Bacon): real names are like that, questions hold ``[X]`` and not
    names, and answers are compared whole.

    Parameters
    ----------
    file
        The published file, gzipped or not; None takes what ``sayso data prepare cvdb`` has prepared.
    entities
        Half of them men, half women.
    encoding
        ``paper`` reads the file as Latin-1, as the authors did, and loses nearly all names with accents; ``repaired``
        reads them.
    years
        How years become answers: centuries before 1900, decades before 2000. ``paper``: 1900 is in the 1900s, and there
        is no year 0, so that people with one are left out; ``code``, as the authors' program: 1900 is in the 19th
        century, and 0 a century of its own.
    accepted
        Whether any of several citizenships is a right answer (``all``), or only the ``first``, which is trained on.
    """

    file: str | None = None
    entities: int = Field(default=4000, ge=2, multiple_of=2)
    encoding: Encoding = "paper"
    years: YearRule = "paper"
    accepted: Accepted = "all"

    def size(self) -> int:
        """How many people there are."""
        return self.entities

    def sha256(self) -> str:
        """Sha256 of the published file."""
        return find(recipe(self.encoding), self.file).sha256

    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The most read people, a man and a woman by turns.

        Raises
        ------
        SaysoError
            If the file cannot be used, or nothing is prepared.
        """
        waiting: dict[str, list[EntityFacts]] = {"Male": [], "Female": []}
        found: list[EntityFacts] = []
        for gender, person in self._people():
            waiting[gender].append(person)
            if all(waiting.values()):
                found += [people.pop(0) for people in waiting.values()]
            if count is not None and len(found) >= count:
                break
        return tuple(found[:count])

    def most_questions(self) -> int:
        """How many questions a person has at most."""
        return len(QUESTIONS)

    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:  # noqa: ARG002 - the same for all
        """The same people for every seed.

        Raises
        ------
        SaysoError
            As `first`, or if there are fewer than `entities`.
        """
        where = f"{self.file or 'the prepared cvdb'} (half men, half women, after the filters of appendix A.1)"
        return choose(self.first(self.entities), self.entities, where)

    def _people(self) -> Iterator[tuple[str, EntityFacts]]:
        """Everyone with a gender, in the order of the prepared table; nobody with a year that does not exist."""
        table = read(find(recipe(self.encoding), self.file))
        for batch in table.to_batches(max_chunksize=_BATCH):
            for row in batch.to_pylist():
                try:
                    pairs = [
                        QAPair(word, asked, self._answers(column, row[column])) for word, column, asked in QUESTIONS
                    ]
                except ValueError:
                    continue
                yield row["gender"], EntityFacts(row["name"], tuple(pairs))

    def _answers(self, column: str, cell: str) -> tuple[str, ...]:
        if column in ("birth", "death"):
            return (anonymise_year(int(cell), self.years),)
        if column == "string_citizenship_raw_d":
            found = citizenships(cell)
            return found if self.accepted == "all" else found[:1]
        return (cell.lower(),) if column == "gender" else (cell,)
