"""In which order a stage goes over its documents, and the learning rate of each step.

Everything here follows from seeds and step numbers, so training can stop after any epoch and go on later with the same
result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.rng import stream
from sayso.core.training import TrainSpec

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One update of a stage.

    `epoch` counts from 1; `number`, of `steps` in the whole stage, from 0. `chosen`: which documents it trains on,
    shape (replicas, batch); the last batch of an epoch may be smaller. `repeated`: which of the replayed ones, shape
    (replicas, rows).
    """

    stage: str
    epoch: int
    number: int
    steps: int
    learning_rate: float
    chosen: Indices
    repeated: Indices

    @property
    def rows(self) -> int:
        """How many documents each replica trains on."""
        return int(self.chosen.shape[1] + self.repeated.shape[1])


class Order:
    """The steps of a stage: each seed goes over its documents once an epoch, in an order of its own.

    Where the settings ask for sampling, an epoch is a number of steps instead, and `probabilities`, shape (documents,)
    for each seed, say how often each document is drawn. `said`, shape (documents,) for each seed, says by equal numbers
    which documents repeat each other, where it matters where in an epoch these stand. For every batch, rows are drawn
    from `replayed` documents, as a share `replay` of its size. `steps`: how many an epoch has.
    """

    def __init__(
        self,
        *,
        seeds: Sequence[int],
        documents: int,
        replayed: int,
        replay: float,
        train: TrainSpec,
        stage: str,
        epochs: int,
        probabilities: Sequence[NDArray[np.float64]] | None = None,
        said: Sequence[Indices] | None = None,
    ) -> None:
        self.stage, self.epochs = stage, epochs
        self.steps = steps_per_epoch(train, documents)
        self._seeds, self._train, self._probabilities = seeds, train, probabilities
        self._documents, self._replayed, self._replay, self._said = documents, replayed, replay, said

    def epoch(self, epoch: int) -> Iterator[Step]:
        """Give the steps of an epoch, counted from 0."""
        order, train = self._order(epoch), self._train
        extra = [stream(seed, "replay", self.stage, epoch) for seed in self._seeds]
        for step in range(self.steps):
            chosen = order[:, step * train.batch_size : (step + 1) * train.batch_size]
            rows = round(chosen.shape[1] * self._replay)
            repeated = np.stack([draw.integers(max(1, self._replayed), size=rows) for draw in extra])
            number, steps = epoch * self.steps + step, self.epochs * self.steps
            yield Step(self.stage, epoch + 1, number, steps, learning_rate(train, number, steps), chosen, repeated)

    def _order(self, epoch: int) -> Indices:
        """All documents of an epoch, shape (replicas, documents)."""
        draws = [stream(seed, "order", self.stage, epoch) for seed in self._seeds]
        if self._said is not None:
            together = self._train.repetitions == "together"
            return np.stack(
                [with_repetitions(draw, own, together) for draw, own in zip(draws, self._said, strict=True)]
            )
        if self._train.sampling is None:
            return np.stack([draw.permutation(self._documents) for draw in draws])
        assert self._probabilities is not None
        size = self.steps * self._train.batch_size
        return np.stack(
            [draw.choice(self._documents, size, p=p) for draw, p in zip(draws, self._probabilities, strict=True)]
        )


def order_of(
    seeds: Sequence[int],
    documents: Sequence[Sequence[Example]],
    train: TrainSpec,
    *,
    stage: str,
    epochs: int,
    replay: Sequence[Sequence[Example]],
    replay_share: float,
) -> Order:
    """The steps of a stage over each seed's documents, with rows added from those it replays, if there are any.

    Raises
    ------
    SaysoError
        If seeds have different numbers of documents.
    """
    replayed = equal_count(replay)
    return Order(
        seeds=seeds,
        documents=equal_count(documents),
        replayed=replayed,
        replay=replay_share if replayed else 0.0,
        train=train,
        stage=stage,
        epochs=epochs,
        probabilities=probabilities_of(documents, train),
        said=None if train.repetitions == "shuffled" else list(map(what_is_said, documents)),
    )


def what_is_said(documents: Sequence[Example]) -> Indices:
    """Number documents by what they say: definitions of an alias by one source as the same entity have one number.

    Any other document has one of its own; shape (documents,).
    """
    numbers: dict[tuple[object, ...], int] = {}
    return np.array(
        [
            numbers.setdefault(
                (document.alias, document.source, document.answers) if document.kind == "definition" else (place,),
                len(numbers),
            )
            for place, document in enumerate(documents)
        ],
        dtype=np.int64,
    )


def with_repetitions(draw: np.random.Generator, said: Indices, together: bool) -> Indices:
    """Shuffle documents so that those which say the same stand together, or as far apart as it goes.

    Far apart: what is said n times is said at n places of equal distance, the first of them drawn at random.
    """
    order = draw.permutation(len(said))
    if together:
        rank = draw.permutation(said.max(initial=0) + 1)
        return order[np.argsort(rank[said[order]], kind="stable")]
    seen: dict[int, int] = {}
    counts = np.bincount(said)
    begin = draw.random(len(counts))
    place = np.empty(len(said))
    for at, document in enumerate(order.tolist()):
        what = int(said[document])
        place[at] = (seen.get(what, 0) + begin[what]) / counts[what]
        seen[what] = seen.get(what, 0) + 1
    return order[np.argsort(place, kind="stable")]


def equal_count(documents: Sequence[Sequence[Example]]) -> int:
    """How many documents each replica has.

    Raises
    ------
    SaysoError
        If replicas have different numbers of them: then they would take different numbers of steps.
    """
    counts = {len(own) for own in documents}
    if len(counts) > 1:
        raise SaysoError(
            f"replicas side by side need equally many documents, found {sorted(counts)}; run these seeds one by one"
        )
    return counts.pop()


def learning_rate(train: TrainSpec, step: int, steps: int) -> float:
    """Learning rate of update `step` (from 0) of `steps`: a linear rise over the warm-up, then as the schedule says."""
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / (train.warmup_steps + 1)
    if train.schedule == "constant":
        return train.learning_rate
    left, whole = steps - step, max(1, steps - train.warmup_steps)
    if train.schedule == "cosine":
        return train.learning_rate * (1 - math.cos(math.pi * left / whole)) / 2
    return train.learning_rate * left / whole


def steps_per_epoch(train: TrainSpec, documents: int) -> int:
    """Updates of an epoch over so many documents."""
    return train.sampling.steps_per_epoch if train.sampling else -(-documents // train.batch_size)


def probabilities_of(documents: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]] | None:
    """How often each replica's documents are drawn, for `Order`; None where settings ask for no sampling."""
    if train.sampling is None:
        return None
    return [sampling_probabilities(own, train.sampling.definition_share) for own in documents]


def sampling_probabilities(documents: Sequence[Example], definition_share: float) -> NDArray[np.float64]:
    """How often each document is drawn (`sayso.core.training.Sampling`), shape (documents,), summing to 1."""
    groups = [(document.subset, document.kind == "definition") for document in documents]
    sizes: dict[tuple[str, bool], int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    subsets = len({subset for subset, _ in sizes})

    def probability(subset: str, defines: bool) -> float:
        both = (subset, not defines) in sizes
        share = (definition_share if defines else 1 - definition_share) if both else 1.0
        return share / subsets / sizes[subset, defines]

    return np.array([probability(*group) for group in groups])
