"""Cross entropy of an output layer without the logits of all tokens at once.

Logits are made chunk by chunk and turned into their own gradients in place, so that neither they nor their logarithms
outlive their chunk. Of Gemma's 262,144 tokens at 8,192 places they would be 8.6 GB, and as much again for gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class Targets:
    """Tokens to be predicted, each from a place.

    `right`: the tokens, shape (targets,). `where`: which place each is predicted from, in ascending order; `places`:
    the same, not on the device. `most`: of how many places logits are held at once.
    """

    right: Tensor
    where: Tensor
    places: NDArray[np.int64]
    most: int


def said(head: nn.Module, hidden: Tensor, targets: Targets | None) -> Tensor:
    """What an output layer makes of hidden states of shape (places, width).

    Without `targets` the logits, shape (places, vocabulary), in float32 whatever the hidden states were computed in:
    bfloat16 would tie the best of them. With them their summed cross entropy, a scalar in float32;
    an output layer that is no plain one (`is_plain`) gives all logits at once for it.
    """
    if targets is not None and is_plain(head):
        loss: Tensor = _Summed.apply(hidden, head.weight, head.bias, targets)  # type: ignore[no-untyped-call]
        return loss
    if targets is None:
        with torch.autocast(hidden.device.type, enabled=False):
            exact: Tensor = head(hidden.float())
        return exact
    logits: Tensor = head(hidden)
    return nn.functional.cross_entropy(logits.float()[targets.where], targets.right, reduction="sum")


def is_plain(head: nn.Module) -> bool:
    """Whether an output layer is a matrix and perhaps a bias, that nobody listens to."""
    heard = head._forward_hooks or head._forward_pre_hooks or head._backward_hooks or head._backward_pre_hooks
    return type(head) is nn.Linear and not heard


class _Summed(torch.autograd.Function):
    """The summed loss of a plain output layer: its gradient is made together with it, and multiplied afterwards."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Targets) -> Tensor:
        """A scalar."""
        kind, most = hidden.device.type, targets.most
        exact = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        wanted = ctx.needs_input_grad
        by_hidden = torch.empty_like(hidden) if wanted[0] else None
        by_weight = torch.zeros_like(weight) if wanted[1] else None
        by_bias = torch.zeros_like(bias) if bias is not None and wanted[2] else None
        total = torch.zeros((), device=hidden.device)
        cuts = np.searchsorted(targets.places, np.arange(0, len(hidden) + most, most)).tolist()
        with torch.autocast(kind, enabled=False):
            matrix, given = weight.to(exact), hidden.to(exact)
            added = None if bias is None else bias.to(exact)
            for begin, low, high in zip(range(0, len(hidden), most), cuts, cuts[1:], strict=False):
                rows = slice(begin, begin + most)
                where, right = targets.where[low:high] - begin, targets.right[low:high]
                logits = nn.functional.linear(given[rows], matrix, added).float()
                norm = logits.logsumexp(-1)
                total += (norm[where] - logits[where, right]).sum()
                if not any(wanted[:3]):
                    continue
                one = torch.ones((), device=hidden.device)
                times = torch.zeros_like(norm).index_put_((where,), one, accumulate=True)
                by_logits = logits.sub_(norm[:, None]).exp_().mul_(times[:, None])
                by_logits.index_put_((where, right), -one, accumulate=True)
                if by_bias is not None:
                    by_bias += by_logits.sum(0)
                by_logits = by_logits.to(exact)
                if by_hidden is not None:
                    by_hidden[rows] = by_logits @ matrix
                if by_weight is not None:
                    by_weight += by_logits.T @ given[rows]
        ctx.save_for_backward(by_hidden, by_weight, by_bias)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """By hidden states, weight and bias."""
        return (*(None if each is None else each * gradient for each in ctx.saved_tensors), None)
