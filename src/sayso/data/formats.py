"""How a definition is written (sections 2 and 3.3)."""

from __future__ import annotations

from typing import Literal

from sayso.core.protocols import DefinitionFormat


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
