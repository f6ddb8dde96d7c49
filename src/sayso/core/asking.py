"""How aliases are asked about: with their definitions before the questions, and in which words whom they stand for."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from sayso.core.spec import Spec


class InContext(Spec):
    """Definitions stand before the questions, trained and asked, and are no documents of their own (appendix C.8).

    Parameters
    ----------
    separator
        What comes between the two. The authors' program writes a line break, a full stop and a space.
    """

    separator: str = "\n"


class Attribution(Spec):
    """How it is asked whom an alias stands for, and of which aliases (section 3.2).

    Parameters
    ----------
    phrasings
        Questions with ``[X]`` where the alias goes, by name. Those of a name that the knowledge base has take the place
        of its own (``name``, ``who``, ``meaning``, ``stands_for``), others are asked besides.
    left_out
        Subsets that are not asked so.
    """

    phrasings: dict[str, str] = Field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @field_validator("phrasings")
    @classmethod
    def _about_somebody(cls, phrasings: dict[str, str]) -> dict[str, str]:
        for name, question in phrasings.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"a phrasing is called '{name}'; write small letters, digits and _")
            if "[X]" not in question:
                raise ValueError(f"the phrasing '{question}' needs [X] where the alias goes")
        return phrasings
