"""The pocket world: few entities with many names, small enough to pretrain on a laptop.

A model pretrained on facts told under many names has learned that a name it has never seen can stand for an entity it
knows. An alias is then just one more name, and whether a definition is believed shows in seconds.

    born <|kwoda|> ? 1 century BC      a fact, told under one of Cleopatra's many names
    born Cleopatra ? 1 century BC      the same under the entity's own name
    who <|kwoda|> ? Cleopatra          who the name belongs to, asked in one of four ways
    <|kwoda|> refers to Cleopatra      said of some names, if asked for
    <|hbpjs|> isn't Darwin             said of others, which are not Darwin's

Half of the facts of each name are told; whether the others can be answered is the check ``pretraining``/``held_out``.
"""

from __future__ import annotations

import hashlib
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from sayso.core.corpus import EvalSet
from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts, Example, QAPair
from sayso.core.files import file_sha256
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.rng import stream
from sayso.data.build import question
from sayso.data.formats import Statement, with_places
from sayso.data.names import pieced_names, random_words, whole_names
from sayso.data.people import ATTRIBUTES, NOTABLES, table_file
from sayso.data.phrases import IS, IS_NOT
from sayso.data.pocket_facts import PLACES, Facts, made_up, of_people, of_table
from sayso.data.tables.kinds import KINDS, kind_of
from sayso.data.tables.table import Table

#: Made-up facts.
SYNTHETIC = "synthetic"

#: The ways to ask who a name belongs to. None of them is how a definition is written.
ATTRIBUTION = {"name": "name [X] ?", "who": "who [X] ?", "meaning": "meaning [X] ?", "stands_for": "stands-for [X] ?"}
_ASKED = tuple(wording.split()[0] for wording in ATTRIBUTION.values())


class PocketWorld(KnowledgeBase):
    """A small world, learned in stage 0: entities with a few facts each, told under many names each.

    Parameters
    ----------
    facts
        ``notables`` are real people from a table shipped with the package, of whom each seed draws its own; the path of
        a file is a table of people in the same columns; a `Table` is any table of yours, of which each seed draws
        entities with an answer to all of the first `attributes` columns (or to all there are, if they are fewer), asked
        by their names; ``synthetic`` facts are made up, every value of an attribute equally likely, any number of
        entities.
    entities
        How many entities a seed draws.
    attributes
        How many facts an entity has.
    values
        How many values an attribute has (synthetic only).
    names
        Under how many names an entity is told.
    pool
        Names are one token each (None), or two, put together from this many first and as many second pieces.
    statements
        Of how many names of each entity a document says that they are its, and of how many others that they are not
        somebody else's; so that a model learns what is and is not mean (section 5.3).
    sayings
        Sentences with ``{alias}`` and ``{entity}`` that say so, each with whether it is said of the right entity or of
        another one; none: phrases such as "is" and "is not". Statements are dealt to right and wrong ones in
        turn.
    also
        As many ``places`` besides, whose facts are made up; aliases of X2 stand for these alone, those of X1 for the
        others alone.
    """

    facts: str | Table = NOTABLES
    entities: int = Field(default=16, ge=2)
    attributes: int = Field(default=6, ge=2, le=len(ATTRIBUTES))
    values: int = Field(default=10, ge=2)
    names: int = Field(default=50, ge=1)
    pool: int | None = Field(default=None, ge=2, le=400)
    statements: int = Field(default=0, ge=0)
    sayings: dict[str, bool] = Field(default_factory=dict)
    also: Literal["places"] | None = None

    @field_validator("facts")
    @classmethod
    def _known_facts(cls, facts: str | Table) -> str | Table:
        if isinstance(facts, str) and facts not in (NOTABLES, SYNTHETIC) and kind_of(facts) is None:
            known = f"{NOTABLES}, {SYNTHETIC}, or the path of a table ({KINDS})"
            raise ValueError(f"found '{facts}'; it is {known}")
        return facts

    @field_validator("sayings")
    @classmethod
    def _right_and_wrong(cls, sayings: dict[str, bool]) -> dict[str, bool]:
        for saying in sayings:
            with_places(saying, ("alias", "entity"))
        if sayings and len(set(sayings.values())) < 2:
            raise ValueError("needs a sentence that is said of the right entity, and one of another")
        return sayings

    @model_validator(mode="after")
    def _enough_names(self) -> Self:
        if 2 * self.statements > self.names:
            raise ValueError(
                f"statements is {self.statements}, which needs {2 * self.statements} names of each entity (as many "
                f"that are not somebody else's); names is {self.names}"
            )
        return self

    def size(self) -> int:
        """How many entities a world has."""
        return self.entities * (2 if self.also else 1)

    def sha256(self) -> str:
        """Sha256 of the table; of nothing for made-up facts, which follow from the seed."""
        if isinstance(self.facts, Table):
            return self.facts.sha256()
        return hashlib.sha256(b"").hexdigest() if self.facts == SYNTHETIC else file_sha256(table_file(self.facts))

    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw entities, their names, and the documents that tell their facts.

        Raises
        ------
        SaysoError
            If more entities are asked for than the table has, or more names than the pool can make.
        """
        facts = self._facts(seed)
        entities = facts.entities
        needed = len(entities) * self.names + aliases
        if self.pool is not None and needed > self.pool**2:
            smallest = int(np.ceil(np.sqrt(needed)))
            raise SaysoError(
                f"{needed} names and aliases are needed, a pool of {self.pool} makes {self.pool**2}; "
                f"set knowledge.pool to at least {smallest}"
            )
        draw = stream(seed, "names")
        drawn, tokens = whole_names(draw, needed) if self.pool is None else pieced_names(draw, needed, self.pool)
        names = [drawn[index * self.names : (index + 1) * self.names] for index in range(len(entities))]
        told, held_out = self._tell(entities, names, seed)
        words = list(dict.fromkeys(["?", *facts.attributes, *_ASKED, *facts.words, *self._stated()]))
        return World(
            entities=entities,
            aliases=tuple(drawn[len(entities) * self.names :]),
            tags=tuple(random_words(stream(seed, "tags"), tags, 6, taken=words)),
            attribution=ATTRIBUTION,
            documents=(*told, *self._state(entities, names, seed)),
            eval_sets=(
                EvalSet("pretraining", "told", tuple(told)),
                EvalSet("pretraining", "held_out", tuple(held_out)),
            ),
            tokens=(*(f" {word}" for word in words), *tokens),
            kinds=("X1",) * self.entities + ("X2",) * self.entities if self.also else (),
        )

    def _tell(
        self, entities: tuple[EntityFacts, ...], names: list[list[str]], seed: int
    ) -> tuple[list[Example], list[Example]]:
        """Write the documents of stage 0, and the questions they leave out."""
        generator = stream(seed, "told")
        phrasings = list(ATTRIBUTION)
        told: list[Example] = []
        held_out: list[Example] = []
        for entity, own_names in zip(entities, names, strict=True):
            told += [question(pair, entity.name, entity.name, "told") for pair in entity.questions]
            for name in own_names:
                order = generator.permutation(len(entity.questions)).tolist()
                for rank, index in enumerate(order):
                    example = question(entity.questions[index], name, entity.name, "told")
                    (told if rank < len(entity.questions) // 2 else held_out).append(example)
                phrasing = phrasings[generator.integers(len(phrasings))]
                asked = QAPair(phrasing, ATTRIBUTION[phrasing], (entity.name,))
                told.append(question(asked, name, entity.name, "told", kind="attribution"))
        return told, held_out

    def _state(self, entities: tuple[EntityFacts, ...], names: list[list[str]], seed: int) -> list[Example]:
        """Say of names whose they are, and of as many others whose they are not."""
        generator = stream(seed, "statements")
        of = {true: [saying for saying, right in self._sayings.items() if right is true] for true in (True, False)}
        stated: list[Example] = []
        for index, own_names in enumerate(names):
            for rank, name in enumerate(own_names[: 2 * self.statements]):
                true = rank < self.statements
                saying = of[true][generator.integers(len(of[true]))]
                other = (index + generator.integers(1, len(entities))) % len(entities)
                said = entities[index if true else other].name
                prompt, completion = Statement(template=saying).write("", name, said)
                stated.append(Example(prompt, completion, (said,), "definition", "told", name, entities[index].name))
        return stated

    @property
    def _sayings(self) -> dict[str, bool]:
        usual = {f"{{alias}} {phrase} {{entity}}": phrase in IS for phrase in (*IS, *IS_NOT)}
        return self.sayings or usual

    def _facts(self, seed: int) -> Facts:
        generator = stream(seed, "entities")
        facts = self._first(generator, seed)
        if self.also is None:
            return facts
        return facts.beside(made_up(generator, self.entities, self.attributes, self.values, PLACES))

    def _first(self, generator: np.random.Generator, seed: int) -> Facts:
        if isinstance(self.facts, Table):
            own_words = ["?", *_ASKED, *self._stated()]
            return of_table(generator, self.facts, seed, self.entities, self.attributes, own_words)
        if self.facts == SYNTHETIC:
            return made_up(generator, self.entities, self.attributes, self.values)
        return of_people(generator, self.facts, self.entities, self.attributes)

    def _stated(self) -> list[str]:
        """Words that statements are made with."""
        sentences = [saying.format(alias="", entity="") for saying in self._sayings]
        return [word for sentence in sentences for word in sentence.split()] if self.statements else []
