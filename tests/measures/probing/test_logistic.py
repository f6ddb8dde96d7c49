"""Many logistic regressions at once, against scikit-learn's one by one."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sayso.measures.probing import logistic
from sayso.measures.probing.logistic import fits


def problems(places: int, examples: int, width: int, count: int = 3, seed: int = 0) -> Any:
    """Examples far from the origin, classes that are not quite balanced, and which examples are fitted on."""
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(places, examples, width)) * 3 + draw.normal(size=(places, 1, width)) * 20
    return inputs, draw.random((count, examples)) < 0.4, draw.random((count, examples)) < 0.8


def solved(inputs: Any, labels: Any, used: Any, strength: Any) -> list[Any]:
    found = list(fits(inputs, labels, used, strength))
    parts = zip(*((each.margins, each.weights(), each.offsets(), each.converged) for each in found), strict=True)
    return [np.concatenate(each) for each in parts]


@pytest.mark.parametrize(
    ("examples", "width", "strength"), [(60, 8, 0.01), (60, 8, 100.0), (40, 90, 0.01), (40, 90, 1.0), (30, 1, 0.01)]
)
def test_the_solution_is_scikit_learns(examples, width, strength, monkeypatch):
    inputs, labels, used = problems(3, examples, width)
    monkeypatch.setattr(logistic, "HELD", 2 * labels.size)  # two places at a time
    margins, weights, offsets, converged = solved(inputs, labels, used, strength)
    assert converged.all()
    for place, own in enumerate(inputs):
        for row, (wanted, on) in enumerate(zip(labels, used, strict=True)):
            peer = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(own[on], wanted[on])
            size = np.abs(peer.coef_).max()
            np.testing.assert_allclose(weights[place, row], peer.coef_[0], atol=1e-4 * size)
            np.testing.assert_allclose(margins[place, row], peer.decision_function(own), atol=2e-3)
            np.testing.assert_allclose(own @ weights[place, row] + offsets[place, row], margins[place, row], atol=1e-6)


def test_each_problem_has_a_strength_of_its_own_and_is_solved_by_itself():
    inputs, labels, used = problems(1, 50, 6)
    together = solved(inputs, labels, used, np.array([0.01, 1.0, 10.0]))
    for row, strength in enumerate((0.01, 1.0, 10.0)):
        alone = solved(inputs, labels[row : row + 1], used[row : row + 1], strength)
        np.testing.assert_allclose(together[1][0, row], alone[1][0, 0], atol=1e-6)


def test_the_gradient_is_none_at_the_solution():
    inputs, labels, used = problems(2, 30, 70)
    (found,) = fits(inputs, labels, used, 0.5)
    chance = 1 / (1 + np.exp(-found.margins))
    pull = 0.5 * used * (chance - labels)
    slope = found.weights() + pull @ (inputs - inputs.mean(1, keepdims=True))
    assert np.abs(slope).max() < 1e-4
    assert np.abs(pull.sum(2)).max() < 1e-5


def test_where_all_examples_are_alike_nothing_is_told_apart():
    inputs = np.tile(np.random.default_rng(0).normal(size=(1, 1, 5)).astype(np.float32) * 1000, (1, 8, 1))
    labels = np.array([[0, 1] * 4], dtype=bool)
    margins, weights, _, converged = solved(inputs, labels, np.ones_like(labels), 0.01)
    assert converged.all()
    assert np.abs(margins).max() < 1e-9
    assert np.abs(weights).max() < 1e-9


def test_what_is_not_solved_is_said(monkeypatch):
    inputs, labels, used = problems(1, 60, 8)
    monkeypatch.setattr(logistic, "STEPS", 1)
    (found,) = fits(inputs, labels, used, 100.0)
    assert not found.converged.any()
