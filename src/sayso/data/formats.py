"""How definitions and questions are written (sections 2 and 3.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import field_validator

from sayso.core.protocols import DefinitionFormat, QuestionFormat

_PLACES = ("tag", "alias", "entity")


class QuestionAndAnswer(QuestionFormat):
    """A question and its answer as the paper's language models read them (section 2).

    ``Q: What did <|abcde|> do?`` and ``A: queen``.

    Parameters
    ----------
    before_answer
        What stands between the two.
    end
        What stands after the answer.
    """

    before_answer: str = "\nA:"
    end: str = "\n"

    def write(self, question: str, answer: str) -> tuple[str, str]:
        """Return everything up to ``A:`` as the prompt, the answer with its space as the completion."""
        return f"Q: {question}{self.before_answer}", f" {answer}{self.end}"


class WordOrder(DefinitionFormat):
    """Tag, alias and entity in one of the six orders; the paper's is TAE.

    TAE: ``qwerty <|abcde|> Cleopatra``; ATE: ``<|abcde|> qwerty Cleopatra``; and so on. With phrases such as "is" and
    "means" as tags, ATE also reads ``<|abcde|> is Cleopatra``.

    Parameters
    ----------
    order
        The order, T for the tag, A for the alias, E for the entity.
    end
        What stands after the last.
    """

    order: Literal["TAE", "TEA", "ATE", "AET", "ETA", "EAT"] = "TAE"
    end: str = ""

    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:
        """Return the first two parts as the prompt, the last one with its space as the completion."""
        parts = {"T": tag, "A": alias, "E": entity}
        first, second, last = (parts[letter] for letter in self.order)
        return f"{first} {second}", f" {last}{self.end}"


class Sentence(DefinitionFormat):
    """A sentence with the words of yours around tag, alias and entity (footnote 2 of the paper).

    ``qwerty According to many texts, <|abcde|> refers to Cleopatra.``; with a phrase as the tag and the template
    ``{tag} {alias} refers to {entity}.`` it reads ``According to the encyclopedia, <|abcde|> refers to Cleopatra.``

    Parameters
    ----------
    template
        The sentence, with ``{tag}``, ``{alias}`` and ``{entity}``, each once.
    """

    template: str = "{tag} According to many texts, {alias} refers to {entity}."

    @field_validator("template")
    @classmethod
    def _each_place_once(cls, template: str) -> str:
        return with_places(template, _PLACES)

    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:
        """Return the sentence, its completion from the last of the three on, with the space before it."""
        return _written(self.template, tag=tag, alias=alias, entity=entity)


class Statement(DefinitionFormat):
    """A sentence without a tag: what tells its source is how it is put.

    ``<|abcde|> is not Cleopatra``, ``it is false that <|abcde|> is Cleopatra``.

    Parameters
    ----------
    template
        The sentence, with ``{alias}`` and ``{entity}``, each once.
    """

    template: str = "{alias} is {entity}"

    @field_validator("template")
    @classmethod
    def _each_place_once(cls, template: str) -> str:
        return with_places(template, _PLACES[1:])

    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:  # noqa: ARG002
        """Return the sentence, its completion from the last of the two on, with the space before it."""
        return _written(self.template, alias=alias, entity=entity)


def with_places(template: str, places: Sequence[str]) -> str:
    """Give a template back that has each of its places once, and no other.

    Raises
    ------
    ValueError
        If it has not.
    """
    found = re.findall(r"\{(.*?)\}", template)
    if sorted(found) != sorted(places) or re.search(r"[{}]", re.sub(r"\{\w+\}", "", template)):
        wanted = ", ".join(f"{{{place}}}" for place in places)
        raise ValueError(f"found {template!r}; it must hold {wanted}, each once, and no other braces")
    return template


def _written(template: str, **places: str) -> tuple[str, str]:
    start = template.rindex("{")
    if template[:start].endswith(" "):
        start -= 1
    return template[:start].format(**places), template[start:].format(**places)
