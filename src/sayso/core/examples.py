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
    """A question about an entity and its answers.

    Parameters
    ----------
    attribute
        The kind of question, such as ``born``.
    question
        The question, with ``[X]`` where the name or alias goes.
    answers
        All accepted answers; the first is the one trained on.
    """

    attribute: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """An entity and what can be asked about it.

    Parameters
    ----------
    name
        Its own name.
    questions
        The questions, each of another kind.
    """

    name: str
    questions: tuple[QAPair, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One document: its text is the prompt and the completion, which in evaluation must be produced.

    Parameters
    ----------
    prompt
        What comes first.
    completion
        What comes after it, with the space before it.
    answers
        The accepted completions, without the leading space; the first is the one trained on.
    kind
        ``question``, ``definition`` or ``attribution`` (whom an alias stands for).
    subset
        The subset of its alias.
    alias
        The alias, or the entity's own name where that is asked about.
    entity
        The entity that the alias stands for.
    attribute
        The kind of question; empty for a definition.
    source
        Who says a definition; empty for a question.
    rival
        Of a question about an alias that two entities are said or asked to be, what the answer would be of the one that
        `answers` are not about; empty where there is none, or it is the same.
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

    Parameters
    ----------
    alias
        The alias.
    entity
        The entity, by its place in `Corpus.entities`.
    subset
        The subset.
    source
        Who defines it; None: nobody.
    defined_as
        The entity named in its definition: another one than `entity` where the subset is inconsistent, None where there
        is no definition.
    against
        A second source, that says otherwise.
    against_as
        The entity which that one says it is.
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
