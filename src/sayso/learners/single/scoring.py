"""Losses, exact match and answers of one model, in float32 or, where that changes no answer, in bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sayso.core.examples import Example
from sayso.learners.encoding import Document
from sayso.learners.memory import Fitting
from sayso.learners.single.generation import Said
from sayso.learners.single.greedy import Begun, continue_greedily
from sayso.learners.single.grouping import Group
from sayso.learners.single.matching import Answers, matches
from sayso.learners.single.near_ties import Find, Found, MayChange, Near, alternatives, found_exactly
from sayso.learners.single.reader import Reader

Documents = Sequence[Document]

T = TypeVar("T")


class Scorer:
    """What is asked of a reader in evaluation. `fitting`: how many documents are read at a time.

    `weights` gives what is another one when the model's weights have changed.
    `exactly`: how many of the texts asked about last were read in float32, whether in bfloat16 as well or not.
    """

    def __init__(
        self, reader: Reader, answers: Answers, fitting: Fitting, weights: Callable[[], object] = lambda: None
    ) -> None:
        self._reader, self._answers, self._fitting = reader, answers, fitting
        self._near, self._weights = Near(), weights
        self.exactly = 0
        self._plans: dict[tuple[object, ...], tuple[Documents, list[list[Group]]]] = {}

    def scores(
        self, examples: Sequence[Example], documents: Documents, *, half: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Losses and matches of examples, which are these documents, both of shape (examples,).

        `half`: in bfloat16, but for examples whose match hangs on a near tie. A wrong answer does not where it would
        be as wrong with each of the tokens that are nearly as likely. These documents' groups are kept for the next
        time, and so are they.
        """

        def find(rows: Sequence[int], half: bool) -> list[Found[tuple[float, bool]]]:
            own = documents if len(rows) == len(documents) else [documents[row] for row in rows]
            return self.found([examples[row] for row in rows], own, half=half, keep=own is documents)

        def may_change(row: int, found: Found[tuple[float, bool]], bound: float) -> bool:
            others = alternatives(found.said, bound)
            if others is None or found.value[1]:
                return others != []
            return any(each is not False for each in self._answers.settled([examples[row]] * len(others), others))

        def merged(rough: tuple[float, bool], exact: tuple[float, bool]) -> tuple[float, bool]:
            return rough[0], exact[1]  # losses do not depend on what else was asked

        found = self._found(find, len(documents), may_change, half=half, merged=merged)
        return np.array([loss for loss, _ in found], dtype=float), np.array([match for _, match in found], dtype=bool)

    def found(
        self, examples: Sequence[Example], documents: Documents, *, half: bool, keep: bool = False
    ) -> list[Found[tuple[float, bool]]]:
        """Loss and match of each example in bfloat16 or float32. `keep`: the groups for the next time."""
        loss = [0.0] * len(documents)
        said = [Said([], [])] * len(documents)

        def score(most: int | None) -> None:
            for parts in self._plan(documents, most, half=half, keep=keep):
                found = self._reader.completions(documents, parts)
                for row, own, tokens in zip(found.rows, found.loss.tolist(), found.said, strict=True):
                    loss[row], said[row] = own, tokens

        with self._in_precision(half):
            self._fitting.run(score, len(documents))
            match, decided = matches(examples, documents, said, self._answers, self._reader, self._fitting)
        return [Found((own, right), what) for own, right, what in zip(loss, match.tolist(), decided, strict=True)]

    def losses(self, documents: Documents, *, half: bool, share: bool) -> NDArray[np.float64]:
        """Mean losses of completions in nats a token, shape (documents,).

        `share`: beginnings that documents have in common are read once, where the model can.
        """
        loss = np.zeros(len(documents))

        def score(most: int | None) -> None:
            counts = [len(item.ids) - item.start for item in documents]
            for parts in self._reader.plan(documents, counts, most, share=share and self._reader.shares, half=half):
                found = self._reader.completions(documents, parts)
                loss[found.rows] = found.loss

        with self._in_precision(half):
            self._fitting.run(score, len(documents))
        return loss

    def answers(self, texts: Sequence[Begun], *, half: bool) -> list[str]:
        """Greedy answers to texts. `half`: in bfloat16, but for those that hang on a near tie."""

        def done(_rows: Sequence[int], said: Sequence[list[int]]) -> list[bool]:
            return self._answers.finished(said)

        def find(rows: Sequence[int], half: bool) -> list[Found[str]]:
            own = [texts[row] for row in rows]
            with self._in_precision(half):
                said = self._fitting.run(lambda most: continue_greedily(self._reader, own, done, most), len(own))
            found = self._answers.answers([each.tokens for each in said])
            return [Found(*pair) for pair in zip(found, said, strict=True)]

        def may_change(_row: int, found: Found[str], bound: float) -> bool:
            return alternatives(found.said, bound) != []

        return self._found(find, len(texts), may_change, half=half) if texts else []

    def _found(
        self,
        find: Find[T],
        count: int,
        may_change: MayChange[T],
        *,
        half: bool,
        merged: Callable[[T, T], T] = lambda _rough, exact: exact,
    ) -> list[T]:
        if half and count:
            found, self.exactly = found_exactly(find, count, may_change, self._near, self._weights(), merged)
            return found
        self.exactly = count
        return [each.value for each in find(range(count), False)]

    def _in_precision(self, half: bool) -> torch.autocast:
        return torch.autocast(self._reader.device.type, dtype=torch.bfloat16, enabled=half)

    def _plan(self, documents: Documents, most: int | None, *, half: bool, keep: bool) -> list[list[Group]]:
        """Bundles of documents, made once for documents that are scored again and again.

        Documents are kept, so their ids stay theirs.
        """
        key = (*map(id, documents), most, half)
        if key in self._plans:
            return self._plans[key][1]
        counts = [len(item.ids) - item.start for item in documents]
        made = self._reader.plan(documents, counts, most, share=self._reader.shares, half=half)
        if keep:
            self._plans[key] = (tuple(documents), made)
        return made
