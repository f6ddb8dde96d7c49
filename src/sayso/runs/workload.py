"""How much there is to train and to measure in one seed of an experiment: documents, updates, tokens.

Where the facts are at hand, the documents of the first seed are counted; where they are not, documents are taken to be
as long as those about people are on average, but no longer than is allowed. Grids of digits are counted without their
images where these are not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.legs import Leg, is_measured, legs, measured_epochs
from sayso.core.pictures import Pictures
from sayso.core.protocols import ModelSpec
from sayso.core.sizes import sizes
from sayso.core.training import Stage
from sayso.data.build import build_corpus
from sayso.data.digits.grid import DigitGrids
from sayso.learners.specs import FromScratch, HFModel
from sayso.learners.stacked.words import vocabulary_size, word_counter
from sayso.runs.token_counter import token_counter

#: Characters a token of these documents has: aliases are taken to pieces (`benchmarks.pythia.english_tokenizer`).
CHARACTERS_PER_TOKEN = 2.1

#: Where facts are not at hand: ways to ask who an alias stands for.
_PHRASINGS = 4


@dataclass(frozen=True)
class Lengths:
    """Tokens of a document of one kind on average, and those of its completion, ends included."""

    whole: float
    completion: float


#: Of paper-main on a table of 5,194 people, by characters: ``python -m benchmarks.lengths PEOPLE.csv``. A tokenizer
#: trained on English has 23.3, 21.9 and 27.6 for the whole.
QUESTION = Lengths(24.3, 6.5)
DEFINITION = Lengths(17.0, 10.4)
ATTRIBUTION = Lengths(25.5, 10.4)


@dataclass(frozen=True)
class Plan:
    """Tokens of one seed's run: of documents trained on, of those scored, and of completions scored.

    To a model that sees, a document is one token: its picture.
    """

    trained: int
    scored: int
    completions: int


@dataclass(frozen=True)
class StageWork:
    """A stage of one seed, once for each of its `repeats` (stage-2 seeds).

    `documents` and `updates` of one epoch; `tokens` of a document on average.
    """

    name: str
    repeats: int
    epochs: int
    documents: int
    batch_size: int
    updates: int
    tokens: float


@dataclass(frozen=True)
class PictureSize:
    """Rows and columns of a picture, and the numbers a model has to give of it."""

    shape: tuple[int, int]
    outputs: int


@dataclass(frozen=True)
class Workload:
    """One seed of an experiment without axes; `assumption` says how tokens were counted.

    `vocabulary`: tokens of a word-level tokenizer, None where documents are not at hand. `picture`: what is seen, None
    where documents are read.
    """

    stages: tuple[StageWork, ...]
    planned: Plan
    assumption: str
    vocabulary: int | None = None
    picture: PictureSize | None = None

    @property
    def updates(self) -> int:
        """Updates of all stages, epochs and repeats."""
        return sum(stage.repeats * stage.epochs * stage.updates for stage in self.stages)


def by_characters(text: str) -> int:
    """Tokens of a text, its end included, by its length."""
    return 1 + round(len(text) / CHARACTERS_PER_TOKEN)


def workload(experiment: Experiment) -> Workload:
    """Count the work of one seed, from its documents where the facts are at hand, else from the settings.

    Raises
    ------
    SaysoError
        If neither can be: the facts are not at hand, and it is not known how many there are.
    """
    assumption = f"counted from the documents of seed {experiment.seeds.first}"
    try:
        corpus = build_corpus(experiment, experiment.seeds.first)
    except SaysoError as error:
        if not isinstance(experiment.knowledge, DigitGrids):
            return _from_settings(experiment, error)
        blank = experiment.model_copy(update={"knowledge": experiment.knowledge.without_images()})
        corpus = _build_blank(blank)
        assumption += f", their images taken to be of MNIST's size, for there is none ({error})"
    length, counted_by = _length(experiment.model, corpus)
    return Workload(
        stages=tuple(_stage(experiment, stage, *_counted(corpus, stage, length)) for stage in experiment.stages),
        planned=plan(experiment, corpus, length),
        assumption=assumption + counted_by,
        vocabulary=vocabulary_size(corpus.tokens) if corpus.tokens else None,
        picture=None if corpus.pictures is None else _picture_size(corpus.pictures),
    )


def plan(experiment: Experiment, corpus: Corpus, length: Callable[[str], int] = by_characters) -> Plan:
    """Count the tokens of one seed's run; `length` says how many a text has."""
    trained = scored = completions = 0
    for leg in legs(experiment):
        stage, documents = leg.stage, corpus.documents(leg.stage.documents)
        train = experiment.train_spec(stage)
        share = 1.0
        if train.sampling is not None:
            share = train.sampling.steps_per_epoch * train.batch_size / max(len(documents), 1)
        trained += round(stage.epochs * (share + stage.replay * share) * count_tokens(documents, length))
        times = _times(experiment, leg)
        asked = [item for each in corpus.eval_sets if is_measured(each, leg, experiment) for item in each.examples]
        scored += times * count_tokens(asked, length)
        completions += times * sum(1 + length(item.completion) for item in asked)
    return Plan(trained, scored, completions)


def count_tokens(documents: Iterable[Example], length: Callable[[str], int] = by_characters) -> int:
    """Tokens of documents, their ends included."""
    return sum(length(document.text) for document in documents)


def _build_blank(experiment: Experiment) -> Corpus:
    try:
        return build_corpus(experiment, experiment.seeds.first)
    except SaysoError as error:
        raise SaysoError(f"no estimate: {error}") from error


def _length(model: ModelSpec, corpus: Corpus) -> tuple[Callable[[str], int], str]:
    """How many tokens a text has for a model, and how that is said."""
    if corpus.pictures is not None:
        return lambda _: 1, ""
    if isinstance(model, FromScratch) and corpus.tokens:
        return word_counter(corpus.tokens), ""
    if isinstance(model, HFModel) and (own := token_counter(model)) is not None:
        return own, ", by the model's own tokenizer"
    return by_characters, f", {CHARACTERS_PER_TOKEN:g} characters a token"


def _picture_size(pictures: Pictures) -> PictureSize:
    return PictureSize(pictures.shape, pictures.cells * len(pictures.classes))


def _stage(experiment: Experiment, stage: Stage, documents: int, tokens: float) -> StageWork:
    train = experiment.train_spec(stage)
    updates = math.ceil(documents / train.batch_size)
    if train.sampling is not None:
        updates = train.sampling.steps_per_epoch
        documents = updates * train.batch_size
    return StageWork(
        name=stage.name,
        repeats=sum(leg.stage.name == stage.name for leg in legs(experiment)),
        epochs=stage.epochs,
        documents=documents + round(documents * stage.replay),
        batch_size=train.batch_size,
        updates=updates,
        tokens=tokens,
    )


def _counted(corpus: Corpus, stage: Stage, length: Callable[[str], int]) -> tuple[int, float]:
    documents = corpus.documents(stage.documents)
    return len(documents), count_tokens(documents, length) / max(len(documents), 1)


def _from_settings(experiment: Experiment, error: SaysoError) -> Workload:
    """Count from fractions and questions, each document of the length its kind has on average."""
    question, definition, attribution = (_length_of(kind, experiment) for kind in (QUESTION, DEFINITION, ATTRIBUTION))
    split = experiment.split
    aliases = experiment.knowledge.size() * split.aliases_per_entity
    documents = {"world": 0, "X1": 0, "X2": 0}
    tokens = {"world": 0.0, "X1": 0.0, "X2": 0.0}
    asked, answers = {"X1": 0.0, "X2": 0.0}, {"X1": 0.0, "X2": 0.0}
    for subset, size in zip(experiment.subsets, sizes(experiment.subsets, aliases), strict=True):
        said = subset.source is not None and experiment.in_context is None
        times = subset.repeats + (subset.against_repeats if subset.against is not None else 0)
        defined = split.definitions_per_alias * times if said else 0
        trained = split.trained_questions if subset.has_qa else 0
        documents[subset.group] += size * (trained + defined)
        tokens[subset.group] += size * (trained * question + defined * definition)
        who = _PHRASINGS * (2 if subset.source is not None and not subset.consistent else 1)
        questions = split.trained_questions + 1
        asked[subset.group] += size * (questions * question + defined * definition + who * attribution)
        answers[subset.group] += size * (
            questions * QUESTION.completion + defined * DEFINITION.completion + who * ATTRIBUTION.completion
        )
    stages = []
    for stage in experiment.stages:
        count = sum(documents[part] for part in stage.parts)  # of one source alone: at most so many
        length = sum(tokens[part] for part in stage.parts) / max(count, 1)
        stages.append(_stage(experiment, stage, count, length))
    scored = completions = 0.0
    for leg in legs(experiment):
        for part in ("X2", "X1") if leg.stage.measured and leg.stage2_seed == 0 else ("X2",) * leg.stage.measured:
            scored += _times(experiment, leg) * asked[part]
            completions += _times(experiment, leg) * answers[part]
    trained_tokens = sum(stage.repeats * stage.epochs * stage.documents * stage.tokens for stage in stages)
    return Workload(
        stages=tuple(stages),
        planned=Plan(trained=round(trained_tokens), scored=round(scored), completions=round(completions)),
        assumption=(
            f"documents are taken to be as long as of people: questions {question:.0f} tokens, definitions "
            f"{definition:.0f}, who an alias is {attribution:.0f}: {error}"
        ),
    )


def _times(experiment: Experiment, leg: Leg) -> int:
    """How often all questions of a leg are scored: at each moment at which a measure that needs it is due, once."""
    scored = [measure for measure in experiment.measures if "scores" in measure.needs]
    return len({epoch for measure in scored for epoch in measured_epochs(leg, measure.when)})


def _length_of(kind: Lengths, experiment: Experiment) -> float:
    """Tokens of a document: definitions in context come before a question; no more than is allowed."""
    before = DEFINITION.whole if experiment.in_context is not None else 0.0
    return min(kind.whole + before, experiment.train.max_length or math.inf)
