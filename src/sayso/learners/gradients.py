"""Gradients of single examples compared with each other, without holding many whole ones of a large model.

Weights are gone over in pieces, small enough that one piece of every example's gradient fits into memory; for each
piece every example goes forward and backward again. Nothing but the gradients themselves is computed in the model's own
precision: products and sums are taken in float64. Weights and their ``.grad`` are never written to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sayso.core.learner import Gram

#: Most numbers of gradients held at once, by kind of device: (examples of a group) x (weights of a piece). In float32
#: half a gigabyte, and eight; beside them there is one piece of one example, at least one tensor's.
HELD = {"cpu": 2**27, "cuda": 2**31}
#: Most of them that are in float64 at once.
_DOUBLED = 2**23


def gram(
    loss: Callable[[int], Tensor], examples: int, parameters: Sequence[Tensor], *, most: int | None = None
) -> Gram:
    """Compare the gradients of a group of examples.

    Parameters
    ----------
    loss
        Makes the loss of one example, by position, anew each time: the same one each time.
    examples
        How many there are.
    parameters
        What to take gradients by. One that a loss does not depend on has a gradient of zero.
    most
        Most numbers of gradients to hold at once; None for `HELD`.
    """
    device = parameters[0].device
    held = HELD.get(device.type, HELD["cpu"]) if most is None else most
    products, total = np.zeros((examples, examples)), 0.0
    for piece in pieces([tensor.numel() for tensor in parameters], max(1, held // max(1, examples))):
        if not examples:
            break
        wanted = [parameters[at] for at, _, _ in piece]
        rows = torch.empty(
            (examples, sum(end - begin for _, begin, end in piece)), dtype=wanted[0].dtype, device=device
        )
        for row in range(examples):
            with torch.enable_grad():
                found = torch.autograd.grad(loss(row), wanted, allow_unused=True)
            low = 0
            for own, (_, begin, end) in zip(found, piece, strict=True):
                place = rows[row, low : (low := low + end - begin)]
                _ = place.zero_() if own is None else place.copy_(own.flatten()[begin:end])
        for part in torch.split(rows, max(1, _DOUBLED // examples), dim=1):
            exact: Tensor = part.double()
            products += (exact @ exact.T).cpu().numpy()
            total += float(exact.sum(0).square().sum())
    return Gram(products, total)


def pieces(sizes: Sequence[int], most: int) -> Iterator[list[tuple[int, int, int]]]:
    """Cut tensors of these sizes into pieces of at most `most` numbers.

    Yields for each piece which tensors are in it, and from where to where each, flattened; of a tensor larger than a
    piece a part, smaller ones several together.
    """
    piece: list[tuple[int, int, int]] = []
    left = most
    for at, size in enumerate(sizes):
        if piece and size > left:
            yield piece
            piece, left = [], most
        for begin in range(0, size, most):
            end = min(size, begin + most)
            piece.append((at, begin, end))
            left -= end - begin
            if end < size:
                yield piece
                piece, left = [], most
    if piece:
        yield piece


@contextlib.contextmanager
def in_evaluation(module: torch.nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and all its parts back into the modes they were in."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
