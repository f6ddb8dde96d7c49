"""What an update on a definition does to the questions about its alias, and what tells it beforehand.

Gradient alignment is a proxy for it. Here one step of the run's own optimizer is taken on a definition alone, and the
loss of its questions is measured before and after. Beside the real change stands the change to first order, which is
the inner product under the optimizer's preconditioner, times the learning rate; and for each of the cosine, the inner
product and the first order, its rank correlation over definitions with the fall of the loss.

Records, all on ``own_questions``: of each subset "real change" and "first-order change" of the mean loss of a
definition's questions (nats per token, means over definitions), and the three rank correlations; of all chosen subsets
taken together (``D5cons+D6cons``) the rank correlations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from sayso.core.learner import GradientPairs, GradientProducts, Need, StepEffects, Update
from sayso.core.measure import Measure, Moment, Score, When
from sayso.core.shares import part_of
from sayso.measures import alignment
from sayso.measures.alignment import COSINE, INNER_PRODUCT, Floats
from sayso.measures.told import QUESTIONS, Told, own_questions, require_defined, require_questions, told

REAL, FIRST_ORDER = "real change", "first-order change"
#: What may tell the fall of the loss; the first order foretells a change, so that its fall is the negative of it.
PREDICTORS = (COSINE, INNER_PRODUCT, FIRST_ORDER)
_EVAL_SET = "own_questions"


def correlation_of(predictor: str) -> str:
    """The `what` of a predictor's rank correlation with the fall of the loss."""
    return f"rank correlation of {predictor}"


class StepEffect(Measure):
    """What one step of the optimizer on a definition does to the loss of the questions about its alias.

    An optimizer is fresh, as at the start of a stage; its settings are those of the stage measured in. Weights are put
    back after each step, to the bit. Numbers (`Score.what`) are on ``own_questions``:

    - ``real change`` and ``first-order change`` of the mean loss of a definition's questions, in nats per token, means
      over definitions;
    - ``rank correlation of cosine``, ``of inner product`` and ``of first-order change`` with the fall of the loss, over
      definitions, of each subset and of all together (``D5cons+D6cons``).

    Details are a row a definition.

    Parameters
    ----------
    subsets
        Whose definitions.
    questions
        The evaluation sets that hold their questions.
    most
        So many definitions of each subset at the most; None for all.
    """

    name: ClassVar[str] = "step_effect"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})
    significant: ClassVar[bool] = True
    when: When | tuple[When, ...] = "stage"
    subsets: tuple[str, ...] = ("D5cons", "D6cons")
    questions: tuple[str, ...] = QUESTIONS
    most: int | None = Field(default=None, ge=1)

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:
        """See `Measure.check`."""
        require_defined(self.name, self.subsets, subsets, defined)

    def rehearse(self, moment: Moment) -> None:
        """See `Measure.rehearse`."""
        require_questions(moment, self.subsets, self.questions)

    def covers(self, subset: str, eval_set: str) -> bool:
        """See `Measure.covers`."""
        return eval_set == _EVAL_SET and subset in (*self.subsets, "+".join(self.subsets))

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give changes and rank correlations of each replica; NaN where there are too few definitions."""
        for replica, effects in enumerate(self._taken(moment, eval_sets)):
            for subset, found in effects.items():
                for what in (REAL, FIRST_ORDER):
                    values = found.values[what]
                    yield Score(replica, _EVAL_SET, subset, alignment.mean(values), len(values), what)
            groups = {subset: [found] for subset, found in effects.items()}
            if len(effects) > 1:
                groups["+".join(effects)] = list(effects.values())
            for subset, each in groups.items():
                joined = {what: np.concatenate([one.values[what] for one in each]) for what in each[0].values}
                for what in PREDICTORS:
                    sign = -1.0 if what == FIRST_ORDER else 1.0
                    value = alignment.rank_correlation(sign * joined[what], -joined[REAL])
                    yield Score(replica, _EVAL_SET, subset, value, len(joined[REAL]), correlation_of(what))

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give a row for each definition and replica."""
        for replica, effects in enumerate(self._taken(moment, eval_sets)):
            for subset, found in effects.items():
                for row, item in enumerate(found.items):
                    values = {what: alignment.rounded(float(own[row])) for what, own in found.values.items()}
                    definition = item.definition
                    yield (
                        replica,
                        {"subset": subset, "alias": definition.alias, "definition": definition.text, **values},
                    )

    def _taken(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> list[dict[str, _Effects]]:
        """Effects by subset, of every replica; once a moment."""
        measured = {subset for _, subset in eval_sets}
        chosen = [subset for subset in self.subsets if subset in measured]

        def take() -> list[dict[str, _Effects]]:
            items = [
                {subset: told(moment, replica, subset, self.questions, self.most) for subset in chosen}
                for replica in range(len(moment.corpora))
            ]
            flat = [[item for group in own.values() for item in group] for own in items]
            updates = [[Update(item.definition, item.questions) for item in own] for own in flat]
            steps = moment.learner.step_effects(updates, moment.train, on_share=part_of(moment.on_share, 0, 2))
            pairs = [
                [
                    GradientPairs(
                        [item.definition for item in group],
                        [question for item in group for question in item.questions],
                        own_questions(group),
                    )
                    for group in own.values()
                ]
                for own in items
            ]
            products = moment.learner.gradient_products(pairs, moment.train, on_share=part_of(moment.on_share, 1, 2))
            return [_by_subset(*own) for own in zip(items, products, steps, strict=True)]

        return moment.once((self.canonical_json(), tuple(chosen)), take)


@dataclass(frozen=True)
class _Effects:
    """Of one subset of one replica: its definitions, and by name what was found of them, shape (definitions,)."""

    items: Sequence[Told]
    values: Mapping[str, Floats]


def _by_subset(
    items: Mapping[str, Sequence[Told]], products: Sequence[GradientProducts], steps: StepEffects
) -> dict[str, _Effects]:
    effects = {}
    first = 0
    for (subset, group), found in zip(items.items(), products, strict=True):
        metrics, own = alignment.metrics(found), own_questions(group)
        part = slice(first, first := first + len(group))
        values = {what: alignment.mean_of_rows(metrics[what], own) for what in (COSINE, INNER_PRODUCT)}
        effects[subset] = _Effects(group, {**values, FIRST_ORDER: steps.predicted[part], REAL: steps.real[part]})
    return effects
