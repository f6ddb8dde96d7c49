"""Learners that are no networks: a rule that remembers what it reads and says what follows, to set models against.

Whoever writes one says what is learned of documents and what is said when asked; all else that
`sayso.core.learner.Learner` promises follows from that.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.answers import is_match
from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.files import read_json, write_atomically
from sayso.core.learner import Candidates, Lengths, Scores, StepDone
from sayso.core.protocols import ModelSpec
from sayso.core.training import TrainSpec

#: What a replica remembers: anything that JSON holds, under names that are text.
Memory = dict[str, Any]


class RuleLearner(ABC):
    """A learner of the measures ``scores`` and ``answers``; `spec` is the model's description, with its settings.

    `memories`: one for each corpus, empty at first. `doubt`: how likely it is, to the rule, that what it would say is
    wrong, so that losses are ``-log(1 - doubt)`` where it is right and ``-log(doubt)`` in nats where it is not.
    """

    doubt: float = 0.01

    def __init__(self, corpora: Sequence[Corpus], spec: ModelSpec) -> None:
        self.replicas, self.seeds, self.spec = len(corpora), [corpus.seed for corpus in corpora], spec
        self.memories: list[Memory] = [{} for _ in corpora]
        self._lengths: list[Lengths] = []

    @abstractmethod
    def learn(self, memory: Memory, documents: Sequence[Example]) -> None:
        """Read the documents of an epoch of a stage, and change what a replica remembers."""

    @abstractmethod
    def say(self, memory: Memory, asked: Example) -> str:
        """Complete a prompt; empty where nothing is known. Only its `prompt` and `alias` may be looked at."""

    def fit(
        self,
        documents: Sequence[Sequence[Example]],
        train: TrainSpec,  # noqa: ARG002 - a rule has no learning rate
        *,
        stage: str,  # noqa: ARG002
        epochs: int,
        start_epoch: int = 0,
        replay: Sequence[Sequence[Example]] | None = None,
        replay_share: float = 0.0,  # noqa: ARG002 - it reads all that is replayed
        on_epoch: Callable[[int, NDArray[np.float64]], None] | None = None,
        on_step: Callable[[StepDone], None] | None = None,
    ) -> None:
        """Read everything once an epoch, what is replayed after the rest; an epoch is one update."""
        repeated = replay or [[] for _ in documents]
        read = [[*own, *again] for own, again in zip(documents, repeated, strict=True)]
        words = [np.array([len(each.text.split()) for each in own], dtype=np.int64) for own in read]
        self._lengths = [Lengths(own, own) for own in words]
        for epoch in range(start_epoch, epochs):
            for memory, own in zip(self.memories, read, strict=True):
                self.learn(memory, own)
            if on_step is not None:
                on_step(StepDone(1, 1, int(sum(own.sum() for own in words))))
            if on_epoch is not None:
                on_epoch(epoch + 1, np.array([each.loss.mean() for each in self.scores(read)]))

    def lengths(self) -> list[Lengths]:
        """Words of the documents of the last `fit`; see `Learner.lengths`."""
        return self._lengths

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """What each replica says; see `Learner.answers`."""
        return [[self.say(memory, each) for each in own] for memory, own in zip(self.memories, examples, strict=True)]

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Whether each replica is right, and the loss that follows from its doubt; see `Learner.scores`.

        Raises
        ------
        SaysoError
            If there are candidates: a rule says one thing.
        """
        if candidates is not None:
            raise SaysoError("a rule does not choose among candidate answers; leave the measure out")
        found = []
        for own, said in zip(examples, self.answers(examples), strict=True):
            match = np.array([is_match(one, each.answers) for one, each in zip(said, own, strict=True)], dtype=np.bool_)
            found.append(Scores(-np.log(np.where(match, 1 - self.doubt, self.doubt)), match))
        return found

    def save(self, path: Path) -> Future[None]:
        """Write what all replicas remember, as JSON; see `Learner.save`.

        Raises
        ------
        SaysoError
            If they remember what JSON cannot hold.
        """
        write_atomically(path, self._json({"seeds": self.seeds, "memories": self.memories}))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def save_weights(self, path: Path) -> Future[None]:
        """As `save`."""
        return self.save(path)

    def load(self, path: Path) -> None:
        """Bring back what `save` wrote.

        Raises
        ------
        SaysoError
            If the file is damaged, or belongs to other seeds.
        """
        found = read_json(path)
        if not isinstance(found, dict) or found.get("seeds") != self.seeds or "memories" not in found:
            raise SaysoError(f"{path}: not what seeds {self.seeds} of this model remember")
        self.memories = found["memories"]

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write what one replica remembers as ``memory.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "memory.json", self._json(self.memories[replica]))

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back what `save_replica` wrote."""
        self.memories[replica] = read_json(folder / "memory.json")

    def _json(self, content: object) -> str:
        try:
            return json.dumps(content)
        except TypeError as error:
            raise SaysoError(f"{type(self).__name__} remembers what JSON cannot hold: {error}") from error
