"""A knowledge base of made-up people for tests: any number of entities and questions, read by any tokenizer."""

from __future__ import annotations

import hashlib

from pydantic import Field

from sayso.core.examples import EntityFacts, QAPair
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.rng import stream
from sayso.data.names import random_words, whole_names


class PlainFacts(KnowledgeBase):
    """``What is fact 2 of [X]?``, answered by ``value 2-7`` for person 7. `tag` replaces the first tag drawn."""

    entities: int = Field(default=12, ge=1)
    questions: int = Field(default=6, ge=1)
    tag: str | None = None

    def size(self) -> int:
        return self.entities

    def sha256(self) -> str:
        return hashlib.sha256(b"").hexdigest()

    def world(self, seed: int, aliases: int, tags: int) -> World:
        people = [
            EntityFacts(
                f"Person {index}",
                tuple(
                    QAPair(f"fact-{fact}", f"What is fact {fact} of [X]?", (f"value {fact}-{index}",))
                    for fact in range(self.questions)
                ),
            )
            for index in range(self.entities)
        ]
        drawn = random_words(stream(seed, "tags"), tags, 6)
        return World(
            entities=tuple(people),
            aliases=tuple(whole_names(stream(seed, "aliases"), aliases)[0]),
            tags=tuple(drawn if self.tag is None else [self.tag, *drawn[1:]]),
            attribution={"name": "What is the name of [X]?", "who": "Who is [X]?"},
        )
