"""Gradients of one document after the other, of any model that trains.

A weight's gradient is handed on as soon as a backward pass has made it, and dropped: there is never a whole one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from sayso.learners.gradients.whole import Read, Take, WholeGradients


def contraction(
    loss: Callable[[int], Tensor], parameters: Mapping[str, Tensor], held: int, most: int | None = None
) -> WholeGradients:
    """Compare gradients that are made one by one.

    Parameters
    ----------
    loss
        Makes the loss of one document, by position, anew each time: the same one each time.
    parameters
        The leaves to take gradients by. One that a loss does not depend on has a gradient of zero.
    held, most
        See `WholeGradients`.
    """
    return WholeGradients("contracted", one_by_one(loss, parameters), parameters, held, most)


def one_by_one(loss: Callable[[int], Tensor], parameters: Mapping[str, Tensor]) -> Read:
    """Read each document by itself, forward and backward."""

    def read(documents: Sequence[int], take: Take) -> None:
        for place, document in enumerate(documents):
            with torch.enable_grad(), _taken(parameters, place, take):
                torch.autograd.backward(loss(document), inputs=list(parameters.values()))

    return read


@contextlib.contextmanager
def _taken(parameters: Mapping[str, Tensor], place: int, take: Take) -> Iterator[None]:
    """Hand on each weight's gradient when it is there; what was in ``.grad`` comes back in the end."""
    before = {name: tensor.grad for name, tensor in parameters.items()}

    def hand_on(name: str) -> Callable[[Tensor], None]:
        def hook(parameter: Tensor) -> None:
            gradient, parameter.grad = parameter.grad, None
            assert gradient is not None
            take([place], name, gradient[None])

        return hook

    handles = []
    try:
        for name, tensor in parameters.items():
            tensor.grad = None
            handles.append(tensor.register_post_accumulate_grad_hook(hand_on(name)))  # type: ignore[no-untyped-call]
        yield
    finally:
        for handle in handles:
            handle.remove()
        for name, tensor in parameters.items():
            tensor.grad = before[name]
