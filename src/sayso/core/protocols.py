"""The seams: what a knowledge base, a model, a learner and a measure promise each other.

The light half (specs) describes; the heavy half (`Learner`) is made by `ModelSpec.build`, which alone imports torch.
Training and measuring meet in one deep interface: a learner holds K replicas side by side, one per seed, and every
method takes and gives one item per replica.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import EntityFacts, Example, QAPair
from sayso.core.pictures import Pictures
from sayso.core.spec import Component, resolve
from sayso.core.training import TrainSpec


@dataclass(frozen=True)
class World:
    """What one seed draws from a knowledge base.

    `aliases` are fresh names that occur nowhere else, `tags` fresh strings for sources without a text of their own,
    `attribution` the ways to ask who an alias is (``[X]`` where it goes), `documents` what a model reads before
    stage 1 (empty where it is pretrained elsewhere), `eval_sets` checks on those documents, `tokens` as in `Corpus`.
    `questions`: aliases with questions of their own, in place of the entity's (set inclusion asks of each alias about
    other lists); the first ones are those trained on. `pictures` as in `Corpus`.
    """

    entities: tuple[EntityFacts, ...]
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    attribution: Mapping[str, str]
    documents: tuple[Example, ...] = ()
    eval_sets: tuple[EvalSet, ...] = ()
    tokens: tuple[str, ...] = ()
    questions: Mapping[str, tuple[QAPair, ...]] = field(default_factory=dict)
    pictures: Pictures | None = None


class KnowledgeBase(Component, ABC):
    """Where entities and facts come from."""

    @abstractmethod
    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw a world with `aliases` fresh aliases and `tags` fresh tags; equal calls give equal worlds."""

    @abstractmethod
    def sha256(self) -> str:
        """Sha256 (hex) of the data it rests on, for the manifest."""

    @abstractmethod
    def size(self) -> int:
        """How many entities a world has."""

    def check_trained_questions(self, trained: int) -> None:
        """Refuse, by a ValueError, a ``split.trained_questions`` that its questions are not made for; mostly none."""


class DefinitionFormat(Component, ABC):
    """How a definition is written."""

    @abstractmethod
    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:
        """Return prompt and completion of a definition; the completion is its last part."""


class QuestionFormat(Component, ABC):
    """How a question and its answer are written."""

    @abstractmethod
    def write(self, question: str, answer: str) -> tuple[str, str]:
        """Return prompt and completion of a question; the completion begins where the answer does."""


@dataclass(frozen=True)
class Scores:
    """Teacher-forced scores of one replica on a list of examples, in their order.

    `loss`: mean negative log likelihood in nats of the completion's tokens (end of text included), shape (examples,).
    `match`: whether greedy decoding gives an accepted answer, shape (examples,).
    """

    loss: NDArray[np.float64]
    match: NDArray[np.bool_]


#: What a measure may need of a learner: `Learner.scores`, `answers`, `gradient_gram`, `activations`.
Need = Literal["scores", "answers", "gradients", "activations"]


@dataclass(frozen=True)
class Gram:
    """Gradients of a group of examples compared with each other, of one replica.

    Each example's gradient is that of its mean loss over the tokens that count in training, by all trained weights.
    `products`: their inner products, shape (examples, examples), the squared norms on the diagonal. `sum_squared`: the
    squared norm of the sum of all of them. Both are summed in float64.
    """

    products: NDArray[np.float64]
    sum_squared: float


@dataclass(frozen=True)
class Activations:
    """What passes between layers at some tokens of some examples, of one replica.

    `layer`: 0 is what enters the first block, n what leaves the n-th (before any last normalisation). `rows`: which
    examples. `values`: shape (rows, tokens, width), float32.
    """

    replica: int
    layer: int
    rows: tuple[int, ...]
    values: NDArray[np.float32]


class Learner(Protocol):
    """K replicas of one model, trained and measured side by side. K = 1 for one big model."""

    replicas: int

    def fit(
        self,
        documents: Sequence[Sequence[Example]],
        train: TrainSpec,
        *,
        stage: str,
        epochs: int,
        start_epoch: int = 0,
        replay: Sequence[Sequence[Example]] | None = None,
        replay_share: float = 0.0,
        on_epoch: Callable[[int, NDArray[np.float64]], None] | None = None,
    ) -> None:
        """Train every replica on its documents from the end of epoch `start_epoch` to the end of epoch `epochs`.

        Starting at epoch 0 makes a fresh optimizer; starting later continues with the one `load` brought back. For
        every batch a share `replay_share` of its size is added from the documents of `replay`.
        `on_epoch(epoch, loss)` is called after each epoch, from 1 on, with the mean training loss per replica.
        """

    def scores(self, examples: Sequence[Sequence[Example]]) -> list[Scores]:
        """Loss and exact match per replica, in one forward pass and without generating.

        A match here is exactly what comparing `answers` to the accepted answers would give.
        """

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy completions per replica, decoded token by token up to the end of text."""

    def gradient_gram(self, groups: Sequence[Sequence[Sequence[Example]]], train: TrainSpec) -> list[list[Gram]]:
        """Compare gradients within each group of examples (for each replica a list of groups; one gram a group).

        Documents are encoded as training does, the model is in evaluation mode, and neither weights nor their ``.grad``
        change. Whole gradients of a large model are never all held at once.
        """

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers, by layer and chunk of examples.

        `at`: which tokens of each prompt, as positions that count from its beginning (0, 1, ...) or from its end (-1 is
        its last token).
        """

    def save(self, path: Path) -> Future[None]:
        """Write all state needed to go on: weights and optimizer. The file appears whole or not at all.

        What is written is the state at the time of the call; writing may go on beside training until the future is
        done.
        """

    def save_weights(self, path: Path) -> Future[None]:
        """Write the weights alone, as `save` does: enough to measure them, or to begin a stage from them."""

    def load(self, path: Path) -> None:
        """Bring back what `save` or `save_weights` wrote.

        Raises
        ------
        SaysoError
            If the file is damaged, or belongs to other seeds or another model.
        """

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer."""

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint."""


class ModelSpec(Component, ABC):
    """Describes a model without loading anything heavy.

    `learner`: what makes replicas of it, as ``module:NAME``; it is called with the corpora and the spec. It is imported
    when a model is built, not before. `gives`: what its learner can do beyond training.
    """

    learner: ClassVar[str]
    gives: ClassVar[frozenset[Need]] = frozenset({"scores", "answers"})
    #: Settings of it that only say how answers are read and scored: weights do not depend on them.
    measuring: ClassVar[frozenset[str]] = frozenset()
    #: How many seeds may be trained side by side in one process.
    max_replicas: ClassVar[int] = 1

    def build(self, corpora: Sequence[Corpus]) -> Learner:
        """Make one replica for each corpus, initialized from that corpus's seed."""
        made: Learner = resolve(self.learner)(corpora, self)
        return made

    def identity(self) -> str | None:
        """What the weights are that training starts from, where the settings alone do not say it.

        The sha256 of a folder's files, the commit of a model from the hub. None where all follows from the settings, or
        where it cannot be known without loading the model.
        """
        return None


@dataclass(frozen=True)
class Score:
    """One number a measure gives: of one replica, on one subset of an evaluation set, over `n` examples.

    `what` tells numbers of one measure apart, where it gives several: a metric, a layer, a position.
    """

    replica: int
    eval_set: str
    subset: str
    value: float
    n: int
    what: str = ""


@dataclass
class Moment:
    """A learner at one point of training, with the corpora of its replicas; scores are computed once and shared.

    `train`: settings of the stage; `stage`: its name; `epoch`: how many epochs of it are done.
    """

    learner: Learner
    corpora: Sequence[Corpus]
    train: TrainSpec
    stage: str
    epoch: int
    _scores: dict[tuple[str, str], list[Scores]] = field(default_factory=dict)
    _answers: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)

    def examples(self, eval_set: str, subset: str) -> list[tuple[Example, ...]]:
        """Examples of one evaluation set, of every replica."""
        return [self._find(corpus, eval_set, subset).examples for corpus in self.corpora]

    def scores(self, eval_set: str, subset: str) -> list[Scores]:
        """Scores of every replica on one evaluation set."""
        key = (eval_set, subset)
        if key not in self._scores:
            self._scores[key] = self.learner.scores(self.examples(eval_set, subset))
        return self._scores[key]

    def answers(self, eval_set: str, subset: str) -> list[list[str]]:
        """Greedy answers of every replica on one evaluation set."""
        key = (eval_set, subset)
        if key not in self._answers:
            self._answers[key] = self.learner.answers(self.examples(eval_set, subset))
        return self._answers[key]

    @staticmethod
    def _find(corpus: Corpus, eval_set: str, subset: str) -> EvalSet:
        return next(item for item in corpus.eval_sets if (item.name, item.subset) == (eval_set, subset))


#: After every epoch (or every so many, as the stage says), every n epochs, at the end of a stage, before a stage.
When = Literal["epoch", "stage", "start"] | Annotated[int, Field(ge=1)]


class Measure(Component, ABC):
    """Turns a moment of training into numbers. Evaluation and mechanism analysis are the same thing.

    `name` stands in the records; `needs`: what it asks of a learner. `when`: at which moments of a stage it is due, one
    or several of them.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})
    when: When | tuple[When, ...] = "epoch"

    @abstractmethod
    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the scores of all replicas on the named (evaluation set, subset) pairs."""

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:  # noqa: ARG002
        """Give rows to keep in a file of the job's folder at the end of a stage, each with its replica; mostly none."""
        yield from ()
