"""How trust follows reliability: which shape fits best, and what a rational reader would believe.

A reader who has met n definitions of a source with the answers beside, of which k were right, and who begins with
no opinion, expects the next one to be right with probability (k + 1) / (n + 2). Belief as a share should then lie on a
straight line in that probability, and belief in log-odds on one in its log-odds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sayso.stats.comparisons import LEAST_SEEDS, Floats, Interval, mean_interval


@dataclass(frozen=True)
class Shape:
    """A curve through the means of sources, in their order.

    `fitted`: its values, shape (sources,). `error`: root mean square distance, in the measure's unit, of a seed's
    values from the curve that was fitted to the other seeds, but for how high the whole curve lies. `excess`: how much
    larger its mean square distance is than that of the best shape, with its 95% interval over seeds.
    """

    name: str
    fitted: Floats
    error: float
    excess: Interval


def rational(reliability: ArrayLike, met: ArrayLike) -> Floats:
    """The probability with which a rational reader expects the next definition to be right, shape (sources,).

    Parameters
    ----------
    reliability
        In which share of definitions each source was right.
    met
        How many definitions of each were met with answers.

    Examples
    --------
    >>> rational([0.0, 1.0], [8, 8]).tolist()
    [0.1, 0.9]
    """
    right, number = np.asarray(reliability, dtype=float), np.asarray(met, dtype=float)
    found: Floats = (right * number + 1) / (number + 2)
    return found


def shapes(reliability: ArrayLike, met: ArrayLike, values: ArrayLike) -> list[Shape]:
    """Fit a flat line, a straight one, a threshold and a rational reader's log-odds; the best comes first.

    Each is fitted to the mean of all seeds but one and compared with that one, so that a shape gains nothing by what it
    can fit to chance. A threshold is a step between the two neighbours where it fits best.

    Parameters
    ----------
    reliability, met
        As `rational` takes them; reliabilities differ.
    values
        How much each source is believed, shape (seeds, sources), without gaps.

    Raises
    ------
    ValueError
        If there are fewer than three seeds or sources, or two sources of one reliability.
    """
    right, found = np.asarray(reliability, dtype=float), np.asarray(values, dtype=float)
    if len(found) < LEAST_SEEDS or len(right) < 3 or len(set(right.tolist())) < len(right):
        raise ValueError(
            f"{len(found)} seeds of {len(set(right.tolist()))} different reliabilities; at least {LEAST_SEEDS} and 3"
        )
    expected = rational(right, met)
    fits: dict[str, Callable[[Floats], Floats]] = {
        "flat": lambda mean: np.full(len(mean), mean.mean()),
        "linear": lambda mean: _line(right, mean),
        "threshold": lambda mean: _step(right, mean),
        "log-odds": lambda mean: _line(np.log(expected / (1 - expected)), mean),
    }
    apart = {name: _distances(fit, found) for name, fit in fits.items()}
    best = min(apart, key=lambda name: float(apart[name].mean()))
    order = sorted(fits, key=lambda name: float(apart[name].mean()))
    return [
        Shape(
            name,
            fits[name](found.mean(axis=0)),
            float(np.sqrt(apart[name].mean())),
            mean_interval(apart[name] - apart[best]),
        )
        for name in order
    ]


def normalised(reliability: ArrayLike, values: ArrayLike, *, draws: int = 2000) -> list[Interval]:
    """How much each source is believed where the least reliable one is 0 and the most reliable one 1, on average.

    Intervals hold 95% of draws of seeds with replacement. Where the two ends are not apart, they are wide.

    Parameters
    ----------
    reliability, values
        As `shapes` takes them.
    """
    right, found = np.asarray(reliability, dtype=float), np.asarray(values, dtype=float)
    low, high = int(right.argmin()), int(right.argmax())

    def scaled(mean: Floats) -> Floats:
        return (mean - mean[..., [low]]) / (mean[..., [high]] - mean[..., [low]])

    generator = np.random.default_rng(0)
    drawn = scaled(found[generator.integers(len(found), size=(draws, len(found)))].mean(axis=1))
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [
        Interval(float(mean), float(least), float(most), len(found))
        for mean, least, most in zip(scaled(found.mean(axis=0)), *ends, strict=True)
    ]


def _line(at: Floats, mean: Floats) -> Floats:
    apart = at - at.mean()
    fitted: Floats = mean.mean() + apart * (apart @ mean) / (apart @ apart)
    return fitted


def _step(at: Floats, mean: Floats) -> Floats:
    order = np.argsort(at)
    found: list[Floats] = []
    for place in range(1, len(at)):
        fitted = np.empty(len(at))
        for part in (order[:place], order[place:]):
            fitted[part] = mean[part].mean()
        found.append(fitted)
    return min(found, key=lambda fitted: float(((fitted - mean) ** 2).sum()))


def _distances(fit: Callable[[Floats], Floats], values: Floats) -> Floats:
    """Mean square distance of each seed from the fit to the others, both less their means; shape (seeds,)."""
    total = values.sum(axis=0)
    others = np.stack([fit((total - own) / (len(values) - 1)) for own in values])
    centred = [each - each.mean(axis=1, keepdims=True) for each in (values, others)]
    found: Floats = ((centred[0] - centred[1]) ** 2).mean(axis=1)
    return found
