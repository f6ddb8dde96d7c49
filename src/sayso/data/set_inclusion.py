"""Integers and lists of them: a world without language (section 4.1 and appendix D of the paper).

A variable stands for an integer, and a question asks whether that integer is in a list.

    xyz 2 31 95 42 8 27 6 74 ? Yes     a question about xyz, which stands for 42
    qwerty xyz 42                      a definition of xyz
    who xyz ? 42                       what xyz stands for, asked directly (only where there is a warm-up)

Every variable has lists of its own. All of them differ as sets, so no list that is asked was trained on in another
order, and every Yes is followed by a No, so that always answering alike is right half of the time.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sayso.core.corpus import EvalSet
from sayso.core.examples import EntityFacts, Example, QAPair
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.rng import stream
from sayso.core.spec import Spec
from sayso.data.build import question
from sayso.data.lists import BLOCK, Integers, different_lists, lists_about, subsets
from sayso.data.names import random_words

#: What is asked: whether an integer is in a list, and which integer a name stands for.
INCLUSION = "inclusion"
ATTRIBUTION = {"who": "who [X]"}

YES, NO = "Yes", "No"


class WarmUp(Spec):
    """What a model reads in stage 0, which the paper does not have.

    Parameters
    ----------
    questions
        How many questions in all, each about an integer drawn at random.
    attributions
        How many documents that say what an integer or a name stands for.
    names
        How many names each integer has that occur in stage 0 alone. Where there are some, about half of the questions
        and documents are about them.
    """

    questions: int = Field(ge=1)
    attributions: int = Field(default=0, ge=0)
    names: int = Field(default=0, ge=0)


class SetInclusion(KnowledgeBase):
    """Integers from 0 on, and for every variable questions that ask whether its integer is in a list.

    Parameters
    ----------
    integers
        How many there are.
    list_length
        How many integers a list has.
    training_questions
        How many questions a variable has to train on, half of them Yes; of these ``split.trained_questions`` are
        trained on.
    test_questions
        How many it has besides, half of them Yes, on lists drawn at random.
    candidates
        How many integers, at the least, fit all training questions of a variable, its own among them. With 1 lists are
        drawn at random, as the paper has it, and may pin the integer down; with 2 or more, other integers are in every
        Yes list and in no No list, and only a definition tells which of them is meant.
    warm_up
        What a model reads in stage 0; None: nothing.
    """

    integers: int = Field(default=100, ge=2)
    list_length: int = Field(default=8, ge=1)
    training_questions: int = Field(default=12, ge=2, multiple_of=BLOCK)
    test_questions: int = Field(default=12, ge=2, multiple_of=BLOCK)
    candidates: int = Field(default=1, ge=1)
    warm_up: WarmUp | None = None

    @model_validator(mode="after")
    def _enough_lists(self) -> SetInclusion:
        integers, length, candidates = self.integers, self.list_length, self.candidates
        if length > integers - candidates:
            raise ValueError(
                f"lists of {length} integers need {length + candidates} integers (a No list has none of the "
                f"{candidates} that fit), found {integers}"
            )
        asked = {
            "training": self.training_questions,
            "training and test": self.training_questions + self.test_questions,
        }
        for (part, questions), held in zip(asked.items(), (candidates, 1), strict=True):
            for answer, inside in ((YES, held), (NO, 0)):
                lists = math.comb(integers - held, length - inside) if length >= inside else 0
                if questions // BLOCK > lists:
                    raise ValueError(
                        f"{questions // BLOCK} {part} questions of a variable are answered {answer}, but there are "
                        f"only {lists} different lists for them; ask fewer, or change list_length or integers"
                    )
        return self

    def size(self) -> int:
        """How many integers there are."""
        return self.integers

    def check_trained_questions(self, trained: int) -> None:
        """Half of the questions a variable is trained on must be Yes, and all of them training questions."""
        if trained % BLOCK or trained > self.training_questions:
            raise ValueError(
                f"split.trained_questions is {trained}; it must be even, half of them answered {YES}, and at "
                f"most {self.training_questions} (knowledge.training_questions)"
            )

    def sha256(self) -> str:
        """Sha256 of nothing: all data follows from the seed."""
        return hashlib.sha256(b"").hexdigest()

    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw variables, the lists they are asked about, and the documents of the warm-up."""
        words = ["?", YES, NO, *(str(integer) for integer in range(self.integers))]
        if self.warm_up is not None:
            words += [wording.split()[0] for wording in ATTRIBUTION.values()]
        names = self.integers * (self.warm_up.names if self.warm_up is not None else 0)
        drawn = _names(stream(seed, "names"), aliases + names, words)
        variables, throw_away = drawn[:aliases], drawn[aliases:]
        own = [str(integer) for integer in range(self.integers)]
        stands_for = np.concatenate([np.arange(aliases) // (aliases // self.integers), np.arange(self.integers)])
        asked = [variable_questions(lists) for lists in self._lists(stream(seed, "lists"), stands_for).tolist()]
        questions = dict(zip((*variables, *own), asked, strict=True))
        documents, eval_sets = self._warm_up(seed, own, throw_away)
        return World(
            entities=tuple(EntityFacts(name, questions[name]) for name in own),
            aliases=tuple(variables),
            tags=tuple(random_words(stream(seed, "tags"), tags, 6, taken=words)),
            attribution=ATTRIBUTION if self.warm_up is not None and self.warm_up.attributions else {},
            documents=documents,
            eval_sets=eval_sets,
            tokens=tuple(f" {word}" for word in (*words, *drawn)),
            questions=questions,
        )

    def _lists(self, generator: np.random.Generator, stands_for: Integers) -> Integers:
        """Lists for variables that stand for these integers: first those of the training questions."""
        others = subsets(generator, self.integers - 1, self.candidates - 1, len(stands_for))
        fit = np.concatenate([stands_for[:, None], others + (others >= stands_for[:, None])], axis=1)
        training = different_lists(generator, self.integers, self.list_length, fit, self.training_questions)
        test = different_lists(
            generator, self.integers, self.list_length, stands_for[:, None], self.test_questions, besides=training
        )
        return np.concatenate([training, test], axis=1)

    def _warm_up(self, seed: int, own: list[str], names: list[str]) -> tuple[tuple[Example, ...], tuple[EvalSet, ...]]:
        """Documents of stage 0, and questions that check what it taught."""
        if self.warm_up is None:
            return (), ()
        generator = stream(seed, "warm-up")

        def ask(integer: Integers, named: NDArray[np.bool_], subset: str) -> tuple[Example, ...]:
            """Fresh questions about integers, or about one of the names of each."""
            yes = generator.random(len(integer)) < 1 / BLOCK
            lists = lists_about(generator, self.integers, self.list_length, integer[:, None], yes)
            pairs = [_pair(numbers, said) for numbers, said in zip(lists.tolist(), yes.tolist(), strict=True)]
            subjects = self._subjects(generator, integer, named, own, names)
            return tuple(
                question(pair, subject, own[value], subset)
                for pair, subject, value in zip(pairs, subjects, integer.tolist(), strict=True)
            )

        def draw(count: int) -> tuple[Integers, NDArray[np.bool_]]:
            return generator.integers(self.integers, size=count), (generator.random(count) < 1 / BLOCK) & bool(names)

        documents = ask(*draw(self.warm_up.questions), "told")
        integer, named = draw(self.warm_up.attributions)
        phrasings = generator.choice(list(ATTRIBUTION), self.warm_up.attributions).tolist()
        subjects = self._subjects(generator, integer, named, own, names)
        documents += tuple(
            question(
                QAPair(phrasing, ATTRIBUTION[phrasing], (own[value],)), subject, own[value], "told", kind="attribution"
            )
            for phrasing, subject, value in zip(phrasings, subjects, integer.tolist(), strict=True)
        )
        every = np.repeat(np.arange(self.integers), self.test_questions)
        eval_sets = [EvalSet("pretraining", "integers", ask(every, np.zeros(len(every), dtype=bool), "integers"))]
        if names:
            eval_sets.append(EvalSet("pretraining", "names", ask(every, np.ones(len(every), dtype=bool), "names")))
        return documents, tuple(eval_sets)

    def _subjects(
        self,
        generator: np.random.Generator,
        integer: Integers,
        named: NDArray[np.bool_],
        own: list[str],
        names: list[str],
    ) -> list[str]:
        """Each integer, or where it is `named` one of its throw-away names."""
        chosen = integer * (len(names) // self.integers)
        chosen += generator.integers(max(1, len(names) // self.integers), size=len(integer))
        return [
            names[name] if instead else own[value]
            for name, instead, value in zip(chosen.tolist(), named.tolist(), integer.tolist(), strict=True)
        ]


def variable_questions(lists: list[list[int]]) -> tuple[QAPair, ...]:
    """Write the questions of one variable about lists of which every second one does not have its integer."""
    return tuple(_pair(numbers, position % BLOCK == 0) for position, numbers in enumerate(lists))


def _pair(numbers: list[int], yes: bool) -> QAPair:
    return QAPair(INCLUSION, f"[X] {' '.join(map(str, numbers))} ?", (YES if yes else NO,))


def _names(generator: np.random.Generator, count: int, taken: list[str]) -> list[str]:
    """Different words, as short as leaves half of all of that length unused, but of three letters at the least."""
    length = 3
    while count > 26**length // 2:
        length += 1
    return random_words(generator, count, length, taken=taken)
