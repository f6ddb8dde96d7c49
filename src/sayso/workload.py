"""How much there is to train and to measure in one seed of an experiment, before anything is run.

No tokenizer may be at hand, so tokens are counted from characters: aliases and tags are random letters, of which a
token of a byte-level vocabulary holds fewer than of words. Where facts are not at hand either, every document is taken
to be as long as the longest that is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sayso.core.errors import SaysoError
from sayso.core.examples import Corpus, Example
from sayso.core.experiment import Experiment
from sayso.core.legs import legs
from sayso.core.training import Stage
from sayso.data.build import build_corpus
from sayso.data.split import sizes

#: Characters of our documents in a token of a byte-level vocabulary.
CHARACTERS_PER_TOKEN = 2.3

#: Ways to ask who an alias stands for, where facts that say so are not at hand.
_PHRASINGS = 4


@dataclass(frozen=True)
class StageWork:
    """A stage of one seed, once for each of its `repeats` (stage-2 seeds).

    `documents` and `updates` of one epoch; `tokens` of a document on average.
    """

    name: str
    repeats: int
    epochs: int
    documents: int
    updates: int
    tokens: float

    @property
    def trained_tokens(self) -> float:
        """Tokens trained on in all epochs and repeats."""
        return self.repeats * self.epochs * self.documents * self.tokens


@dataclass(frozen=True)
class Workload:
    """One seed of an experiment without axes.

    `evaluations`: how often everything is measured; `evaluated`: examples each time, `evaluated_tokens` of them on
    average. `assumption` says how tokens were counted.
    """

    stages: tuple[StageWork, ...]
    evaluations: int
    evaluated: int
    evaluated_tokens: float
    assumption: str

    @property
    def trained_tokens(self) -> float:
        """Tokens trained on."""
        return math.fsum(stage.trained_tokens for stage in self.stages)

    @property
    def measured_tokens(self) -> float:
        """Tokens that go through the model to be measured."""
        return self.evaluations * self.evaluated * self.evaluated_tokens

    @property
    def updates(self) -> int:
        """Updates of all stages, epochs and repeats."""
        return sum(stage.repeats * stage.epochs * stage.updates for stage in self.stages)


def workload(experiment: Experiment) -> Workload:
    """Count the work of one seed, from its documents where the facts are at hand, else from the settings.

    Raises
    ------
    SaysoError
        If neither can be: the facts are not at hand, and not even how many there are or how long documents may be.
    """
    try:
        corpus = build_corpus(experiment, experiment.seeds.first)
    except SaysoError as error:
        return _from_settings(experiment, error)
    asked = [example for item in corpus.eval_sets if item.name != "pretraining" for example in item.examples]
    return Workload(
        stages=tuple(_stage(experiment, stage, *_counted(corpus, stage)) for stage in experiment.stages),
        evaluations=_evaluations(experiment),
        evaluated=len(asked),
        evaluated_tokens=_mean_tokens(asked),
        assumption=f"documents as of seed {corpus.seed}, {CHARACTERS_PER_TOKEN:g} characters a token",
    )


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
        updates=updates,
        tokens=tokens,
    )


def _counted(corpus: Corpus, stage: Stage) -> tuple[int, float]:
    documents = corpus.documents(stage.documents)
    return len(documents), _mean_tokens(documents)


def _mean_tokens(documents: Sequence[Example]) -> float:
    """Tokens of a document on average, its end included."""
    characters = sum(len(document.text) for document in documents)
    return characters / CHARACTERS_PER_TOKEN / max(len(documents), 1) + 1


def _evaluations(experiment: Experiment) -> int:
    """Before the first epoch of a leg and after each."""
    return sum(leg.stage.epochs + 1 for leg in legs(experiment) if leg.stage.measured)


def _from_settings(experiment: Experiment, error: SaysoError) -> Workload:
    """Count from fractions and questions, each document of the greatest length there may be."""
    length = experiment.train.max_length
    if length is None:
        raise SaysoError(f"no estimate: {error}; and train.max_length is not set") from error
    split = experiment.split
    aliases = experiment.knowledge.size() * split.aliases_per_entity
    questions = split.trained_questions + 1
    documents = {"world": 0, "X1": 0, "X2": 0}
    evaluated = 0
    for subset, size in zip(experiment.subsets, sizes(experiment.subsets, aliases), strict=True):
        defined = subset.source is not None and experiment.in_context is None
        trained = split.trained_questions if subset.has_qa else 0
        documents[subset.group] += size * (trained + defined)
        again = subset.source is not None and not subset.consistent
        evaluated += size * (questions + defined + _PHRASINGS * (1 + again))
    counted = {stage.name: sum(documents[part] for part in stage.documents) for stage in experiment.stages}
    return Workload(
        stages=tuple(_stage(experiment, stage, counted[stage.name], length) for stage in experiment.stages),
        evaluations=_evaluations(experiment),
        evaluated=evaluated,
        evaluated_tokens=length,
        assumption=f"every document {length} tokens long (train.max_length), for facts are not at hand: {error}",
    )
