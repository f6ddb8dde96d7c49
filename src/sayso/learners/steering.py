"""What a model makes of completions while something is added to what passes between its layers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Steering
from sayso.learners.activations import require_layers
from sayso.learners.encoding import Document

#: Most logits of one pass.
LOGITS = 2**26


def steered_losses(
    losses: Callable[[Sequence[int]], NDArray[np.float64]],
    blocks: Sequence[nn.Module],
    examples: Sequence[Example],
    documents: Sequence[Document],
    steering: Sequence[Steering],
    *,
    vocabulary: int,
    name: str,
) -> NDArray[np.float64]:
    """Mean loss of each completion, of one replica, in nats per token, shape (examples,).

    Parameters
    ----------
    losses
        Gives those of some documents, by position, all of one length, from one pass of the whole model.
    blocks
        What is steered: those of a causal model, or of an encoder, which reads prompts.
    documents
        The examples, encoded to be scored.
    vocabulary
        How many logits a token has, which decides how many documents are one pass.

    Raises
    ------
    SaysoError
        If there is no such layer, a prompt has no such token, or blocks do not run just once in a pass.
    """
    require_layers(blocks, [each.layer for each in steering], name)
    for each in steering:
        _require_places(examples, documents, each)
    found = np.zeros(len(documents))
    shapes = np.array([(len(item.context), len(item.ids)) for item in documents], dtype=np.int64).reshape(-1, 2)
    for shape in np.unique(shapes, axis=0):
        alike = np.flatnonzero((shapes == shape).all(1))
        for rows in np.array_split(alike, -(-len(alike) * int(shape.sum()) * vocabulary // LOGITS)):
            if not len(rows):
                continue
            with torch.no_grad(), added(blocks, steering, rows) as times:
                found[rows] = losses(rows.tolist())
            if any(count != 1 for count in times):
                raise SaysoError(f"model {name}: its blocks do not run one after the other, each once")
    return found


@contextlib.contextmanager
def added(
    blocks: Sequence[nn.Module], steering: Sequence[Steering], rows: NDArray[np.int64]
) -> Iterator[Sequence[int]]:
    """Add to what passes between blocks, as long as this lasts; `rows` are the documents that are read.

    Gives how many times each was added.
    """
    times = [0] * len(steering)

    def plus(which: int, hidden: Tensor) -> Tensor:
        own = steering[which]
        times[which] += 1
        result = hidden.clone()
        at = torch.as_tensor(own.at[rows], device=hidden.device)
        result[torch.arange(len(rows), device=hidden.device)[:, None], at] += torch.as_tensor(
            own.vector, dtype=hidden.dtype, device=hidden.device
        )
        return result

    def entering(which: int) -> Callable[[nn.Module, Any, Any], Any]:
        def hook(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
            if given:
                return (plus(which, given[0]), *given[1:]), named
            return given, {**named, "hidden_states": plus(which, named["hidden_states"])}

        return hook

    def leaving(which: int) -> Callable[[nn.Module, Any, Any], Any]:
        def hook(_module: nn.Module, _given: Any, out: Any) -> Any:
            return plus(which, out) if isinstance(out, Tensor) else (plus(which, out[0]), *out[1:])

        return hook

    with contextlib.ExitStack() as handles:
        for which, each in enumerate(steering):
            handle = (
                blocks[0].register_forward_pre_hook(entering(which), with_kwargs=True)
                if each.layer == 0
                else blocks[each.layer - 1].register_forward_hook(leaving(which))
            )
            handles.callback(handle.remove)
        yield times


def _require_places(examples: Sequence[Example], documents: Sequence[Document], steering: Steering) -> None:
    if len(steering.at) != len(documents):
        raise ValueError(f"places of {len(steering.at)} examples to be steered at, for {len(documents)} examples")
    for example, document, places in zip(examples, documents, steering.at.tolist(), strict=True):
        tokens = len(document.context) or document.start
        if wrong := [place for place in places if not 0 <= place < tokens]:
            raise SaysoError(f"{example.prompt!r} has {tokens} tokens, and no token {wrong[0]}; the first is token 0")
