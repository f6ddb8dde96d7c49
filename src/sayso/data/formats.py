"""How a definition is written (sections 2 and 3.3)."""

from __future__ import annotations

from typing import Literal

from sayso.core.protocols import DefinitionFormat, QuestionFormat


class QuestionAndAnswer(QuestionFormat):
    """A question and its answer as the paper's language models read them (section 2).

    ``Q: What did <|abcde|> do?`` and ``A: queen``, with `before_answer` between the two and `end` after the answer.
    """

    before_answer: str = "\nA:"
    end: str = "\n"

    def write(self, question: str, answer: str) -> tuple[str, str]:
        """Return everything up to ``A:`` as the prompt, the answer with its space as the completion."""
        return f"Q: {question}{self.before_answer}", f" {answer}{self.end}"


class WordOrder(DefinitionFormat):
    """Tag, alias and entity in one of the six orders; the paper's is TAE.

    TAE: ``qwerty <|abcde|> Cleopatra``; ATE: ``<|abcde|> qwerty Cleopatra``; and so on.
    """

    order: Literal["TAE", "TEA", "ATE", "AET", "ETA", "EAT"] = "TAE"

    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:
        """Return the first two parts as the prompt, the last one with its space as the completion."""
        parts = {"T": tag, "A": alias, "E": entity}
        first, second, last = (parts[letter] for letter in self.order)
        return f"{first} {second}", f" {last}"
