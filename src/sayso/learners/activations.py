"""What passes between the layers of a model of transformers, at chosen tokens.

Some models give their hidden states, but none what leaves its last block before the last normalisation, and all of them
give every layer and token at once. So the blocks are listened to, while one forward pass runs and no longer.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Activations

Ids = NDArray[np.int64]

#: Most tokens of one forward pass.
TOKENS = 16_384
#: What configurations call the number of blocks.
_COUNTS = ("num_hidden_layers", "encoder_layers", "num_layers", "n_layer", "n_layers")


def blocks_of(module: nn.Module, config: Any, name: str) -> list[nn.Module]:
    """The blocks of a backbone or an encoder, in their order.

    Raises
    ------
    SaysoError
        If they cannot be told from its parts.
    """
    counts = {getattr(config, word, None) for word in _COUNTS}
    level = [module]
    while level:
        for part in level:
            if isinstance(part, nn.ModuleList) and len(part) in counts:
                return list(part)
        level = [child for part in level for child in part.children()]
    raise SaysoError(f"model {name}: its layers cannot be told from its parts, so it gives no activations")


def places_of(examples: Sequence[Example], lengths: Sequence[int], at: Sequence[int]) -> Ids:
    """Where the wanted tokens of each prompt are, counted from its beginning, shape (examples, tokens).

    Raises
    ------
    SaysoError
        If a prompt has no such token.
    """
    for example, length in zip(examples, lengths, strict=True):
        if wrong := [place for place in at if not -length <= place < length]:
            raise SaysoError(
                f"{example.prompt!r} has {length} tokens, and no token {wrong[0]}; positions count from 0, or from its "
                "end as -1, -2, ..."
            )
    sizes = np.array(lengths, dtype=np.int64).reshape(-1, 1)
    wanted = np.array(at, dtype=np.int64).reshape(1, -1)
    return np.where(wanted < 0, sizes + wanted, wanted)


def activations(
    read: Callable[[Sequence[int]], object],
    blocks: Sequence[nn.Module],
    lengths: Sequence[int],
    places: Ids,
    layers: Sequence[int],
    *,
    replica: int,
    name: str,
) -> Iterator[Activations]:
    """Give what passes between blocks, by layer and chunk of examples; prompts of one length go together.

    Parameters
    ----------
    read
        Lets the model read the prompts of some examples, by position, all of one length and as rows of one pass.
    lengths, places
        How many tokens each prompt has, and which of them are wanted (`places_of`).
    layers
        0 for what enters the first block, n for what leaves the n-th.

    Raises
    ------
    SaysoError
        If there is no such layer, at once; later, if blocks do not run just once in a pass.
    """
    require_layers(blocks, layers, name)
    return _chunks(read, blocks, np.array(lengths, dtype=np.int64), places, list(dict.fromkeys(layers)), replica, name)


def require_layers(blocks: Sequence[nn.Module], layers: Sequence[int], name: str) -> None:
    """Check that a model has these layers.

    Raises
    ------
    SaysoError
        If it does not.
    """
    if wrong := [layer for layer in layers if not 0 <= layer <= len(blocks)]:
        raise SaysoError(f"model {name} has layers 0 (what enters the first block) to {len(blocks)}, not {wrong[0]}")


def _chunks(
    read: Callable[[Sequence[int]], object],
    blocks: Sequence[nn.Module],
    lengths: Ids,
    places: Ids,
    layers: Sequence[int],
    replica: int,
    name: str,
) -> Iterator[Activations]:
    for length in np.unique(lengths).tolist():
        alike = np.flatnonzero(lengths == length)
        for rows in np.array_split(alike, -(-len(alike) * length // TOKENS)):
            with torch.no_grad(), listening(blocks, layers, places[rows]) as heard:
                read(rows.tolist())
            for layer in layers:
                if len(heard[layer]) != 1:
                    raise SaysoError(f"model {name}: its blocks do not run one after the other, each once")
                yield Activations(replica, layer, tuple(rows.tolist()), heard[layer][0])


@contextlib.contextmanager
def listening(
    blocks: Sequence[nn.Module], layers: Sequence[int], places: Ids
) -> Iterator[dict[int, list[NDArray[np.float32]]]]:
    """Note what passes between blocks at some places of each row, as long as this lasts: (rows, tokens, width)."""
    heard: dict[int, list[NDArray[np.float32]]] = defaultdict(list)

    def note(layer: int, hidden: Tensor) -> None:
        at = torch.as_tensor(places, device=hidden.device)
        chosen = hidden.gather(1, at[..., None].expand(-1, -1, hidden.shape[-1]))
        heard[layer].append(chosen.float().cpu().numpy())

    def entered(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        note(0, given[0] if given else named["hidden_states"])

    def left(layer: int) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, _given, out: note(layer, out if isinstance(out, Tensor) else out[0])

    handles = [
        blocks[0].register_forward_pre_hook(entered, with_kwargs=True)
        if layer == 0
        else blocks[layer - 1].register_forward_hook(left(layer))
        for layer in layers
    ]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()
