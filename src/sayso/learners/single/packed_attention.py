"""Attention of documents that lie in one row (`sayso.learners.single.packing`), each to itself alone.

Queries, keys and values are taken from the row to the places of every document, documents are attended to side by side,
and what comes of it is taken back to the row. On a GPU in half precision that is one call of flash attention for
documents of any lengths, where it is there and proven to give the same; elsewhere documents are padded on the right to
a common width, where the causal mask hides padding.

transformers' models call the attention that their configuration names. One that names this attends as ever where it is
not told how documents lie.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

#: What a configuration calls it.
NAME = "sayso_packed"
#: What would change attention, and is not done here.
_NOT_DONE = ("softcap", "s_aux", "position_bias")
#: How far flash attention may be off, by the largest number: half precision rounds by less.
_FLASH_BOUND = 2e-2


@dataclass(frozen=True)
class Layout:
    """Where documents are in a row, as tensors.

    `mask`: what a model is given in a mask's place, to hand on as it is. It has four dimensions, so that none is made.

    `places`: the token of the row at each place, shape (places,). `first`: the first place of each token of the row,
    shape (tokens,). `shared`: whether a token stands at several places. `blocks`: documents and width of each block of
    places, with a mask of shape (documents, 1, width, width) where padding is attended from. `ragged`: for flash
    attention, to which no place is padding: where documents begin among the places, and the end, shape
    (documents + 1,) in int32; and the length of the longest.
    """

    mask: Tensor
    places: Tensor
    first: Tensor
    shared: bool
    blocks: tuple[tuple[int, int, Tensor | None], ...]
    ragged: tuple[Tensor, int] | None = None


class _ToPlaces(torch.autograd.Function):
    """Tokens' rows at the places; gradients of a token at several places are added up in float32."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, places: Tensor, first: Tensor, alone: bool) -> Tensor:
        """Shape (tokens, ...) to (places, ...)."""
        ctx.save_for_backward(places, first)
        ctx.alone, ctx.tokens = alone, len(tokens)
        return tokens.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Shape (places, ...) to (tokens, ...)."""
        places, first = ctx.saved_tensors
        if ctx.alone:
            return gradient.index_select(0, first), None, None, None
        total = gradient.new_zeros((ctx.tokens, *gradient.shape[1:]), dtype=torch.float32)
        return total.index_add_(0, places, gradient.float()).to(gradient.dtype), None, None, None


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packed: Layout | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers' models call it; query, key and value are of shape (1, heads, tokens, size).

    Raises
    ------
    ValueError
        If a model asks for what is not done here while it reads a row.
    """
    if packed is None:
        found, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return found, None
    if attention_mask is not packed.mask:
        raise ValueError("it makes masks of its own")
    if asked := [name for name in _NOT_DONE if more.get(name) is not None]:
        raise ValueError(f"its attention uses {asked[0]}")
    if packed.ragged is not None:  # rotated, queries and keys are float32 whatever made them
        query, key, value = (each.to(torch.bfloat16) for each in (query, key, value))
    # what comes of a query is used at the first place of its token alone
    given = [
        _ToPlaces.apply(each[0].transpose(0, 1), packed.places, packed.first, alone)  # type: ignore[no-untyped-call]
        for each, alone in ((query, True), (key, not packed.shared), (value, not packed.shared))
    ]
    if packed.ragged is not None:
        begins, longest = packed.ragged
        found = flash(given, begins, longest, scaling).index_select(0, packed.first)
    else:
        found = _uncompiled(module, given, packed, dropout, scaling)
    return found[None], None


def _side_by_side(
    module: torch.nn.Module, given: list[Tensor], packed: Layout, dropout: float, scaling: float | None
) -> Tensor:
    """Attention of documents padded to a width, block by block, at each token's first place: (tokens, heads, size)."""
    found, begin = [], 0
    for documents, width, mask in packed.blocks:
        parts = given if len(packed.blocks) == 1 else [each[begin : begin + documents * width] for each in given]
        own = [each.view(documents, width, *each.shape[1:]).transpose(1, 2) for each in parts]
        one, _ = sdpa_attention_forward(module, *own, mask, dropout=dropout, scaling=scaling, is_causal=mask is None)
        found.append(one.flatten(0, 1))
        begin += documents * width
    every = found[0] if len(found) == 1 else torch.cat(found)
    return every.index_select(0, packed.first)


#: Every step has other blocks: compiled code would be made anew for each.
_uncompiled: Callable[..., Tensor] = torch.compiler.disable(_side_by_side)  # type: ignore[no-untyped-call]


def flash(given: Sequence[Tensor], begins: Tensor, longest: int, scaling: float | None) -> Tensor:
    """Causal flash attention of documents one after the other.

    Queries, keys and values, and what comes of them, are of shape (places, heads, size).
    """
    from torch.nn.attention import varlen

    causal = {"is_causal": True} if "is_causal" in inspect.signature(varlen.varlen_attn).parameters else {}
    more: dict[str, Any] = causal or {"window_size": (-1, 0)}
    query, key, value = given
    if key.shape[1] < query.shape[1]:
        key, value = (each.repeat_interleave(query.shape[1] // each.shape[1], 1) for each in (key, value))
    found = varlen.varlen_attn(query, key, value, begins, begins, longest, longest, scale=scaling, **more)
    assert isinstance(found, Tensor)
    return found


@functools.cache
def has_flash(device: torch.device, size: int) -> bool:
    """Whether flash attention of documents of any lengths is there for heads of a size, and gives what it should."""
    if device.type != "cuda":
        return False
    generator = torch.Generator(device).manual_seed(0)
    lengths = (3, 1, 5)
    own = torch.randn(3, sum(lengths), 2, size, device=device, dtype=torch.bfloat16, generator=generator)
    begins = torch.tensor([0, 3, 4, 9], device=device, dtype=torch.int32)
    try:
        with torch.enable_grad():
            given = [each.clone().requires_grad_() for each in own]
            found = flash(given, begins, max(lengths), None)
            torch.autograd.grad(found.float().sum(), given)
    except Exception:  # what is not there says so in many ways
        return False
    right = torch.cat([_alone(part) for part in torch.split(own.float(), list(lengths), 1)])
    return float((found.detach().float() - right).abs().max()) <= _FLASH_BOUND * float(right.abs().max())


def _alone(given: Tensor) -> Tensor:
    """Attention of one document, shape (3, places, heads, size) to (places, heads, size)."""
    query, key, value = given.transpose(1, 2)
    found = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return found.transpose(0, 1)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
