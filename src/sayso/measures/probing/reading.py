"""What passes between the layers of one replica at every token of some prompts, a few layers at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Learner

#: Most numbers held at once: layers x examples x tokens x width. In float32 a gigabyte.
HELD = 2**28


def layers_of(learner: Learner, layers: Sequence[int] | None) -> list[int]:
    """The layers that are asked for; all of them for None.

    Raises
    ------
    SaysoError
        If there is no such layer.
    """
    most = learner.layers()
    if wrong := [layer for layer in layers or () if not 0 <= layer <= most]:
        raise SaysoError(f"the model has layers 0 (what enters the first block) to {most}, not {wrong[0]}")
    return list(range(most + 1)) if layers is None else sorted(set(layers))


def only(replicas: int, replica: int, examples: Sequence[Example]) -> list[Sequence[Example]]:
    """Examples of one replica, none of the others'."""
    return [examples if other == replica else () for other in range(replicas)]


def read_layers(
    learner: Learner, replica: int, examples: Sequence[Example], layers: Sequence[int], at: Sequence[int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Give each layer with what passes there, shape (tokens, examples, width).

    As many layers are read at once as may be held; the prompts are read anew for the next ones.
    """
    (first,) = learner.activations(only(learner.replicas, replica, examples[:1]), layers[:1], at[:1])
    shape = (len(at), len(examples), first.values.shape[-1])
    together = max(1, HELD // int(np.prod(shape)))
    for low in range(0, len(layers), together):
        found = {layer: np.empty(shape, dtype=np.float32) for layer in layers[low : low + together]}
        for part in learner.activations(only(learner.replicas, replica, examples), list(found), at):
            found[part.layer][:, list(part.rows)] = part.values.swapaxes(0, 1)
        yield from found.items()
