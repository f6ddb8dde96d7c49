"""Gradients of single documents, of each replica by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from sayso.core.learner import GradientProducts, StepEffects
from sayso.core.shares import OnShare
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document
from sayso.learners.gradients.contraction import contraction
from sayso.learners.gradients.pairs import Asked, room
from sayso.learners.gradients.side_by_side import side_by_side
from sayso.learners.gradients.steps import step_effects
from sayso.learners.optim import make_optimizer
from sayso.learners.stacked.batching import Tokens
from sayso.learners.stacked.replicas import Replicas, State


def products_of(
    models: Replicas,
    replica: int,
    asked: Asked,
    documents: Sequence[Document],
    *,
    by_layer: bool,
    way: Literal["side by side", "contracted"],
    held: int | None,
    most: int | None,
    on_share: OnShare,
) -> GradientProducts:
    """Compare the gradients of one replica; `documents` are those asked about, encoded for training."""
    weights = models.weights_of(replica)
    numbers = room(next(iter(weights.values())).device, held)
    if way == "contracted":
        return asked.answered(
            contraction(_losses_of(models, replica, documents, lambda: weights), weights, numbers, most),
            by_layer=by_layer,
            on_share=on_share,
        )
    kinds = [_kind_of(item) for item in documents]
    return asked.answered(
        side_by_side(_gradients_of(models, replica, documents), kinds, weights, numbers, most),
        by_layer=by_layer,
        on_share=on_share,
    )


def effects_of(
    models: Replicas,
    replica: int,
    documents: Sequence[Document],
    updates: Sequence[tuple[int, Sequence[int]]],
    train: TrainSpec,
    on_share: OnShare,
) -> StepEffects:
    """Try updates on a copy of one replica, which takes the steps that it would take beside the others."""
    own = {
        name: tensor[replica : replica + 1].detach().clone().requires_grad_()
        for name, tensor in models.parameters.items()
    }
    return step_effects(
        _losses_of(models, replica, documents, lambda: {name: tensor[0] for name, tensor in own.items()}),
        updates,
        own,
        lambda: make_optimizer(own, models.embedding, train, stacked=True),
        train,
        stacked=True,
        on_share=on_share,
    )


def _kind_of(item: Document) -> tuple[int, int, int]:
    """Documents of which kind may be read together: lengths, and which tokens count."""
    return len(item.ids), len(item.context), item.first


def _losses_of(
    models: Replicas, replica: int, documents: Sequence[Document], weights: Callable[[], State]
) -> Callable[[int], Tensor]:
    """What makes the mean loss of a document of one replica, with weights that `weights` gives."""
    device = next(iter(models.parameters.values())).device

    def loss(row: int) -> Tensor:
        item = documents[row]
        ids, context = (torch.as_tensor(part, device=device) for part in (item.ids, item.context))
        return _loss(models, replica, item.first, weights(), ids, context)

    return loss


def _gradients_of(
    models: Replicas, replica: int, documents: Sequence[Document]
) -> Callable[[Sequence[int]], Mapping[str, Tensor]]:
    """What makes the gradients of documents of one kind, each its own, of one replica."""
    weights = {name: tensor.detach() for name, tensor in models.weights_of(replica).items()}
    device = next(iter(weights.values())).device

    def gradients(rows: Sequence[int]) -> Mapping[str, Tensor]:
        own = [documents[row] for row in rows]

        def loss(weights: State, ids: Tensor, context: Tensor) -> Tensor:
            return _loss(models, replica, own[0].first, weights, ids, context)

        parts = [np.stack([getattr(item, name) for item in own]) for name in ("ids", "context")]
        ids, context = (torch.as_tensor(part, device=device) for part in parts)
        found: Mapping[str, Tensor] = vmap(grad(loss), in_dims=(None, 0, 0))(weights, ids, context)
        return found

    return gradients


def _loss(models: Replicas, replica: int, first: int, weights: State, ids: Tensor, context: Tensor) -> Tensor:
    """The mean loss of one document from its `first` counted token on."""
    logits = models.logits_of(replica, Tokens(ids[None, :-1], context[None]), weights)[0, first - 1 :]
    return torch.nn.functional.cross_entropy(logits, ids[first:])
