"""What one step on a document does to the loss of others: to first order, and when it is really taken."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sayso.core.examples import Example
from sayso.core.learner import StepEffects, Update
from sayso.core.shares import OnShare, unheard
from sayso.core.training import TrainSpec
from sayso.learners.device import wide
from sayso.learners.memory import one_line
from sayso.learners.optim import clip_gradients, set_learning_rate, take_step

Loss = Callable[[int], Tensor]

_OUT_OF_MEMORY = "out of memory when a step was tried, which takes a copy of all weights; try lora or a smaller model"


def step_effects(
    loss: Loss,
    updates: Sequence[tuple[int, Sequence[int]]],
    parameters: Mapping[str, Tensor],
    optimizer: Callable[[], torch.optim.Optimizer],
    train: TrainSpec,
    *,
    stacked: bool,
    on_share: OnShare = unheard,
) -> StepEffects:
    """Try updates, each from the same weights.

    Parameters
    ----------
    loss
        Makes the loss of one document, by position, of the weights as they are.
    updates
        The document of each update, and those it is to be felt by. Where there are none, nothing is: NaN.
    parameters
        The leaves that are stepped, and put back.
    optimizer
        Makes a fresh optimizer of them.
    train
        Its settings.
    stacked
        Whether parameters have the replica as their first dimension.
    on_share
        Hears what share of the updates has been tried.
    """
    effects = np.full((2, len(updates)), np.nan)
    with one_line(_OUT_OF_MEMORY), _put_back(parameters) as before:
        for at, (document, asked) in enumerate(updates):
            if asked:
                old, wanted = _mean_loss(loss, asked), _gradient(loss, asked, parameters)
                for tensor, gradient in zip(
                    parameters.values(), _gradient(loss, [document], parameters).values(), strict=True
                ):
                    tensor.grad = gradient
                _take(optimizer(), parameters, train, stacked=stacked)
                effects[:, at] = _moved(parameters, before, wanted), _mean_loss(loss, asked) - old
                _restore(parameters, before)
            on_share((at + 1) / len(updates))
    return StepEffects(*effects)


def numbered(updates: Sequence[Update]) -> tuple[list[Example], list[tuple[int, list[int]]]]:
    """Each document of updates once, and the updates with documents by position."""
    every = [document for update in updates for document in (update.document, *update.asked)]
    number = {document: at for at, document in enumerate(dict.fromkeys(every))}
    return list(number), [(number[own.document], [number[each] for each in own.asked]) for own in updates]


def _take(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], train: TrainSpec, *, stacked: bool
) -> None:
    if train.max_grad_norm is not None:
        clip_gradients(list(parameters.values()), train.max_grad_norm, stacked=stacked)
    set_learning_rate(optimizer, train.learning_rate)
    take_step(optimizer)


def _gradient(loss: Loss, documents: Sequence[int], parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of documents' mean loss."""
    total: dict[str, Tensor] = {}
    for document in documents:
        with torch.enable_grad():
            found = torch.autograd.grad(loss(document), list(parameters.values()), materialize_grads=True)
        for name, gradient in zip(parameters, found, strict=True):
            if name in total:
                total[name].add_(gradient, alpha=1 / len(documents))
            else:
                total[name] = gradient / len(documents)
    return total


@torch.no_grad()
def _mean_loss(loss: Loss, documents: Sequence[int]) -> float:
    return float(np.mean([float(loss(document)) for document in documents]))


@torch.no_grad()
def _moved(parameters: Mapping[str, Tensor], before: Mapping[str, Tensor], gradient: Mapping[str, Tensor]) -> float:
    """The step that was taken times a gradient."""
    parts = [(wide(tensor - before[name]) * gradient[name]).sum() for name, tensor in parameters.items()]
    return float(torch.stack(parts).sum())


@contextlib.contextmanager
def _put_back(parameters: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Give copies of weights; in the end these are as they were, and so is what was in ``.grad``."""
    gradients = {name: tensor.grad for name, tensor in parameters.items()}
    before = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    try:
        yield before
    finally:
        _restore(parameters, before)
        for name, tensor in parameters.items():
            tensor.grad = gradients[name]


@torch.no_grad()
def _restore(parameters: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> None:
    for name, tensor in parameters.items():
        tensor.copy_(before[name])
        tensor.grad = None
