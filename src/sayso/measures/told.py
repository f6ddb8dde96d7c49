"""Definitions with the questions about the same aliases: what measures of mechanisms are taken on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.measure import Moment

#: The evaluation sets that hold an alias's questions: those trained on, and those held out.
QUESTIONS = ("train_qa", "validation")


@dataclass(frozen=True)
class Told:
    """A definition, and the questions about the alias it defines."""

    definition: Example
    questions: tuple[Example, ...]


def told(moment: Moment, replica: int, subset: str, asked: Sequence[str], most: int | None = None) -> list[Told]:
    """The first `most` definitions of a subset of one replica, each with its questions in these evaluation sets.

    Aliases are dealt at random, so the first ones are any. An alias without a question in these sets is left out.

    Raises
    ------
    SaysoError
        If there are definitions, and no question about any of their aliases.
    """
    corpus = moment.corpora[replica]
    sets = {item.name: item.examples for item in corpus.eval_sets if item.subset == subset}
    questions: dict[str, list[Example]] = {}
    for name in asked:
        for example in sets.get(name, ()):
            questions.setdefault(example.alias, []).append(example)
    found = [
        Told(definition, tuple(questions[definition.alias]))
        for definition in sets.get("definitions", ())
        if definition.alias in questions
    ]
    if sets.get("definitions") and not found:
        aliases = {item.alias for item in sets["definitions"]}
        there = [
            name for name, own in sets.items() if name != "definitions" and any(one.alias in aliases for one in own)
        ]
        raise SaysoError(
            f"subset {subset} has no questions in {' or '.join(asked) or 'no evaluation set'}; set the measure's "
            f"questions to some of {', '.join(there) or 'none'}"
        )
    return found[:most]


def require_questions(moment: Moment, subsets: Sequence[str], asked: Sequence[str]) -> None:
    """Refuse definitions without questions; see `told` for the error."""
    for replica in range(len(moment.corpora)):
        for subset in subsets:
            told(moment, replica, subset, asked)


def own_questions(items: Sequence[Told]) -> NDArray[np.bool_]:
    """Which of their questions, one after the other, are about which definition's alias; shape (items, questions)."""
    about = np.repeat(np.arange(len(items)), [len(item.questions) for item in items])
    mask: NDArray[np.bool_] = np.arange(len(items))[:, None] == about[None]
    return mask


def require_defined(measure: str, chosen: Sequence[str], subsets: Sequence[str], defined: Sequence[str]) -> None:
    """Refuse, by a ValueError, chosen subsets that are not there, or about whose aliases no document says anything."""
    for name in chosen:
        if name not in defined:
            why = "has no definitions in documents of their own" if name in subsets else "does not exist"
            raise ValueError(
                f"measure {measure}: subset {name} {why}; set its subsets to some of {', '.join(defined) or 'none'}"
            )
