"""Gradients of single documents, of one big model: as factors, where these are proven to give the same products."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sayso.core.learner import GradientProducts
from sayso.core.shares import OnShare
from sayso.learners.encoding import Document
from sayso.learners.gradients.contraction import contraction
from sayso.learners.gradients.ghost import Ghost, Texts
from sayso.learners.gradients.pairs import Asked, compared, room
from sayso.learners.gradients.uses import Listeners, UnknownWeightsError
from sayso.learners.single.grouping import Group
from sayso.learners.single.reader import Reader

#: How far products may be from those of gradients that are made one by one, relative to the gradients' norms.
_SAME = 1e-4

log = logging.getLogger("sayso")


class Gradients:
    """The gradients of one model by its trained `parameters`.

    `short`: three short documents that factors are proven on, of which the first and the last are of one length.
    """

    def __init__(
        self, model: Any, name: str, reader: Reader, parameters: Mapping[str, Tensor], short: Sequence[Document]
    ) -> None:
        self._model, self._name, self._reader, self._parameters = model, name, reader, parameters
        self._short = short
        self._proven: tuple[Listeners, bool] | None = None
        self._tried = False

    def products(
        self,
        asked: Asked,
        documents: Sequence[Document],
        *,
        by_layer: bool,
        way: Literal["ghost", "contracted"],
        held: int | None,
        most: int | None,
        on_share: OnShare,
    ) -> GradientProducts:
        """Compare gradients; `documents` are those asked about, encoded for training."""
        numbers = room(self._reader.device, held)
        ghosts = None if way == "contracted" else self._ghosts()
        if ghosts is None:
            loss = self.losses(documents)
            plain = contraction(loss, self._parameters, numbers, most)
            return asked.answered(plain, by_layer=by_layer, on_share=on_share)
        listeners, company = ghosts
        texts = self._texts(documents)
        ghost = Ghost(texts, listeners, self._parameters, numbers, most, company=company)
        return asked.answered(ghost, by_layer=by_layer, on_share=on_share)

    def losses(self, documents: Sequence[Document]) -> Callable[[int], Tensor]:
        """What makes the mean loss of a document."""
        return lambda row: self._reader.loss([documents[row]], [Group((0,))]) / documents[row].counted

    def _texts(self, documents: Sequence[Document]) -> Texts:
        def losses(rows: Sequence[int]) -> Tensor:
            group = Group(tuple(range(len(rows))))
            return self._reader.loss([documents[row] for row in rows], [group]) / documents[rows[0]].counted

        kinds = [(len(item.context), len(item.ids), item.first, item.real) for item in documents]
        return Texts(losses, kinds, [len(item.context) + len(item.ids) for item in documents])

    def _ghosts(self) -> tuple[Listeners, bool] | None:
        """Who listens to the model's layers, and whether documents may be read together; None where it cannot be so.

        It is tried once, and said where it cannot.
        """
        if self._tried:
            return self._proven
        self._tried, said = True, []
        for company in (True, False):  # where layers' tokens are not told apart by document, it shows
            try:
                self._proven = self._prove(company=company), company
                return self._proven
            except torch.OutOfMemoryError:
                self._tried = False
                raise
            except Exception as error:  # foreign code, listened to, can raise anything
                said.append(" ".join(str(error).split())[:200] or type(error).__name__)
        log.warning("model %s: its gradients are made one by one, for %s", self._name, said[-1])
        return None

    def _prove(self, *, company: bool) -> Listeners:
        """Compare factors' products with those of gradients.

        Raises
        ------
        UnknownWeightsError
            If they differ, or some weights are not known well enough to try.
        """
        listeners, numbers = Listeners(self._model, self._parameters), room(self._reader.device, None)
        every = np.arange(len(self._short))
        wanted = np.ones((len(every), len(every)), dtype=np.bool_)
        ghost = Ghost(self._texts(self._short), listeners, self._parameters, numbers, company=company)
        found = compared(ghost, len(every), every, every, wanted, by_layer=False, norms=False).products
        plain = contraction(self.losses(self._short), self._parameters, numbers)
        right = compared(plain, len(every), every, every, wanted, by_layer=False, norms=False).products
        size = np.sqrt(np.outer(np.diag(right), np.diag(right)))
        if not (abs(found - right) <= _SAME * size).all():
            off = 100 * float(np.nanmax(abs(found - right) / size))
            raise UnknownWeightsError(f"products of what its layers are given and give back are off by {off:.2g}%")
        return listeners
