"""What is there is found, what is not is not; strengths are chosen within the folds that are trained on."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sayso.measures.probing.crossval import read
from sayso.measures.probing.folds import Folds, shuffled


def planted(signal: float, seed: int = 0, examples: int = 200, width: int = 20, noise: float = 1.0) -> Any:
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.arange(examples) % 2 == 0)
    direction = draw.normal(size=width)
    direction /= np.linalg.norm(direction)
    values = noise * draw.normal(size=(examples, width)) + signal * np.where(labels, 1, -1)[:, None] * direction
    fold = np.zeros(examples, dtype=np.int64)
    for label in (False, True):
        fold[labels == label] = np.arange((labels == label).sum()) % 5
    return values, labels, Folds(np.arange(examples), fold, 5)


def labellings(labels: Any, folds: Folds, count: int, seed: int = 0) -> Any:
    draw = np.random.default_rng(seed)
    names = [str(row) for row in range(len(labels))]
    return np.stack([labels, *(shuffled(labels, folds.fold, names, draw) for _ in range(count))])


@pytest.mark.parametrize("width", [20, 300])
def test_a_planted_direction_is_found_where_it_is_and_nothing_elsewhere(width):
    there, labels, folds = planted(12.0 if width == 300 else 3.0, width=width)
    nowhere = np.random.default_rng(9).normal(size=there.shape)
    found = read(np.stack([there, nowhere]), folds, labellings(labels, folds, 5), [0.01])
    assert found.accuracy[0, 0] > 0.95
    assert np.abs(found.accuracy[:, 1:].mean(1) - 0.5).max() < 0.1
    assert 0.35 < found.accuracy[1, 0] < 0.65
    assert found.converged.tolist() == [1, 1]
    assert np.isnan(found.transfer).all()


def test_in_noise_shuffled_labels_have_about_a_half_and_the_true_ones_are_like_them():
    values = np.stack([planted(0.0, seed, 100, 10)[0] for seed in range(1, 61)])
    _, labels, folds = planted(0.0, 0, 100)
    found = read(values, folds, labellings(labels, folds, 20), [0.01])
    low, high = np.quantile(found.accuracy[:, 1:], (0.025, 0.975), axis=1)
    assert ((low < 0.5) & (high > 0.5)).all()
    assert ((low <= found.accuracy[:, 0]) & (found.accuracy[:, 0] <= high)).mean() > 0.8
    assert abs(found.accuracy[:, 0].mean() - 0.5) < 0.03


def test_held_out_accuracy_is_scikit_learns():
    values, labels, folds = planted(0.7, width=8)
    right = 0
    for number in range(5):
        own = folds.fold == number
        probe = LogisticRegression(C=0.01, tol=1e-9).fit(values[~own], labels[~own])
        right += int((probe.predict(values[own]) == labels[own]).sum())
    assert read(values[None], folds, labels[None], [0.01]).accuracy[0, 0] == right / 200


def test_a_strength_is_chosen_without_the_fold_that_is_read():
    values, labels, folds = planted(0.8, width=40, noise=1.5)
    further, further_labels = planted(0.8, seed=0, width=40)[0][:60], labels[:60]
    strengths, right = [1e-5, 1e-3, 0.1, 10.0], 0

    def score(strength: float, on: Any, at: Any) -> int:
        probe = LogisticRegression(C=strength, tol=1e-9, max_iter=10_000).fit(values[on], labels[on])
        return int((probe.predict(values[at]) == labels[at]).sum())

    chosen = set()
    for number in range(5):
        others = [other for other in range(5) if other != number]
        inner = [
            sum(score(each, (folds.fold != number) & (folds.fold != other), folds.fold == other) for other in others)
            for each in strengths
        ]
        best = strengths[int(np.argmax(inner))]
        chosen.add(best)
        right += score(best, folds.fold != number, folds.fold == number)
    inputs = np.concatenate([values, further])[None]
    found = read(inputs, folds, labellings(labels, folds, 1), strengths, further_labels)
    assert found.accuracy[0, 0] == right / 200
    whole = [sum(score(each, folds.fold != n, folds.fold == n) for n in range(5)) for each in strengths]
    best = strengths[int(np.argmax(whole))]
    probe = LogisticRegression(C=best, tol=1e-9, max_iter=10_000).fit(values, labels)
    assert found.transfer[0, 0] == (probe.predict(further) == further_labels).mean()


def test_further_examples_are_read_by_probes_of_all_folds():
    values, labels, folds = planted(3.0)
    further, further_labels, _ = planted(3.0, examples=40)
    mirrored = np.concatenate([values, values[:40]])[None]
    found = read(mirrored, folds, labels[None], [0.01], labels[:40])
    assert found.transfer[0, 0] > 0.95
    assert read(np.concatenate([values, -values[:40]])[None], folds, labels[None], [0.01], labels[:40]).transfer < 0.05
    assert read(np.concatenate([values, further])[None], folds, labels[None], [0.01], further_labels).accuracy > 0.95
