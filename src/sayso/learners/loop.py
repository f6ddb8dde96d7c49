"""The training loop: the order of documents, the learning rate of each step, and what happens after each epoch.

Everything here follows from seeds and step numbers, so training can stop after any epoch and go on later with the same
result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core.experiment import TrainSpec
from sayso.core.rng import stream

Indices = NDArray[np.int64]


def learning_rate(train: TrainSpec, step: int, steps: int) -> float:
    """Learning rate of update `step` (from 0) of `steps`: a linear rise over the warm-up, then as the schedule says."""
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / (train.warmup_steps + 1)
    if train.schedule == "constant":
        return train.learning_rate
    return train.learning_rate * (steps - step) / max(1, steps - train.warmup_steps)


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
) -> None:
    """Go over the documents once an epoch, each seed in an order of its own.

    `update(indices, replay_indices, learning_rate)` takes one step on the documents at `indices`, shape
    (replicas, batch), and returns each replica's loss. The last batch of an epoch may be smaller. `replay` rows are
    drawn from `replayed` documents for every batch, as a share of its size.
    """
    steps = -(-documents // train.batch_size)
    for epoch in range(start_epoch, epochs):
        order = np.stack([stream(seed, "order", stage, epoch).permutation(documents) for seed in seeds])
        extra = [stream(seed, "replay", stage, epoch) for seed in seeds]
        total = np.zeros(len(seeds))
        for step in range(steps):
            chosen = order[:, step * train.batch_size : (step + 1) * train.batch_size]
            rows = round(chosen.shape[1] * replay)
            repeated = np.stack([generator.integers(max(1, replayed), size=rows) for generator in extra])
            total += update(chosen, repeated, learning_rate(train, epoch * steps + step, epochs * steps))
        if on_epoch is not None:
            on_epoch(epoch + 1, total / steps)
