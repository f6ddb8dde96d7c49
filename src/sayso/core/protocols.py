"""The seams: what a knowledge base, a model, a learner and a measure promise each other.

The light half (specs) describes; the heavy half (`Learner`) is made by `ModelSpec.build`, which alone imports torch.
Training and measuring meet in one deep interface: a learner holds K replicas side by side, one per seed, and every
method takes and gives one item per replica.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import JsonValue

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import EntityFacts, Example, QAPair
from sayso.core.learner import Learner, Need
from sayso.core.pictures import Pictures
from sayso.core.spec import Component, resolve
from sayso.core.training import TrainSpec


@dataclass(frozen=True)
class World:
    """What one seed draws from a knowledge base.

    Parameters
    ----------
    entities
        Who or what there is, with what can be asked about them.
    aliases
        Fresh names that occur nowhere else, as many as were asked for.
    tags
        Fresh strings for sources without a text of their own, as many as were asked for.
    attribution
        The ways to ask who an alias is, by name, with ``[X]`` where it goes.
    documents
        What a model reads before stage 1; empty where it is pretrained elsewhere.
    eval_sets
        Checks on those documents.
    tokens
        The vocabulary for word-level tokenizers, as of `Corpus`; empty where a model brings its own.
    questions
        Aliases with questions of their own, in place of the entity's (set inclusion asks of each alias about other
        lists); the first ones are those trained on.
    pictures
        How documents look, where they are seen rather than read.
    kinds
        Which part of the data each entity is for, ``X1`` or ``X2``, where these are about entities of different kinds;
        empty where they are not.
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
    kinds: tuple[str, ...] = ()


class KnowledgeBase(Component, ABC):
    """Where entities and facts come from."""

    @abstractmethod
    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw a world; equal calls give equal worlds, in every process.

        Parameters
        ----------
        seed
            What everything that is drawn follows from.
        aliases
            How many fresh aliases are needed.
        tags
            How many fresh tags are needed.

        Returns
        -------
        World
            The world.
        """

    @abstractmethod
    def sha256(self) -> str:
        """What data it rests on, for the manifest.

        Returns
        -------
        str
            Sha256 of the data, 64 hex digits.
        """

    @abstractmethod
    def size(self) -> int:
        """How many entities a world has.

        Returns
        -------
        int
            The number, the same for every seed.
        """

    def check_trained_questions(self, trained: int) -> None:
        """Refuse a ``split.trained_questions`` that its questions are not made for, by a ValueError; mostly none.

        Parameters
        ----------
        trained
            How many questions of an alias are to be trained on.
        """


class DefinitionFormat(Component, ABC):
    """How a definition is written."""

    @abstractmethod
    def write(self, tag: str, alias: str, entity: str) -> tuple[str, str]:
        """Write a definition.

        Parameters
        ----------
        tag
            What marks the source.
        alias
            The alias that is defined.
        entity
            The entity it is said to be.

        Returns
        -------
        tuple[str, str]
            Prompt and completion: the completion is the definition's last part, with the space before it.
        """


class QuestionFormat(Component, ABC):
    """How a question and its answer are written."""

    @abstractmethod
    def write(self, question: str, answer: str) -> tuple[str, str]:
        """Write a question and its answer.

        Parameters
        ----------
        question
            The question, with a name or an alias in it.
        answer
            The answer.

        Returns
        -------
        tuple[str, str]
            Prompt and completion: the completion begins where the answer does, with the space before it.
        """


class ModelSpec(Component, ABC):
    """Describes a model without loading anything heavy.

    A class of your own sets `learner` and, where they differ, the others below. `learner` is what makes replicas, as
    ``module:NAME``; it is called with the corpora and the spec, and imported when a model is built, not before. `gives`
    is what its learner can do beyond training.
    """

    learner: ClassVar[str]
    gives: ClassVar[frozenset[Need]] = frozenset({"scores", "answers"})
    #: Settings of it that only say how answers are read and scored: weights do not depend on them.
    measuring: ClassVar[frozenset[str]] = frozenset()
    #: Settings of it that only say what it is trained on: weights are the same to rounding, and digests leave them out.
    running: ClassVar[frozenset[str]] = frozenset()
    #: How many seeds may be trained side by side in one process: on CPUs, and on a GPU as far as they fit (None: as on
    #: CPUs). Of a model that is trained alone, both are 1.
    max_replicas: ClassVar[int] = 1
    max_replicas_on_gpu: ClassVar[int | None] = None

    def build(self, corpora: Sequence[Corpus]) -> Learner:
        """Make one replica for each corpus, initialized from that corpus's seed.

        Parameters
        ----------
        corpora
            The documents of each seed.

        Returns
        -------
        Learner
            What trains and scores them side by side.
        """
        made: Learner = resolve(self.learner)(corpora, self)
        return made

    def needs_met(self) -> frozenset[Need]:
        """What its learner can do beyond training, with these settings: `gives`, or less.

        Returns
        -------
        frozenset[Need]
            Names of what measures may need.
        """
        return self.gives

    def processes(self) -> int:
        """How many processes, each with a device of its own, train it together.

        Returns
        -------
        int
            The number; mostly 1.
        """
        return 1

    def run_as(self, other: ModelSpec) -> ModelSpec:
        """Return the same model, run as another of its kind is: with that one's `running` settings.

        Parameters
        ----------
        other
            The other model.

        Returns
        -------
        ModelSpec
            This one where the two are of different kinds.
        """
        if type(other) is not type(self):
            return self
        return self.model_copy(update={name: getattr(other, name) for name in self.running})

    def check_training(self, train: TrainSpec) -> None:
        """Refuse settings of a stage after which it could not be asked, by a ValueError; mostly none.

        Parameters
        ----------
        train
            The settings.
        """

    def asked_by(self) -> dict[str, JsonValue]:
        """Its settings in `measuring`; those that give the same records are written in the same way.

        Returns
        -------
        dict[str, JsonValue]
            Plain data, as JSON has it.
        """
        return self.model_dump(mode="json", include=set(self.measuring))

    def identity(self) -> str | None:
        """What the weights are that training starts from, where the settings alone do not say it.

        Returns
        -------
        str | None
            The sha256 of a folder's files, or the commit of a model from the hub. None where all follows from the
            settings, or where it cannot be known without loading the model.
        """
        return None
