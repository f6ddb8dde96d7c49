"""Which layer a weight belongs to, by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The first number in a name is the block's, and what comes before it is where the blocks are.
_BLOCK = re.compile(r"^(?:(.*?)\.)?(\d+)\.")
_EMBEDDING = re.compile(r"emb|wte|wpe|shared")


def layers_of(names: Iterable[str]) -> dict[str, str]:
    """The layer of each weight: ``embeddings``, ``layer 1`` to ``layer n``, ``output``.

    Where there are several stacks of blocks, as in a sequence-to-sequence model, each layer says whose it is
    (``encoder layer 1``). What is neither in a block nor an embedding is the output's: the last normalisation, and an
    output layer with weights of its own.

        gpt_neox.embed_in.weight             embeddings
        gpt_neox.layers.0.mlp.dense.weight   layer 1
        gpt_neox.final_layer_norm.weight     output
        encoder.block.0.layer.1.wi.weight    encoder layer 1
    """
    wanted = list(names)
    found = {name: match for name in wanted if (match := _BLOCK.match(name))}
    stacks = list(dict.fromkeys(match[1] for match in found.values()))
    plain = sorted({int(match[2]) for match in found.values() if not match[1]})
    result = {}
    for name in wanted:
        if match := found.get(name):
            stack, number = match[1], int(match[2])
            layer = f"layer {number + 1 if stack else plain.index(number) + 1}"
            result[name] = layer if len(stacks) == 1 else f"{_called(stack)} {layer}".strip()
        else:
            result[name] = "embeddings" if _EMBEDDING.search(name) and "out" not in name else "output"
    return result


def _called(stack: str | None) -> str:
    """What a stack of blocks is called: by whose it is, or its whole name."""
    parts = (stack or "").split(".")
    return next((part for part in ("encoder", "decoder") if part in parts), stack or "")
