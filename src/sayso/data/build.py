"""From an experiment and a seed to all documents of that seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sayso.core.examples import Corpus, EntityFacts, EvalSet, Example, QAPair
from sayso.core.experiment import Experiment
from sayso.core.rng import stream
from sayso.core.subsets import Subset
from sayso.data.split import assign


def build_corpus(experiment: Experiment, seed: int) -> Corpus:
    """Make the corpus of one seed; equal calls give equal corpora, whatever else is built beside them.

    Raises
    ------
    SaysoError
        If the settings ask for more than the knowledge base has.
    """
    aliases = experiment.knowledge.size() * experiment.split.aliases_per_entity
    world = experiment.knowledge.world(seed, aliases=aliases, tags=len(experiment.sources))
    split = assign(experiment.subsets, experiment.sources, experiment.split, world, seed)
    subsets = {subset.name: subset for subset in experiment.subsets}
    choice = stream(seed, "trained questions")
    train: dict[str, list[Example]] = {"world": list(world.documents), "X1": [], "X2": []}
    evaluated: dict[tuple[str, str], list[Example]] = {}
    for item in split.assignments:
        subset, entity = subsets[item.subset], world.entities[item.entity]
        order = choice.permutation(len(entity.questions))
        trained, held_out = _split_questions(subset, entity, order, experiment.split.trained_questions)
        for pair in trained:
            document = question(pair, item.alias, entity.name, subset.name)
            train[subset.group].append(document)
            evaluated.setdefault(("train_qa", subset.name), []).append(document)
        for pair in held_out:
            example = question(pair, item.alias, entity.name, subset.name)
            evaluated.setdefault(("validation", subset.name), []).append(example)
        if item.source is not None and item.defined_as is not None:
            named = world.entities[item.defined_as].name
            prompt, completion = experiment.definition.write(split.tags[item.source], item.alias, named)
            document = Example(
                prompt, completion, (completion.strip(),), "definition", subset.name, item.alias, entity.name
            )
            train[subset.group].append(document)
            evaluated.setdefault(("definitions", subset.name), []).append(document)
        for phrasing, wording in world.attribution.items():
            pair = QAPair(phrasing, wording, (entity.name,))
            example = question(pair, item.alias, entity.name, subset.name, kind="attribution")
            evaluated.setdefault((f"entity_attribution.{phrasing}", subset.name), []).append(example)
    tags = tuple(f" {split.tags[source.name]}" for source in experiment.sources)
    return Corpus(
        seed=seed,
        train={part: tuple(documents) for part, documents in train.items()},
        eval_sets=(
            *world.eval_sets,
            *(EvalSet(name, subset, tuple(examples)) for (name, subset), examples in evaluated.items()),
        ),
        tokens=(*world.tokens, *tags) if world.tokens else (),
    )


def question(pair: QAPair, name: str, entity: str, subset: str, kind: str = "question") -> Example:
    """Write a question about `name`, which stands for `entity`; the first accepted answer is the one trained on."""
    return Example(
        prompt=pair.question.replace("[X]", name),
        completion=f" {pair.answers[0]}",
        answers=pair.answers,
        kind="attribution" if kind == "attribution" else "question",
        subset=subset,
        alias=name,
        entity=entity,
        attribute=pair.attribute,
    )


def sample(corpus: Corpus, subset: str | None = None) -> Iterator[tuple[str, Example]]:
    """All documents of a corpus with where each is used: a training part, or an evaluation set's name."""
    for part, documents in corpus.train.items():
        yield from ((part, document) for document in documents if subset in (None, document.subset))
    for eval_set in corpus.eval_sets:
        if subset in (None, eval_set.subset) and eval_set.name not in ("train_qa", "definitions"):
            yield from ((eval_set.name, example) for example in eval_set.examples)


def _split_questions(
    subset: Subset, entity: EntityFacts, order: np.ndarray, trained: int
) -> tuple[list[QAPair], list[QAPair]]:
    """Which questions are trained on and which are only asked: all are asked where none is trained on."""
    pairs = [entity.questions[index] for index in order]
    return (pairs[:trained], pairs[trained:]) if subset.has_qa else ([], pairs)
