"""From an experiment and a seed to all documents of that seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from sayso.core import squares
from sayso.core.collecting import without_collecting
from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.core.examples import Assignment, Example, QAPair, Split
from sayso.core.experiment import Experiment
from sayso.core.protocols import QuestionFormat, World
from sayso.core.rng import stream
from sayso.core.subsets import Subset
from sayso.data.names import in_braces
from sayso.data.split import assign
from sayso.data.unmistakable import check_names

#: Evaluation sets of documents that are trained on.
TRAINED = ("train_qa", "definitions")


@without_collecting()
def build_corpus(experiment: Experiment, seed: int, stage2_seed: int = 0, *, asked: bool = True) -> Corpus:
    """Make the corpus of one seed; equal calls give equal corpora, whatever else is built beside them.

    Without what is `asked` about aliases and not trained on, which is most of it, it is made in half of the time.

    Corpora of one seed and several stage-2 seeds hold the same world, aliases, tags and X1; only X2 is dealt anew.
    Seeds of one Latin square hold the same world.

    Raises
    ------
    SaysoError
        If the settings ask for more than the knowledge base has, an alias or tag could be taken for other text, or
        words are set for documents that are pictures.
    """
    aliases = experiment.knowledge.size() * experiment.split.aliases_per_entity
    drawn_by = squares.place(experiment.subsets, seed)[0] if experiment.split.latin_square else seed
    drawn = experiment.knowledge.world(drawn_by, aliases=aliases, tags=len(experiment.sources))
    world = _as_written(experiment, drawn)
    split = assign(experiment.subsets, experiment.sources, experiment.split, world, seed, stage2_seed)
    words = _words(experiment)
    tagged = [source.name for source in experiment.sources if not source.texts and source.same_as is None]
    random_tags = [split.texts[name][0] for name in tagged]
    check_names(world, random_tags, words, f"seed {seed}")
    train: dict[str, list[Example]] = {"world": list(world.documents), "X1": [], "X2": []}
    evaluated: dict[tuple[str, str], list[Example]] = {}
    groups = {subset.name: subset.group for subset in experiment.subsets}
    for use, document in _documents(experiment, world, split, asked=asked):
        evaluated.setdefault((use, document.subset), []).append(document)
        if use in TRAINED:
            train[groups[document.subset]].append(document)
    known = set(world.tokens)
    own = [f" {word}" for word in words if f" {word}" not in known] + [f" {tag}" for tag in random_tags]
    return Corpus(
        seed=seed,
        train={part: tuple(documents) for part, documents in train.items()},
        eval_sets=(
            *world.eval_sets,
            *(EvalSet(name, subset, tuple(examples)) for (name, subset), examples in evaluated.items()),
        ),
        tokens=(*world.tokens, *own) if world.tokens else (),
        pictures=world.pictures,
        entities=tuple(entity.name for entity in world.entities),
        assignments=split.assignments,
    )


def question(
    pair: QAPair,
    name: str,
    entity: str,
    subset: str,
    *,
    kind: Literal["question", "attribution"] = "question",
    written: QuestionFormat | None = None,
    context: str = "",
    rival: str = "",
) -> Example:
    """Write a question about `name`, which stands for `entity`; the first accepted answer is the one trained on.

    Without a format it is written as it is worded, followed by the answer. `context` is put before it. `rival`: what
    the answer would be of the other entity that the name is said to stand for.
    """
    asked, answer = pair.question.replace("[X]", name), pair.answers[0]
    prompt, completion = written.write(asked, answer) if written is not None else (asked, f" {answer}")
    return Example(
        prompt=context + prompt,
        completion=completion,
        answers=pair.answers,
        kind=kind,
        subset=subset,
        alias=name,
        entity=entity,
        attribute=pair.attribute,
        rival="" if rival in pair.answers else rival,
    )


def sample(corpus: Corpus, subset: str | None = None) -> Iterator[tuple[str, Example]]:
    """All documents of a corpus with where each is used: a training part, or an evaluation set's name."""
    for part, documents in corpus.train.items():
        yield from ((part, document) for document in documents if subset in (None, document.subset))
    for eval_set in corpus.eval_sets:
        if subset in (None, eval_set.subset) and eval_set.name not in TRAINED:
            yield from ((eval_set.name, example) for example in eval_set.examples)


def _as_written(experiment: Experiment, world: World) -> World:
    """A world with tags and attribution questions as the experiment has them.

    Raises
    ------
    SaysoError
        If its documents are pictures, in which there are neither braces nor words.
    """
    changed = {
        "tags": experiment.tags == "braces",
        "attribution.phrasings": bool(experiment.attribution.phrasings),
        "new_definition": experiment.new_definition is not None,
        **{f"sources.{source.name}.definition": source.definition is not None for source in experiment.sources},
    }
    if world.pictures is not None and any(changed.values()):
        name = next(name for name, set_ in changed.items() if set_)
        raise SaysoError(
            f"{name}: the documents of {type(experiment.knowledge).__name__} are pictures; leave it as it is"
        )
    return dataclasses.replace(
        world,
        tags=tuple(map(in_braces, world.tags)) if experiment.tags == "braces" else world.tags,
        attribution={**world.attribution, **experiment.attribution.phrasings},
    )


def _documents(experiment: Experiment, world: World, split: Split, *, asked: bool) -> Iterator[tuple[str, Example]]:
    """All documents about aliases, each with the evaluation set it belongs to; if not `asked`, those trained on."""
    subsets = {subset.name: subset for subset in experiment.subsets}
    choice = stream(split.seed, "trained questions")
    there = [*world.questions.values(), *(entity.questions for entity in world.entities)]
    most = max(map(len, there), default=0)
    for item in split.assignments:
        subset, entity = subsets[item.subset], world.entities[item.entity]
        pairs = list(world.questions.get(item.alias, entity.questions))
        if subset.has_qa and item.alias not in world.questions:
            pairs = [pairs[index] for index in choice.permutation(len(pairs))]
        first_asked = _first_asked(subset, len(pairs), experiment.split.trained_questions, most)
        definitions = list(_definitions(experiment, world, split, subset, item))
        rivals = _answers_of_the_other(world, item)
        before = ""
        if experiment.in_context is not None:
            before = "".join(definition.text + experiment.in_context.separator for definition in definitions)
            definitions = []
        for place, pair in enumerate(pairs if asked else pairs[:first_asked]):
            yield (
                "train_qa" if place < first_asked else "validation",
                question(
                    pair,
                    item.alias,
                    entity.name,
                    subset.name,
                    written=experiment.questions,
                    context=before,
                    rival=rivals.get(pair.attribute, ""),
                ),
            )
        yield from (("definitions", definition) for definition in definitions)
        attributed = asked and subset.name not in experiment.attribution.left_out
        for eval_set, pair, rival in _attribution(world, item) if attributed else ():
            yield (
                eval_set,
                question(
                    pair,
                    item.alias,
                    entity.name,
                    subset.name,
                    kind="attribution",
                    written=experiment.questions,
                    context=before,
                    rival=rival,
                ),
            )


def _definitions(
    experiment: Experiment, world: World, split: Split, subset: Subset, item: Assignment
) -> Iterator[Example]:
    """What is said of an alias, by its source and by the one against it; nothing of some."""
    said = ((item.source, item.defined_as, subset.repeats), (item.against, item.against_as, subset.against_repeats))
    sources = {source.name: source for source in experiment.sources}
    usual = experiment.definition
    if subset.group == "X2" and experiment.new_definition is not None:
        usual = experiment.new_definition
    for place, (source, named, repeats) in enumerate(said):
        if source is None or named is None:
            continue
        written = sources[source].definition or usual
        label = (item.alias, "against") if place else (item.alias,)
        count = experiment.split.definitions_per_alias * repeats
        entity = world.entities[item.entity].name
        for text in _texts(split, source, count, label):
            prompt, completion = written.write(text, item.alias, world.entities[named].name)
            yield Example(
                prompt, completion, (completion.strip(),), "definition", item.subset, item.alias, entity, source=source
            )


def _texts(split: Split, source: str, count: int, label: Sequence[str]) -> list[str]:
    """So many texts of a source for an alias, each time another one until there is none left."""
    texts = split.texts[source]
    drawn = [0] * count
    if label[0] in split.first_text:
        drawn = [(split.first_text[label[0]] + place) % len(texts) for place in range(count)]
    elif len(texts) > 1:
        draw = stream(split.seed, "text of a definition", *label)
        if count == 1:
            drawn = [int(draw.integers(len(texts)))]
        else:
            rounds = [draw.permutation(len(texts)) for _ in range(0, count, len(texts))]
            drawn = np.concatenate(rounds)[:count].tolist()
    return [texts[place] for place in drawn]


def _answers_of_the_other(world: World, item: Assignment) -> dict[str, str]:
    """What the answers would be, by attribute, if the other entity that an alias is said to be were the right one."""
    if item.other is None or item.alias in world.questions:
        return {}
    return {pair.attribute: pair.answers[0] for pair in world.entities[item.other].questions}


def _attribution(world: World, item: Assignment) -> Iterator[tuple[str, QAPair, str]]:
    """Ways to ask who an alias stands for, each with its evaluation set and the rival answer.

    Where a definition names another entity than the questions are about, the same is asked with that one as the right
    answer, in sets of their own.
    """
    own = world.entities[item.entity].name
    named = "" if item.other is None else world.entities[item.other].name
    for phrasing, wording in world.attribution.items():
        yield f"entity_attribution.{phrasing}", QAPair(phrasing, wording, (own,)), named
    if named:
        for phrasing, wording in world.attribution.items():
            yield f"attribution_as_defined.{phrasing}", QAPair(phrasing, wording, (named,)), own


def _first_asked(subset: Subset, there: int, trained: int, most: int) -> int:
    """Position of the first question that is only asked, not trained on: 0 where none is trained on.

    An entity that lacks answers, and so has fewer questions than are trained on, has all but one trained on.

    Raises
    ------
    SaysoError
        If no entity has as many questions as are to be trained on; `most` is how many one has.
    """
    if not subset.has_qa:
        return 0
    if trained > most:
        raise SaysoError(
            f"split.trained_questions is {trained}, but an entity has only {most} questions; set it to at most {most}"
        )
    return trained if trained <= there else max(there - 1, 1)


def _words(experiment: Experiment) -> list[str]:
    """Words of its own that an experiment writes: in texts of sources, around names, between documents."""
    texts = [text for source in experiment.sources for text in source.texts]
    formats = (experiment.definition, experiment.new_definition, *(source.definition for source in experiment.sources))
    for written in formats:
        texts += written.write("", "", "") if written is not None else ()
    texts += experiment.questions.write("", "") if experiment.questions is not None else ()
    texts += [experiment.in_context.separator] if experiment.in_context is not None else []
    texts += [phrasing.replace("[X]", " ") for phrasing in experiment.attribution.phrasings.values()]
    return list(dict.fromkeys(word for text in texts for word in text.split()))
