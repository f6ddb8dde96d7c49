"""Maps of linear probes: all of a place's at once against scikit-learn's one by one, time ratio and agreement."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.measures.probing.crossval import read
from sayso.measures.probing.folds import Folds, shuffled

#: Name, places that are timed, questions, width, permutations, probes of the peer, and places of the whole map.
SHAPES = (
    ("pocket's: 3 layers x 3 tokens", 9, 320, 64, 20, 45, 9),
    ("a large model's: 32 layers x 20 tokens", 2, 2000, 2048, 20, 4, 640),
)
ROUNDS = 3
STRENGTH = 0.01


def main() -> None:
    """Print milliseconds a probe for both, their ratio, and how long the map takes with and without permutations."""
    for shape in SHAPES:
        _compare(*shape)


def _compare(name: str, places: int, questions: int, width: int, permutations: int, probes: int, whole: int) -> None:
    inputs, labels, folds = activations(places, questions, width)
    draw = np.random.default_rng(0)
    names = [str(row) for row in range(questions)]
    labellings = np.stack([labels, *(shuffled(labels, folds.fold, names, draw) for _ in range(permutations))])
    together, plain, alone = [], [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = read(inputs, folds, labellings, [STRENGTH])
        together.append((time.perf_counter() - begun) / places)
        begun = time.perf_counter()
        read(inputs, folds, labels[None], [STRENGTH])
        plain.append((time.perf_counter() - begun) / places)
        begun = time.perf_counter()
        said = _one_by_one(inputs, labellings, folds, probes)
        alone.append((time.perf_counter() - begun) / probes)
    assert found.converged.min() == 1
    each = folds.count * len(labellings)
    ratios = [each * peer / own for peer, own in zip(alone, together, strict=True)]
    times = [1e3 * statistics.median(values) for values in ([own / each for own in together], alone)]
    minutes = [whole * statistics.median(values) / 60 for values in (together, plain)]
    print(f"{name}, {questions} questions, {width} wide")
    print(f"  together {times[0]:.2f} ms a probe, one by one {times[1]:.2f} ms: {statistics.median(ratios):.1f}x")
    print(f"  the map of a task: {minutes[0]:.2f} min with {permutations} permutations, {minutes[1]:.2f} min without")
    print(f"  read otherwise: {_differing(inputs, labellings, folds, said):.2%} of held-out questions")


def activations(places: int, questions: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.bool_], Folds]:
    """Examples twenty long, with directions that matter less and less, around a mean; one direction tells classes."""
    draw = np.random.default_rng(1)
    scale = np.arange(1, width + 1) ** -0.5
    values = draw.normal(size=(places, questions, width)) * scale
    values *= 20 / np.linalg.norm(values, axis=2).mean()
    labels = np.arange(questions) % 2 == 0
    values[..., width // 4] += 0.3 * np.where(labels, 1, -1)
    values += 3 * draw.normal(size=(places, 1, width))
    fold = draw.permutation(questions // 2) % 5
    return values.astype(np.float32), labels, Folds(np.arange(questions), np.repeat(fold, 2), 5)


def _one_by_one(
    inputs: NDArray[np.float32], labellings: NDArray[np.bool_], folds: Folds, probes: int
) -> list[tuple[int, int, int, Any]]:
    """What scikit-learn's probes read: place, labelling and fold of each, and the classes it says."""
    from sklearn.linear_model import LogisticRegression

    result = []
    for number in range(probes):
        place, labelling, fold = number % len(inputs), number % len(labellings), number % folds.count
        on = folds.fold != fold
        probe = LogisticRegression(C=STRENGTH, max_iter=1000).fit(inputs[place, on], labellings[labelling, on])
        result.append((place, labelling, fold, probe.predict(inputs[place, ~on])))
    return result


def _differing(
    inputs: NDArray[np.float32], labellings: NDArray[np.bool_], folds: Folds, said: list[tuple[int, int, int, Any]]
) -> float:
    """Share of held-out questions that the peer's probes read otherwise."""
    from sayso.measures.probing.logistic import fits

    differ = total = 0
    for place, labelling, fold, classes in said:
        on = folds.fold != fold
        (found,) = fits(inputs[place : place + 1], labellings[labelling : labelling + 1], on[None], STRENGTH)
        differ += int(((found.margins[0, 0, ~on] > 0) != classes).sum())
        total += len(classes)
    return differ / total
