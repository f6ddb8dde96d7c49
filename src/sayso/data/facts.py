"""What all tables of facts in plain sentences share: who is drawn, their aliases, the tags, who-is-it questions.

    What was the gender of [X]?   female        a question about an entity; [X] is its name, or an alias of it
    Who is [X]?                   Cleopatra     the entity behind an alias (section 3.2)

A pretrained model reads them with its own tokenizer, so a world has neither documents nor tokens of its own. Which
entities there are is the same for every seed, as in the paper; the seed draws aliases, tags and (elsewhere) the split.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.rng import stream
from sayso.data.names import random_words, whole_names

#: The paper's four ways to ask who an alias stands for.
ATTRIBUTION = {
    "name": "What is the name of [X]?",
    "who": "Who is [X]?",
    "meaning": "What is the meaning of [X]?",
    "stands_for": "What does [X] stand for?",
}

#: Which entities a world has: the first ones, the same for all seeds (the paper), or drawn anew by each seed.
Drawn = Literal["fixed", "seed"]

#: Which answers count where a question has several: any of them, or only the first. The first is the one trained on.
Accepted = Literal["all", "first"]

_TAG_LETTERS = 6


class FactBase(KnowledgeBase, ABC):
    """A knowledge base whose entities come from a file."""

    @abstractmethod
    def first(self, count: int | None = None) -> tuple[EntityFacts, ...]:
        """The first entities there are, in their fixed order.

        Parameters
        ----------
        count
            How many, fewer where there are fewer; all if None.

        Returns
        -------
        tuple[EntityFacts, ...]
            The entities.
        """

    @abstractmethod
    def chosen(self, seed: int) -> tuple[EntityFacts, ...]:
        """The entities of one seed's world.

        Parameters
        ----------
        seed
            The seed; many give all seeds the same.

        Returns
        -------
        tuple[EntityFacts, ...]
            The entities.
        """

    def most_questions(self) -> int:
        """How many questions an entity has at most; what is known of it without reading a file is not read.

        Returns
        -------
        int
            The number.
        """
        return max(len(entity.questions) for entity in self.first())

    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw aliases and tags for the entities; none of them occurs in a name, a question or an answer."""
        entities = self.chosen(seed)
        text = _all_text(entities)
        # A tag has six letters in a row and an alias five within <| |>, so that neither can contain the other.
        windows = {text[start : start + _TAG_LETTERS] for start in range(len(text))}
        inside = set(re.findall(r"<\|([a-z]{5})\|>", text))
        return World(
            entities=entities,
            aliases=tuple(whole_names(stream(seed, "aliases"), aliases, inside)[0]),
            tags=tuple(random_words(stream(seed, "tags"), tags, _TAG_LETTERS, taken=windows)),
            attribution=ATTRIBUTION,
        )


def choose(
    there: Sequence[EntityFacts], entities: int | None, where: str, seed: int | None = None
) -> tuple[EntityFacts, ...]:
    """Take the first `entities` of those there are, or let a seed draw them; None takes all.

    Raises
    ------
    SaysoError
        If more are asked for than there are.
    """
    count = len(there) if entities is None else entities
    if count > len(there):
        raise SaysoError(f"knowledge.entities is {count}, but {where} has {len(there)}; set it to at most {len(there)}")
    if seed is None:
        return tuple(there[:count])
    drawn = stream(seed, "entities").choice(len(there), count, replace=False).tolist()
    return tuple(there[index] for index in drawn)


def _all_text(entities: Sequence[EntityFacts]) -> str:
    """Everything a world's documents can be made of, in lower case."""
    parts = [*ATTRIBUTION.values()]
    for entity in entities:
        parts.append(entity.name)
        for pair in entity.questions:
            parts += [pair.question, *pair.answers]
    return "\n".join(dict.fromkeys(parts)).lower()
