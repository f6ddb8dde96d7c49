"""All that can be looked at of one seed, alias by alias, packed small: a page holds many of them.

Documents and questions are written once each, with the alias taken out: ``["born ", " ?"]``. Aliases of one entity
mostly have the same ones, so each alias has the number of a list of them. Columns of numbers are texts, a character a
number (`codes`). What was said is one of a table of answers, or the first accepted answer, which is `FIRST`.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sayso.core.corpus import Corpus
from sayso.core.examples import Assignment
from sayso.core.experiment import Experiment
from sayso.core.predictions import Answered
from sayso.core.subsets import Subset
from sayso.stats.values import ordered

#: Codes of what was said: the first accepted answer; that nothing was asked then. Others are places in the table, + 2.
FIRST, NOT_ASKED = 0, 1

#: Evaluation sets that are shown where only their questions are known, not what was said.
_ASKED = ("validation", "entity_attribution")

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Part:
    """A seed of a cell, and which of its stage-2 seeds (`deal`): what one choice on the page shows."""

    cell: str
    seed: int
    deal: int


class _Table(Generic[Key]):
    """Numbers what it is given, in the order of first appearance."""

    def __init__(self) -> None:
        self._places: dict[Key, int] = {}

    def number(self, key: Key) -> int:
        return self._places.setdefault(key, len(self._places))

    def all(self) -> list[Key]:
        return list(self._places)


@dataclass
class _Asked:
    """The questions about one alias, by their numbers, and the codes of what was said after each stage."""

    questions: list[int] = field(default_factory=list)
    said: list[list[int]] = field(default_factory=list)


def pack(
    experiment: Experiment, stages: Sequence[str], answered: Iterable[Answered], corpus: Corpus | None, *, deal: int
) -> str:
    """Everything about the aliases of one seed, as the page's script reads it: JSON, deflated, in base 64."""
    content = seed_data(experiment, stages, answered, corpus, deal=deal)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 9)).decode()


def seed_data(
    experiment: Experiment, stages: Sequence[str], answered: Iterable[Answered], corpus: Corpus | None, *, deal: int
) -> dict[str, Any]:
    """Aliases of a seed by subset, with documents and questions, and what was said after each of `stages`.

    Without the corpus documents and entities are left out. Without anything said questions are the corpus's. Of further
    deals of X2 there are the aliases of X2 alone: the others have not changed.
    """
    shown = {subset.name: subset for subset in experiment.subsets if deal == 0 or subset.group == "X2"}
    packing = _Packing(len(stages))
    said: dict[tuple[str, str], dict[str, Answered]] = {}
    for each in answered:
        if each.subset in shown:
            said.setdefault((each.subset, each.eval_set), {})[each.stage] = each
    for (subset, eval_set), by_stage in said.items():
        packing.ask(subset, eval_set, [by_stage.get(stage) for stage in stages])
    if corpus is not None:
        packing.read(corpus, shown, ask=not said)
    subsets = [packing.subset(shown[name]) for name in ordered(packing.named()) if name in shown]
    return {
        "stages": list(stages) if said else [],
        "said": [[text, int(right)] for text, right in packing.answers.all()],
        "entities": list(corpus.entities) if corpus is not None else [],
        "evalSets": packing.eval_sets.all(),
        "questions": [[place, list(parts), list(answers)] for place, parts, answers in packing.questions.all()],
        "documents": [[part, kind, list(parts)] for part, kind, parts in packing.documents.all()],
        "lists": [list(each) for each in packing.lists.all()],
        "subsets": subsets,
    }


class _Packing:
    """Gathers one seed's aliases."""

    def __init__(self, stages: int) -> None:
        self._stages = stages
        self.eval_sets = _Table[str]()
        self.questions = _Table[tuple[int, tuple[str, ...], tuple[str, ...]]]()
        self.documents = _Table[tuple[str, str, tuple[str, ...]]]()
        self.answers = _Table[tuple[str, bool]]()
        self.lists = _Table[tuple[int, ...]]()
        self._asked: dict[str, dict[str, _Asked]] = {}  # by subset, then by alias
        self._texts: dict[tuple[str, str], list[int]] = {}
        self._facts: dict[tuple[str, str], Assignment] = {}
        self._entities: Sequence[str] = ()

    def named(self) -> set[str]:
        """Subsets that have any alias."""
        return set(self._asked) | {subset for subset, _ in self._facts}

    def ask(self, subset: str, eval_set: str, by_stage: Sequence[Answered | None]) -> None:
        """Take in the questions of an evaluation set, and what was said to them after each stage."""
        there = [each for each in by_stage if each is not None]
        first, place = there[0], self.eval_sets.number(eval_set)
        number, own = self.questions.number, self._asked.setdefault(subset, {})
        columns = [
            self._codes(each if each is not None and each.prompt == first.prompt else None, first) for each in by_stage
        ]
        for row, (alias, prompt, accepted) in enumerate(zip(first.alias, first.prompt, first.answers, strict=True)):
            asked = own.get(alias)
            if asked is None:
                asked = own[alias] = _Asked(said=[[] for _ in by_stage])
            asked.questions.append(number((place, _without(prompt, alias), accepted)))
            for codes_of_alias, column in zip(asked.said, columns, strict=True):
                codes_of_alias.append(column[row])

    def read(self, corpus: Corpus, shown: Mapping[str, Subset], *, ask: bool) -> None:
        """Take in what a seed decided about aliases, their documents, and if it is wanted their questions."""
        self._entities = corpus.entities
        for item in corpus.assignments:
            if item.subset in shown:
                self._facts[item.subset, item.alias] = item
        for part in ("X1", "X2"):
            for text in corpus.train.get(part, ()):
                if text.subset in shown:
                    document = self.documents.number((part, text.kind, _without(text.text, text.alias)))
                    self._texts.setdefault((text.subset, text.alias), []).append(document)
        for eval_set in corpus.eval_sets if ask else ():
            if eval_set.name.startswith(_ASKED) and eval_set.subset in shown:
                place, own = self.eval_sets.number(eval_set.name), self._asked.setdefault(eval_set.subset, {})
                for example in eval_set.examples:
                    parts = _without(example.prompt, example.alias)
                    number = self.questions.number((place, parts, example.answers))
                    own.setdefault(example.alias, _Asked()).questions.append(number)

    def subset(self, subset: Subset) -> dict[str, Any]:
        """A subset's aliases as columns, those of one entity beside each other."""
        asked, name = self._asked.get(subset.name, {}), subset.name
        aliases = dict.fromkeys([*asked, *(alias for other, alias in self._facts if other == name)])
        entity, named = {}, {}
        for alias in aliases:
            item = self._facts.get((name, alias))
            entity[alias] = 0 if item is None else item.entity + 1
            named[alias] = 0 if item is None or item.defined_as is None else item.defined_as + 1
        in_order = sorted(aliases, key=lambda alias: (entity[alias], alias))
        questions, said = [], [list[int]() for _ in range(self._stages)]
        for alias in in_order:
            own = asked.get(alias, _Asked())
            places = sorted(range(len(own.questions)), key=own.questions.__getitem__)
            questions.append(self.lists.number(tuple(own.questions[place] for place in places)))
            for whole, after in zip(said, own.said, strict=False):
                whole += [after[place] for place in places]
        texts = [self.lists.number(tuple(self._texts.get((name, alias), ()))) for alias in in_order]
        return {
            "name": name,
            "group": subset.group,
            "source": subset.source,
            "aliases": in_order,
            "entity": codes(entity[alias] for alias in in_order),
            "named": codes(named[alias] for alias in in_order),
            "questions": codes(questions),
            "documents": codes(texts),
            "said": [codes(whole) for whole in said],
        }

    def _codes(self, each: Answered | None, first: Answered) -> list[int]:
        """Codes of what was said to every question."""
        if each is None:
            return [NOT_ASKED] * len(first.prompt)
        number = self.answers.number
        return [
            FIRST if right and said == accepted[0] else number((said, right)) + 2
            for said, right, accepted in zip(each.said, each.match, each.answers, strict=True)
        ]


def codes(numbers: Iterable[int]) -> str:
    """Numbers as a text, a character each, from "0" on; surrogates, which no text may hold alone, are passed over."""
    return "".join([chr(n + 48 if n < 0xD7D0 else n + 48 + 0x800) for n in numbers])


def _without(text: str, alias: str) -> tuple[str, ...]:
    """A text as the parts between which its alias stands."""
    return tuple(text.split(alias)) if alias else (text,)
