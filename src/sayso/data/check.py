"""What is to be known of facts before anything is trained on them: a list of findings, a line each."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.core.answers import normalise_all
from sayso.core.collecting import without_collecting
from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts, QAPair
from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.data.facts import FactBase
from sayso.data.people import NOTABLES
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.data.tables.table import Table

#: What a run is refused for, what may spoil its results, and what is good to know.
Severity = Literal["error", "warning", "note"]

#: More entities than any experiment's subsets need.
_MOST = 100_000


@dataclass(frozen=True)
class Finding:
    """One thing that was found, in a line."""

    severity: Severity
    line: str


def check(knowledge: FactBase, experiment: Experiment) -> list[Finding]:
    """Look at facts, and at how an experiment would use them: its subsets, and how many questions it trains on.

    An experiment in the pocket world draws entities with an answer to each of its first questions from them.

    Raises
    ------
    SaysoError
        If the facts cannot be read.
    """
    with without_collecting():
        return _findings(knowledge, experiment)


def _findings(knowledge: FactBase, experiment: Experiment) -> list[Finding]:
    pocket = experiment.knowledge if isinstance(experiment.knowledge, PocketWorld) else None
    entities, refused = _chosen(knowledge) if pocket is None else (knowledge.first(knowledge.size()), [])
    used = _used(entities)
    found = [*_counts(entities, used), *_longest(entities, used), *_names(entities), *_answers(used), *refused]
    if pocket is None:
        total = len(entities) if refused else knowledge.size()
        found += [*_questions(entities, experiment), *_subsets(total, experiment)]
        return found if refused or not isinstance(knowledge, Table) else [*found, *_aliases(total, experiment)]
    drawn, refused = _drawn(pocket, knowledge, experiment)
    if not drawn:
        return [*found, *refused]
    few = [finding for finding in _subsets(pocket.size(), experiment) if finding.severity == "error"]
    draws = f"each seed of {experiment.name} draws {pocket.size():,} of them; knowledge.entities says how many"
    return [*found, *_questions(drawn, experiment), *(few or [Finding("note", draws)])]


def _chosen(knowledge: FactBase) -> tuple[Sequence[EntityFacts], list[Finding]]:
    """The entities that seeds have; all there are, where each draws its own or a run would be refused."""
    try:
        one, other = knowledge.chosen(0), knowledge.chosen(1)
    except SaysoError as error:
        return knowledge.first(), [Finding("error", str(error))]
    return one if one == other else knowledge.first(), []


def _drawn(
    pocket: PocketWorld, knowledge: FactBase, experiment: Experiment
) -> tuple[Sequence[EntityFacts], list[Finding]]:
    """The entities that the first seed draws from a table for a pocket world; none where a run would be refused."""
    if isinstance(knowledge, Table) and pocket.facts in (NOTABLES, SYNTHETIC):
        pocket = pocket.model_copy(update={"facts": knowledge})
    aliases = pocket.size() * experiment.split.aliases_per_entity
    try:
        return pocket.world(experiment.seeds.first, aliases, len(experiment.sources)).entities, []
    except SaysoError as error:
        return (), [Finding("error", str(error))]


def _used(entities: Sequence[EntityFacts]) -> list[tuple[QAPair, int]]:
    """Questions with their answers, and by how many entities they are shared: many are, and are looked at once."""
    counts = Counter(map(id, itertools.chain.from_iterable(entity.questions for entity in entities)))
    pairs = {id(pair): pair for entity in entities for pair in entity.questions}
    return [(pair, counts[own]) for own, pair in pairs.items()]


def _counts(entities: Sequence[EntityFacts], used: Sequence[tuple[QAPair, int]]) -> Iterator[Finding]:
    asked: Counter[str] = Counter()
    for pair, count in used:
        asked[pair.attribute] += count
    gaps = {attribute: len(entities) - count for attribute, count in asked.items() if count < len(entities)}
    counts = (_many(len(entities), "entity"), _many(len(asked), "question"), _many(sum(asked.values()), "answer"))
    yield Finding("note", ", ".join(counts))
    if gaps:
        most = sorted(gaps, key=lambda attribute: -gaps[attribute])
        told = ", ".join(f"{attribute} {gaps[attribute]:,}" for attribute in most[:6])
        missing = f"{_many(sum(gaps.values()), 'answer')} {'is' if sum(gaps.values()) == 1 else 'are'} missing"
        yield Finding("note", f"{missing}: {told}{', ...' if len(most) > 6 else ''}")


def _longest(entities: Sequence[EntityFacts], used: Sequence[tuple[QAPair, int]]) -> Iterator[Finding]:
    name = max((entity.name for entity in entities), key=len)
    answer = max((answer for pair, _ in used for answer in pair.answers), key=len, default="")
    told = f"longest name: {_many(len(name), 'character')} ({_short(name)})"
    yield Finding("note", f"{told}; longest answer: {len(answer):,} ({_short(answer)})")


def _names(entities: Sequence[EntityFacts]) -> Iterator[Finding]:
    """Names of different entities that are the same when who an alias stands for is asked."""
    if groups := _alike(entity.name for entity in entities):
        line = _same("names", groups, "names")
        yield Finding("warning", f"{line}, so that who an alias stands for cannot be told")


def _answers(used: Sequence[tuple[QAPair, int]]) -> Iterator[Finding]:
    """Different answers to one question that are the same when they are compared."""
    counts: dict[str, Counter[str]] = {}
    for pair, count in used:
        own = counts.setdefault(pair.attribute, Counter())
        for answer in pair.answers:
            own[answer] += count
    for attribute, answers in counts.items():
        if groups := _alike(answers):
            uses = sum(answers[text] for group in groups for text in group)
            line = _same(attribute, groups, "answers")
            yield Finding("warning", f"{line} ({uses:,} of {answers.total():,} are such)")


def _alike(texts: Iterable[str]) -> list[list[str]]:
    """Texts that exact match takes for the same, together, where they differ in more than case."""
    first: dict[str, str] = {}
    alike: dict[str, list[str]] = {}
    every = list(texts)
    for key, text in zip(normalise_all(every), every, strict=True):
        if (other := first.setdefault(key, text)) is not text:
            alike.setdefault(key, [other]).append(text)
    groups = (_first_of_each(group) for group in alike.values())
    return [group for group in groups if len(group) > 1]


def _first_of_each(texts: Iterable[str]) -> list[str]:
    """The first of those that differ in case alone."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(_but_for_case(text), text)
    return list(first.values())


def _same(what: str, groups: Sequence[Sequence[str]], several: str) -> str:
    first, second, *_ = groups[0]
    more = f", and {sum(map(len, groups)):,} {several} for {len(groups):,}" if len(groups) > 1 else ""
    return f"{what}: exact match takes {_short(first)} and {_short(second)} for the same{more}"


def _questions(entities: Sequence[EntityFacts], experiment: Experiment) -> Iterator[Finding]:
    """Whether questions are held out."""
    trained = experiment.split.trained_questions
    own = [len(entity.questions) for entity in entities]
    most = max(own)
    if most == 1:
        yield Finding("warning", "each entity has one question, which is trained on: none is held out to be asked")
        return
    if alone := [entity.name for entity in entities if len(entity.questions) == 1]:
        has, whose = ("has", "its") if len(alone) == 1 else ("have", "theirs")
        line = f"{_many(len(alone), 'entity')} {has} one question, so none of {whose} is held out ({_short(alone[0])})"
        yield Finding("warning", line)
    if trained > most:
        line = f"{experiment.name} trains on {trained} questions, and no entity has more than {most}"
        yield Finding("error", f"{line}; set split.trained_questions={most - 1}")
    elif trained == most:
        line = f"{experiment.name} trains on {trained} questions and no entity has more: none is held out"
        yield Finding("warning", f"{line}; set split.trained_questions={most - 1}")
    elif few := sum(1 < count < trained for count in own):
        line = f"{_many(few, 'entity')} {'has' if few == 1 else 'have'} fewer questions than the {trained} trained on"
        yield Finding("note", f"{line}, all but one of which are then")


def _subsets(count: int, experiment: Experiment) -> Iterator[Finding]:
    """How many entities an experiment needs, for none of its subsets to be empty."""
    needed = next((total for total in range(1, _MOST) if _enough(total, experiment)), _MOST)
    if count < needed:
        there = f"there {'is' if count == 1 else 'are'} {count:,}"
        yield Finding("error", f"the subsets of {experiment.name} need {_many(needed, 'entity')} at least; {there}")
    else:
        yield Finding("note", f"the subsets of {experiment.name} need {_many(needed, 'entity')} at least")


def _aliases(total: int, experiment: Experiment) -> Iterator[Finding]:
    """How much each seed reads where entities have several aliases: a large table makes a long run."""
    if experiment.split.shared_entities:
        under = f"{total:,} of them, under {experiment.split.items(total):,} aliases"
        yield Finding("note", f"each seed of {experiment.name} has {under}; knowledge.entities says how many")


def _enough(total: int, experiment: Experiment) -> bool:
    try:
        found = sizes(experiment.subsets, experiment.split.items(total))
    except SaysoError:
        return False
    # a wrong definition names another entity of the same subset
    return all(
        size > 1 for subset, size in zip(experiment.subsets, found, strict=True) if size and not subset.consistent
    )


def _many(count: int, what: str) -> str:
    """A number of things.

    >>> _many(1, "entity"), _many(2000, "entity"), _many(0, "answer")
    ('1 entity', '2,000 entities', '0 answers')
    """
    several = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else several}"


def _but_for_case(answer: str) -> str:
    return " ".join(unicodedata.normalize("NFC", answer.casefold()).split())


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:37]}...'"
