"""The training loop: the order of documents, the learning rate of each step, and what happens after each epoch.

Everything here follows from seeds and step numbers, so training can stop after any epoch and go on later with the same
result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.rng import stream
from sayso.core.training import TrainSpec

Indices = NDArray[np.int64]


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


def run_epochs(
    update: Callable[[Indices, Indices, float], NDArray[np.float64]],
    *,
    seeds: Sequence[int],
    documents: int,
    replayed: int,
    replay: float,
    train: TrainSpec,
    stage: str,
    epochs: int,
    start_epoch: int,
    on_epoch: Callable[[int, NDArray[np.float64]], None] | None,
    probabilities: Sequence[NDArray[np.float64]] | None = None,
) -> None:
    """Go over the documents once an epoch, each seed in an order of its own.

    Where the settings ask for sampling, an epoch is a number of steps instead, and `probabilities`, shape (documents,)
    for each seed, say how often each document is drawn.

    `update(indices, replay_indices, learning_rate)` takes one step on the documents at `indices`, shape
    (replicas, batch), and returns each replica's loss. The last batch of an epoch may be smaller. `replay` rows are
    drawn from `replayed` documents for every batch, as a share of its size.
    """
    steps = steps_per_epoch(train, documents)
    for epoch in range(start_epoch, epochs):
        draws = [stream(seed, "order", stage, epoch) for seed in seeds]
        if train.sampling:
            assert probabilities is not None
            size = steps * train.batch_size
            order = np.stack([draw.choice(documents, size, p=p) for draw, p in zip(draws, probabilities, strict=True)])
        else:
            order = np.stack([draw.permutation(documents) for draw in draws])
        extra = [stream(seed, "replay", stage, epoch) for seed in seeds]
        total = np.zeros(len(seeds))
        for step in range(steps):
            chosen = order[:, step * train.batch_size : (step + 1) * train.batch_size]
            rows = round(chosen.shape[1] * replay)
            repeated = np.stack([generator.integers(max(1, replayed), size=rows) for generator in extra])
            total += update(chosen, repeated, learning_rate(train, epoch * steps + step, epochs * steps))
        if on_epoch is not None:
            on_epoch(epoch + 1, total / steps)


def probabilities_of(documents: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]] | None:
    """How often each replica's documents are drawn, for `run_epochs`; None where settings ask for no sampling."""
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
