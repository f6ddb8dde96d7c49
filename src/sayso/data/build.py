"""From an experiment and a seed to all documents of that seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from sayso.core.errors import SaysoError
from sayso.core.examples import Corpus, EvalSet, Example, QAPair
from sayso.core.experiment import Experiment
from sayso.core.protocols import QuestionFormat
from sayso.core.rng import stream
from sayso.core.subsets import Subset
from sayso.data.split import assign


def build_corpus(experiment: Experiment, seed: int, stage2_seed: int = 0) -> Corpus:
    """Make the corpus of one seed; equal calls give equal corpora, whatever else is built beside them.

    Corpora of one seed and several stage-2 seeds hold the same world, aliases, tags and X1; only X2 is dealt anew.

    Raises
    ------
    SaysoError
        If the settings ask for more than the knowledge base has.
    """
    aliases = experiment.knowledge.size() * experiment.split.aliases_per_entity
    world = experiment.knowledge.world(seed, aliases=aliases, tags=len(experiment.sources))
    split = assign(experiment.subsets, experiment.sources, experiment.split, world, seed, stage2_seed)
    subsets = {subset.name: subset for subset in experiment.subsets}
    choice = stream(seed, "trained questions")
    train: dict[str, list[Example]] = {"world": list(world.documents), "X1": [], "X2": []}
    evaluated: dict[tuple[str, str], list[Example]] = {}
    for item in split.assignments:
        subset, entity = subsets[item.subset], world.entities[item.entity]
        pairs = list(world.questions.get(item.alias, entity.questions))
        if subset.has_qa and item.alias not in world.questions:
            pairs = [pairs[index] for index in choice.permutation(len(pairs))]
        first_asked = _first_asked(subset, pairs, experiment.split.trained_questions)
        for pair in pairs[:first_asked]:
            document = question(pair, item.alias, entity.name, subset.name, written=experiment.questions)
            train[subset.group].append(document)
            evaluated.setdefault(("train_qa", subset.name), []).append(document)
        for pair in pairs[first_asked:]:
            example = question(pair, item.alias, entity.name, subset.name, written=experiment.questions)
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
            example = question(
                pair, item.alias, entity.name, subset.name, kind="attribution", written=experiment.questions
            )
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
        pictures=world.pictures,
    )


def question(
    pair: QAPair,
    name: str,
    entity: str,
    subset: str,
    *,
    kind: Literal["question", "attribution"] = "question",
    written: QuestionFormat | None = None,
) -> Example:
    """Write a question about `name`, which stands for `entity`; the first accepted answer is the one trained on.

    Without a format it is written as it is worded, followed by the answer.
    """
    asked, answer = pair.question.replace("[X]", name), pair.answers[0]
    prompt, completion = written.write(asked, answer) if written is not None else (asked, f" {answer}")
    return Example(
        prompt=prompt,
        completion=completion,
        answers=pair.answers,
        kind=kind,
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


def _first_asked(subset: Subset, pairs: Sequence[QAPair], trained: int) -> int:
    """Position of the first question that is only asked, not trained on: 0 where none is trained on.

    Raises
    ------
    SaysoError
        If there are fewer questions than are to be trained on.
    """
    if not subset.has_qa:
        return 0
    if trained > len(pairs):
        raise SaysoError(f"split.trained_questions is {trained}, but there are only {len(pairs)} questions to ask")
    return trained
