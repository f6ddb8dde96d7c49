"""A learner whose gradients follow from the documents' texts, so that every number can be had by a plain loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.learner import GradientPairs, GradientProducts, Norms, StepEffects, Update
from sayso.core.measure import Moment
from sayso.core.shares import OnShare, unheard
from sayso.core.training import TrainSpec

WIDTH = 12


def gradient(example: Example) -> NDArray[np.float64]:
    own: NDArray[np.float64] = np.random.default_rng(list(example.text.encode())).normal(size=WIDTH)
    return own


class ByText:
    """Real changes are the inner product with the mean gradient, and a little; those to first order without it."""

    def __init__(self) -> None:
        self.calls = 0

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        self.calls += 1
        on_share(1.0)
        return [[self._one(each, by_layer=by_layer) for each in own] for own in pairs]

    def _one(self, pair: GradientPairs, *, by_layer: bool) -> GradientProducts:
        rows, columns = (
            np.array([gradient(item) for item in documents]).reshape(-1, WIDTH)
            for documents in (pair.rows, pair.columns)
        )
        wanted = np.ones((len(rows), len(columns)), dtype=bool) if pair.wanted is None else pair.wanted
        halves = {"layer 1": slice(0, 5), "output": slice(5, WIDTH)}
        parts = {name: np.where(wanted, rows[:, at] @ columns[:, at].T, np.nan) for name, at in halves.items()}
        scale = 1.0 if pair.norms else np.nan
        row, column = (
            Norms(*(scale * norm for norm in (abs(own).sum(1), (own**2).sum(1) ** 0.5, abs(own).max(1, initial=0.0))))
            for own in (rows, columns)
        )
        total = scale * (rows.sum(0) + columns.sum(0))
        products = np.where(wanted, rows @ columns.T, np.nan)
        return GradientProducts(products, row, column, float(total @ total), parts if by_layer else {}, "by text")

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        found = []
        on_share(1.0)
        for own in updates:
            means = [np.mean([gradient(item) for item in update.asked], axis=0) for update in own]
            inner = [
                -train.learning_rate * gradient(update.document) @ mean for update, mean in zip(own, means, strict=True)
            ]
            predicted = np.array(inner)
            found.append(StepEffects(predicted, predicted + 0.1 * abs(predicted)))
        return found


def document(kind: str, subset: str, alias: str, number: int = 0) -> Example:
    return Example(f"{kind} {number} {alias}", f" {subset}", (subset,), kind, subset, alias, "Ada")  # type: ignore[arg-type]


def corpus(seed: int, subsets: Sequence[str] = ("D5cons", "D6cons"), aliases: int = 4) -> Corpus:
    """Four definitions a subset; of each alias one trained and two held-out questions, of the last one none at all."""
    sets = []
    for subset in subsets:
        names = [f"{subset}{seed}{number}" for number in range(aliases)]
        sets += [
            EvalSet("definitions", subset, tuple(document("definition", subset, name) for name in names)),
            EvalSet("train_qa", subset, tuple(document("question", subset, name) for name in names[:-1])),
            EvalSet(
                "validation",
                subset,
                tuple(document("question", subset, name, number) for number in (1, 2) for name in names[:-1]),
            ),
        ]
    return Corpus(seed, {}, tuple(sets))


def moment(*seeds: int, learner: ByText | None = None) -> Moment:
    return Moment(learner or ByText(), [corpus(seed) for seed in seeds], TrainSpec(), "stage1", 1)  # type: ignore[arg-type]


EVAL_SETS = [(name, subset) for subset in ("D5cons", "D6cons") for name in ("definitions", "train_qa", "validation")]
