r"""Logistic regression with an L2 penalty, very many at once.

A map of probes is one problem a layer, token, fold and permutation of the labels, and nearly all of these share their
examples. They are solved together: Newton's steps, each by conjugate gradients, so that nothing is ever factored and
all work is products with the examples that problems share. What is minimised is scikit-learn's

    |w|^2 / 2 + C * sum of log(1 + exp(-y * (w.x + b))),    y = -1 or 1

Where examples are wider than they are many, weights are kept as a sum of examples, and inner products of examples are
all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: A problem is solved where its gradient is at most this share of what it was at the start. Weights are off by less
#: than what is left of the gradient, for the penalty alone bends this much.
TOLERANCE = 1e-6
#: Most of Newton's steps, and of conjugate gradients for one of them.
STEPS, INNER_STEPS = 60, 300
#: Most numbers of one array (places x problems x examples), and of examples held in float64.
HELD, EXAMPLES_HELD = 2**20, 2**25
#: A gradient of rounding errors, against one that all examples share.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Fits:
    """Solved problems of some places, one after the other.

    `margins`: w.x + b of every example, fitted on or not, shape (places, problems, examples). `intercepts`,
    `converged`: shape (places, problems).
    """

    margins: Floats
    intercepts: Floats
    converged: Bools
    _coefficients: Floats
    _examples: Floats
    _mean: Floats

    def weights(self) -> Floats:
        """The weights w, shape (places, problems, width)."""
        wide = self._examples.shape[2] > self._examples.shape[1]
        return self._coefficients @ self._examples if wide else self._coefficients

    def offsets(self) -> Floats:
        """The b that goes with these weights and examples as they were given, shape (places, problems)."""
        return self.intercepts - (self.weights() @ self._mean[..., None])[..., 0]


def fits(inputs: NDArray[np.floating], labels: Bools, used: Bools, strength: ArrayLike) -> Iterator[Fits]:
    """Solve problems that share their examples, place by place.

    Parameters
    ----------
    inputs
        Shape (places, examples, width).
    labels
        Which examples are of the second class in each problem, shape (problems, examples).
    used
        Which of them a problem is fitted on, shape (problems, examples).
    strength
        C, of each problem or of all: the larger, the weaker the penalty.

    Yields
    ------
    Fits
        Of a few places at a time, in their order.
    """
    places, examples, width = inputs.shape
    weight = used * np.broadcast_to(np.asarray(strength, dtype=np.float64), len(labels))[:, None]
    together = max(1, min(HELD // max(1, labels.size), EXAMPLES_HELD // max(1, examples * width)))
    for low in range(0, places, together):
        own = inputs[low : low + together].astype(np.float64)
        mean = own.mean(1, keepdims=True)
        yield _solve(own - mean, mean[:, 0], labels.astype(np.float64), weight)


class _Space:
    """Where weights live: themselves, or coefficients of the examples whose sum they are.

    `image`: products of weights with every example. `pull`: the weights that a sum of examples is. `square`: |w|^2,
    given the image as well.
    """

    def __init__(self, examples: Floats) -> None:
        self.examples = examples
        self.wide = examples.shape[2] > examples.shape[1]
        self._across: Floats = examples @ examples.swapaxes(1, 2) if self.wide else examples.swapaxes(1, 2)

    @property
    def width(self) -> int:
        return int(self.examples.shape[1] if self.wide else self.examples.shape[2])

    def image(self, coefficients: Floats) -> Floats:
        return coefficients @ self._across

    def pull(self, of_examples: Floats) -> Floats:
        return of_examples if self.wide else of_examples @ self.examples

    def square(self, coefficients: Floats, image: Floats) -> Floats:
        found: Floats = np.einsum("pqi,pqi->pq", coefficients, image if self.wide else coefficients)
        return found


def _solve(examples: Floats, mean: Floats, labels: Floats, weight: Floats) -> Fits:
    """Newton's method from zero; steps of problems that are solved are none."""
    space = _Space(examples)
    shape = (len(examples), len(labels))
    coefficients, intercepts = np.zeros((*shape, space.width)), np.zeros(shape)
    margins = np.zeros((*shape, examples.shape[1]))
    signs = 1 - 2 * labels
    start, solved = np.zeros(shape), np.zeros(shape, dtype=bool)
    for step in range(STEPS + 1):
        chance = (1 + np.tanh(margins / 2)) / 2
        pulls = weight * (chance - labels)
        slope, along = coefficients + space.pull(pulls), pulls.sum(2)
        image = space.image(slope)
        size = np.sqrt(np.maximum(space.square(slope, image), 0) + along**2)
        if step == 0:
            start = size
            noise = _ROUNDING * weight.sum(1) * (1 + np.abs(mean).max(1, initial=0)[:, None])
        solved = size <= np.maximum(TOLERANCE * start, noise)
        if solved.all() or step == STEPS:
            break
        curve = weight * chance * (1 - chance)
        enough = np.maximum(size * np.minimum(0.1, size / np.maximum(start, noise)), TOLERANCE / 2 * start)
        goal = np.where(solved, np.inf, enough)
        change, shift, moved = _newton_step(space, curve, slope, along, image, goal)
        # How far along: the whole step, or a half, a quarter, ... until the loss falls as the slope promises.
        straight = np.einsum("pqi,pqi->pq", slope, space.image(change) if space.wide else change) + along * shift
        length = np.where(solved, 0.0, 1.0)
        before = _loss(space, coefficients, margins, signs, weight)
        for _ in range(40):
            tried = coefficients + length[..., None] * change
            after = _loss(space, tried, margins + length[..., None] * moved, signs, weight)
            poor = after > before + 1e-4 * length * straight + 1e-12 * np.abs(before)
            if not poor.any():
                break
            length[poor] /= 2
        coefficients = coefficients + length[..., None] * change
        intercepts = intercepts + length * shift
        margins = space.image(coefficients) + intercepts[..., None]
    return Fits(margins, intercepts, solved, coefficients, examples, mean)


def _newton_step(
    space: _Space, curve: Floats, slope: Floats, along: Floats, image: Floats, goal: Floats
) -> tuple[Floats, Floats, Floats]:
    """Solve (1 + X' curve X) s = -slope, intercept included, until what is left is smaller than `goal`.

    Gives the step of the coefficients, of the intercept, and of the margins.
    """
    left, left_along, left_image = -slope, -along, -image
    change, shift = np.zeros_like(slope), np.zeros_like(along)
    moved = np.zeros_like(image)
    direction, turn, seen = left, left_along, left_image
    square = np.maximum(space.square(left, left_image), 0) + left_along**2
    for _ in range(INNER_STEPS):
        going = square > goal**2
        if not going.any():
            break
        weighted = curve * (seen + turn[..., None])
        bent = np.einsum("pqi,pqi->pq", weighted, seen + turn[..., None])
        bent += np.maximum(space.square(direction, seen), 0)
        far = np.where(going, square / np.where(bent > 0, bent, 1), 0.0)
        change = change + far[..., None] * direction
        shift = shift + far * turn
        moved = moved + far[..., None] * (seen + turn[..., None])
        left = left - far[..., None] * (direction + space.pull(weighted))
        left_along = left_along - far * weighted.sum(2)
        left_image = space.image(left)
        again = np.maximum(space.square(left, left_image), 0) + left_along**2
        keep = np.where(going, again / np.where(square > 0, square, 1), 0.0)
        direction = left + keep[..., None] * direction
        turn = left_along + keep * turn
        seen = left_image + keep[..., None] * seen
        square = again
    return change, shift, moved


def _loss(space: _Space, coefficients: Floats, margins: Floats, signs: Floats, weight: Floats) -> Floats:
    """What is minimised, shape (places, problems)."""
    image = space.image(coefficients) if space.wide else margins
    result: Floats = space.square(coefficients, image) / 2 + (weight * np.logaddexp(0, signs * margins)).sum(2)
    return result
