"""Shapes are told apart on curves that have them, and a rational reader expects what Laplace's rule says."""

from __future__ import annotations

import numpy as np
import pytest

from sayso.stats.shapes import normalised, rational, shapes

RIGHT = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
MET = np.full(5, 50)
CURVES = {
    "flat": np.zeros(5),
    "linear": RIGHT,
    "threshold": (RIGHT > 0.6).astype(float),
    "log-odds": np.log(rational(RIGHT, MET) / (1 - rational(RIGHT, MET))) / 8,
}


def seeds(curve: np.ndarray, count: int = 16, noise: float = 0.05, draw: int = 0) -> np.ndarray:
    generator = np.random.default_rng(draw)
    level = generator.normal(0, 1, size=(count, 1))  # seeds differ in level, which is nobody's shape
    values: np.ndarray = curve + level + generator.normal(0, noise, size=(count, 5))
    return values


@pytest.mark.parametrize("name", CURVES)
def test_the_shape_that_made_the_values_fits_best(name):
    found = [shapes(RIGHT, MET, seeds(CURVES[name], draw=draw))[0].name for draw in range(20)]
    assert found.count(name) >= 15


def test_the_best_shape_has_no_excess_and_the_others_intervals():
    best, *others = shapes(RIGHT, MET, seeds(CURVES["linear"]))
    assert (best.excess.mean, best.excess.low, best.excess.high) == (0, 0, 0)
    assert all(shape.excess.mean > 0 for shape in others)
    assert next(shape for shape in others if shape.name == "flat").excess.low > 0
    assert best.error == pytest.approx(0.05, rel=0.4)


def test_a_line_through_points_of_a_line_is_that_line():
    values = np.array([0.2 + 0.3 * RIGHT] * 3)
    fitted = {shape.name: shape.fitted for shape in shapes(RIGHT, MET, values)}
    np.testing.assert_allclose(fitted["linear"], values[0])
    np.testing.assert_allclose(fitted["flat"], np.full(5, 0.35))


def test_a_threshold_is_where_the_step_is():
    values = np.array([[0.1, 0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.1, 0.5, 0.6], [0.1, 0.1, 0.1, 0.5, 0.7]])
    found = shapes(RIGHT, MET, values)[0]
    assert found.name == "threshold"
    np.testing.assert_allclose(found.fitted, [0.1, 0.1, 0.1, 0.55, 0.55])


def test_a_rational_reader_counts():
    assert rational([0.5], [0]).tolist() == [0.5]  # nothing met, no opinion
    np.testing.assert_allclose(rational([0.25, 1.0], [4, 1000]), [2 / 6, 1001 / 1002])


def test_belief_between_the_two_ends_is_a_share_of_their_distance():
    values = seeds(0.3 + 0.4 * RIGHT, noise=0.01)
    found = normalised(RIGHT, values)
    assert (found[0].mean, found[-1].mean) == (0, 1)
    for each, right in zip(found, RIGHT, strict=True):
        assert each.low <= each.mean <= each.high
        assert each.mean == pytest.approx(right, abs=0.03)


@pytest.mark.parametrize(("right", "values"), [([0, 0.5, 1], np.zeros((2, 3))), ([0, 1], np.zeros((4, 2)))])
def test_too_little_is_an_error_that_says_what_would_do(right, values):
    with pytest.raises(ValueError, match="at least 3 and 3"):
        shapes(right, [10] * len(right), values)
