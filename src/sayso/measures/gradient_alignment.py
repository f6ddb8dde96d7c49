"""Gradient alignment: whether an update on a definition points where its questions point (section 5.1, appendix F).

Records of a subset's definitions, told apart by their evaluation set and `what`:

    own_questions             pairs of a definition and a question about the same alias     cosine, inner product,
    other_questions           pairs with questions about other aliases of the subset        squared distance
    own_less_other_questions  the difference of the two, definition by definition           (and by layer:
    questions_of.D6cons       pairs with all questions about aliases of another subset      "cosine, layer 2")
    definitions, questions    norms of their gradients: "L1 norm", "L2 norm", "Linf norm"
    documents                 "covariance trace" of both together
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from sayso.core.learner import GradientPairs, GradientProducts, Need, Norms
from sayso.core.measure import Measure, Moment, Score, When
from sayso.measures import alignment
from sayso.measures.alignment import COSINE, DISTANCE, INNER_PRODUCT, Floats, Mask
from sayso.measures.told import QUESTIONS, Told, own_questions, require_defined, require_questions, told

OWN, OTHER, CONTRAST = "own_questions", "other_questions", "own_less_other_questions"
_NORMS = {"L1 norm": "l1", "L2 norm": "l2", "Linf norm": "linf"}


class GradientAlignment(Measure):
    """Whether an update on a definition points where its questions point (section 5.1, appendix F of the paper).

    Gradients of definitions are compared with those of questions, of the weights as they are at that moment. Numbers
    are told apart by their evaluation set and `Score.what` (``cosine``, ``inner product``, ``squared distance``; with
    `by_layer` ``cosine, layer 2`` and so on):

    - ``own_questions``: pairs of a definition and a question about the same alias;
    - ``other_questions``: pairs with questions about other aliases of the subset;
    - ``own_less_other_questions``: the difference of the two, definition by definition;
    - ``questions_of.D6cons``: pairs with all questions about aliases of another subset;
    - ``definitions``, ``questions``: norms of their gradients (``L1 norm``, ``L2 norm``, ``Linf norm``);
    - ``documents``: ``covariance trace`` of both together.

    Details are a row a definition: its means, and with `all_pairs` its mean cosine with each alias's questions.

    Parameters
    ----------
    subsets
        Whose definitions.
    questions
        The evaluation sets that hold their questions.
    most
        So many definitions of each subset at the most; None for all.
    all_pairs
        Every definition with every question of all the subsets, and not with its own alone as in the paper.
    by_layer
        What each layer adds, too.
    """

    name: ClassVar[str] = "gradient_alignment"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})
    significant: ClassVar[bool] = True
    when: When | tuple[When, ...] = "stage"
    subsets: tuple[str, ...] = ("D5cons", "D6cons")
    questions: tuple[str, ...] = QUESTIONS
    most: int | None = Field(default=None, ge=1)
    all_pairs: bool = False
    by_layer: bool = False

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:
        """See `Measure.check`."""
        require_defined(self.name, self.subsets, subsets, defined)

    def rehearse(self, moment: Moment) -> None:
        """See `Measure.rehearse`."""
        require_questions(moment, self.subsets, self.questions)

    def covers(self, subset: str, eval_set: str) -> bool:
        """See `Measure.covers`."""
        return subset in self.subsets and (self.all_pairs or eval_set not in (OTHER, CONTRAST))

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the metrics of each replica and subset; NaN where there is no pair."""
        for replica, pairs in enumerate(self._taken(moment, eval_sets)):
            for subset in pairs.subsets:
                for eval_set, what, value, n in pairs.scores(subset):
                    yield Score(replica, eval_set, subset, value, n, what)

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give a row for each definition and replica."""
        for replica, pairs in enumerate(self._taken(moment, eval_sets)):
            for row in pairs.rows():
                yield replica, row

    def _taken(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> list[Pairs]:
        """Gradients compared, of every replica; once a moment."""
        measured = {subset for _, subset in eval_sets}
        chosen = [subset for subset in self.subsets if subset in measured]
        if not chosen:  # before stage 1
            return []

        def compare() -> list[Pairs]:
            items = [
                {subset: told(moment, replica, subset, self.questions, self.most) for subset in chosen}
                for replica in range(len(moment.corpora))
            ]
            asked = [self._groups(own) for own in items]
            found = moment.learner.gradient_products(
                asked, moment.train, by_layer=self.by_layer, on_share=moment.on_share
            )
            return [Pairs(own, given) for own, given in zip(items, found, strict=True)]

        return moment.once((self.canonical_json(), tuple(chosen)), compare)

    def _groups(self, items: Mapping[str, Sequence[Told]]) -> list[GradientPairs]:
        """What the learner is asked: each subset by itself, with matching pairs; or all together, with all of them."""
        each = [_asked(own, none=self.all_pairs) for own in items.values()]
        if not self.all_pairs:
            return each
        rows, columns = [pair.rows for pair in each], [pair.columns for pair in each]
        return [*each, GradientPairs(list(itertools.chain(*rows)), list(itertools.chain(*columns)), norms=False)]


def _asked(items: Sequence[Told], *, none: bool) -> GradientPairs:
    """A subset's own pairs, or none: then norms and sums alone are wanted."""
    rows = [item.definition for item in items]
    columns = [question for item in items for question in item.questions]
    own = own_questions(items)
    return GradientPairs(rows, columns, np.zeros_like(own) if none else own)


class Pairs:
    """The gradients of one replica, compared; numbers of one subset are taken from them.

    `found`: what the learner gave of each subset and, where all pairs were asked for, of all together.
    """

    def __init__(self, items: Mapping[str, Sequence[Told]], found: Sequence[GradientProducts]) -> None:
        self.subsets = list(items)
        self._items = items
        self._each = dict(zip(items, found, strict=False))
        self._together: GradientProducts | None = None
        if len(found) > len(items):
            rows, columns = _joined([each.rows for each in found[:-1]]), _joined([each.columns for each in found[:-1]])
            self._together = replace(found[-1], rows=rows, columns=columns)
        everything = [item for own in items.values() for item in own]
        self._own_of_all = own_questions(everything)
        self._aliases = [item.definition.alias for item in everything]
        self._rows = _places([len(own) for own in items.values()])
        self._columns = _places([sum(len(item.questions) for item in own) for own in items.values()])

    def scores(self, subset: str) -> Iterator[tuple[str, str, float, int]]:
        """Evaluation set, `what`, value and number of pairs or documents of all numbers of a subset."""
        for what, values in self._values(subset).items():
            for eval_set, mean, n in self._means(subset, values):
                yield eval_set, what, mean, n
        found = self._each[subset]
        for what, field in _NORMS.items():
            for eval_set, norms in (("definitions", found.rows), ("questions", found.columns)):
                own: Floats = getattr(norms, field)
                yield eval_set, what, alignment.mean(own), len(own)
        squares = np.concatenate([found.rows.l2, found.columns.l2]) ** 2
        yield "documents", "covariance trace", alignment.covariance_trace(squares, found.sum_squared), len(squares)

    def _values(self, subset: str) -> dict[str, Floats]:
        """All metrics of a subset's definitions: with its questions, or with those of all subsets."""
        found, rows = self._each[subset], slice(None)
        if self._together is not None:
            found, rows = self._together, self._rows[self.subsets.index(subset)]
        parts = {
            f"{metric}, {layer}": values
            for layer, part in alignment.by_layer(found).items()
            for metric, values in part.items()
        }
        return {what: values[rows] for what, values in (alignment.metrics(found) | parts).items()}

    def _own(self, subset: str) -> Mask:
        """Which of the questions in `_values` are about which definition's alias."""
        if self._together is None:
            return own_questions(self._items[subset])
        rows: Mask = self._own_of_all[self._rows[self.subsets.index(subset)]]
        return rows

    def _means(self, subset: str, values: Floats) -> Iterator[tuple[str, float, int]]:
        own = self._own(subset)
        to_own = alignment.mean_of_rows(values, own)
        yield OWN, alignment.mean(to_own), int(own.sum())
        if self._together is None:
            return
        for name, columns in zip(self.subsets, self._columns, strict=True):
            inside = np.zeros_like(own)
            inside[:, columns] = True
            if name == subset:
                other = inside & ~own
                to_other = alignment.mean_of_rows(values, other)
                yield OTHER, alignment.mean(to_other), int(other.sum())
                yield CONTRAST, alignment.mean(to_own - to_other), len(to_own)
            else:
                yield f"questions_of.{name}", alignment.mean(values[inside]), int(inside.sum())

    def rows(self) -> Iterator[dict[str, Any]]:
        """What is kept of each definition."""
        for subset in self.subsets:
            values, own = self._values(subset), self._own(subset)
            values = {what: values[what] for what in (COSINE, INNER_PRODUCT, DISTANCE)}
            for row, item in enumerate(self._items[subset]):
                kept: dict[str, Any] = {
                    "subset": subset,
                    "alias": item.definition.alias,
                    "entity": item.definition.entity,
                    "definition": item.definition.text,
                    "L2 norm": alignment.rounded(float(self._each[subset].rows.l2[row])),
                    **{what: alignment.rounded(alignment.mean(value[row, own[row]])) for what, value in values.items()},
                }
                if self._together is not None:
                    cosines = values[COSINE][row]
                    kept["cosine with the questions of"] = {
                        alias: alignment.rounded(alignment.mean(cosines[about]))
                        for alias, about in zip(self._aliases, self._own_of_all, strict=True)
                    }
                yield kept


def _joined(parts: Sequence[Norms]) -> Norms:
    """Norms of several groups of documents, one after the other."""
    return Norms(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("l1", "l2", "linf")))


def _places(sizes: Sequence[int]) -> list[slice]:
    """Where each of several groups is, one after the other."""
    ends = list(itertools.accumulate(sizes))
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
