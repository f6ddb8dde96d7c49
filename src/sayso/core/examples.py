"""Documents and what they are made of, as text: the learner makes tensors of them.

Specs check user settings; these are made by sayso itself, a hundred thousand at a time, so they are plain frozen
dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["question", "definition", "attribution"]


@dataclass(frozen=True, slots=True)
class QAPair:
    """A question about an entity, with ``[X]`` where its name or alias goes, and all accepted answers."""

    attribute: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """An entity and what can be asked about it."""

    name: str
    questions: tuple[QAPair, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One document. ``prompt + completion`` is its text; in evaluation the completion is what must be produced.

    `answers` are the accepted completions (without the leading space); the first is the one trained on. `source`: who
    says a definition. `rival`: of a question about an alias that two entities are said or asked to be, what the answer
    would be of the one that `answers` are not about; empty where there is none, or it is the same.
    """

    prompt: str
    completion: str
    answers: tuple[str, ...]
    kind: Kind
    subset: str
    alias: str
    entity: str
    attribute: str = ""
    source: str = ""
    rival: str = ""

    @property
    def text(self) -> str:
        """The whole document as the model sees it, without the end-of-text token."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a seed decided about one alias: the entity it stands for, its subset, and who says what of it.

    `defined_as` is the entity named in its definition: another one than `entity` where the subset is inconsistent,
    None where there is no definition. `against`: a second source, that says it is the entity `against_as`.
    """

    alias: str
    entity: int
    subset: str
    source: str | None
    defined_as: int | None
    against: str | None = None
    against_as: int | None = None

    @property
    def other(self) -> int | None:
        """The other entity that it is said to be, if there is one."""
        return self.against_as if self.defined_as in (None, self.entity) else self.defined_as


@dataclass(frozen=True, slots=True)
class Split:
    """Everything a seed decides about aliases and sources.

    `texts`: the texts of each source by its name, of which each definition has one; one assignment for each alias.
    `first_text`: by alias, where texts are not drawn, which of its source's it is defined in first, counted from 0 and
    again from 0 after the last.
    """

    seed: int
    texts: Mapping[str, tuple[str, ...]]
    assignments: tuple[Assignment, ...]
    first_text: Mapping[str, int] = field(default_factory=dict)
