"""What a model says of short documents by plain calls of the whole model on each alone: no cache, no padding.

There are three, of which two share a beginning and two are of one length. Readers are held against what comes of them
(`sayso.learners.single.proving`); all of it takes a few short passes, and the gradient of one tensor.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sayso.learners.encoding import Document
from sayso.learners.single.reader import base_of, takes

#: How far logits may be off with and without more tokens after them, by the largest: rounding moves them by less.
FOLLOWING_BOUND = 2e-4
#: How large logits are made to see whether anything happens to large ones.
LOUD = 100.0


@dataclass(frozen=True)
class Truth:
    """What plain calls of the whole model give: logits of each document, losses of its completion, and a gradient.

    The gradient is that of the summed loss of all counted tokens, by `wanted`.
    """

    documents: tuple[Document, ...]
    logits: tuple[Tensor, ...]
    losses: tuple[float, ...]
    wanted: tuple[Tensor, ...]
    gradient: tuple[Tensor, ...]
    loud: Loud | None


@dataclass(frozen=True)
class Loud:
    """The output layer's weight, a power of two to multiply it by, and the first document's loss that comes of it."""

    weight: Tensor
    by: float
    loss: float


def ordinary_tokens(tokenizer: Any, most: int) -> list[int]:
    """Some token ids that are not special, spread over the vocabulary, below `most`."""
    special = set(tokenizer.all_special_ids)
    known = [token for token in range(min(len(tokenizer), most)) if token not in special]
    return [known[at * len(known) // 24] for at in range(24)]


def short_documents(tokens: Sequence[int], start: int | None) -> tuple[Document, ...]:
    """Three documents; of causal ones the first two share three tokens, the first and the last are of one length."""
    draws = [tokens[at % len(tokens)] for at in range(24)]
    if start is None:
        ids = [draws[:6], [*draws[:3], *draws[6:12]], draws[12:18]]
        return tuple(_document([], own, 4) for own in ids)
    pairs = [(draws[:5], draws[5:8]), (draws[5:12], draws[:5]), (draws[12:17], draws[17:20])]
    return tuple(_document(context, [start, *own], 1) for context, own in pairs)


def _document(context: Sequence[int], ids: Sequence[int], start: int) -> Document:
    own = np.array(ids, dtype=np.int64)
    return Document(np.array(context, dtype=np.int64), own, start, len(own), 1)


def truth_of(model: Any, documents: tuple[Document, ...], device: torch.device) -> Truth:
    """Read the documents; the gradient is by the input embedding, or by all trained weights where it is not trained."""
    embedding = model.get_input_embeddings().weight
    trained = tuple(tensor for tensor in model.parameters() if tensor.requires_grad)
    wanted = (embedding,) if embedding.requires_grad else trained
    total = torch.zeros((), device=device)
    logits, losses = [], []
    for item in documents:
        made = _plain_logits(model, item, len(item.ids) - 1, device)
        target = torch.as_tensor(item.ids[1:], device=device)
        loss = torch.nn.functional.cross_entropy(made, target, reduction="none")
        total = total + loss.sum()
        logits.append(made.detach())
        losses.append(float(loss[item.start - 1 :].mean()))
    gradient = gradient_of(total, wanted)
    largest = float(logits[0].abs().max())
    return Truth(documents, tuple(logits), tuple(losses), wanted, gradient, _loud(model, documents[0], largest, device))


@torch.no_grad()
def _loud(model: Any, item: Document, largest: float, device: torch.device) -> Loud | None:
    """How a document's loss is when the output layer says everything louder; None where it has no weight."""
    weight = getattr(base_of(model).get_output_embeddings(), "weight", None)
    if weight is None:
        return None
    by = 2.0 ** math.ceil(math.log2(max(1.0, LOUD / max(largest, 1e-30))))
    with multiplied(weight, by):
        logits = _plain_logits(model, item, len(item.ids) - 1, device)[item.start - 1 :]
        target = torch.as_tensor(item.ids[item.start :], device=device)
        return Loud(weight, by, float(torch.nn.functional.cross_entropy(logits, target)))


@torch.no_grad()
def sees_what_follows(model: Any, truth: Truth, device: torch.device) -> bool:
    """Whether what a model says after a few tokens of a document is another thing when these are all there is."""
    whole = truth.logits[0]
    less = max(1, len(whole) - 3)
    alone = _plain_logits(model, truth.documents[0], less, device)
    return not float((alone - whole[:less]).abs().max()) <= FOLLOWING_BOUND * float(whole.abs().max())


@contextlib.contextmanager
def multiplied(weight: Tensor, by: float) -> Iterator[None]:
    """Multiply a weight by a power of two, and divide it again: both are exact."""
    with torch.no_grad():
        weight.mul_(by)
    try:
        yield
    finally:
        with torch.no_grad():
            weight.div_(by)


def _plain_logits(model: Any, item: Document, length: int, device: torch.device) -> Tensor:
    """What the whole model says after each of the first `length` tokens of one document, shape (length, vocabulary)."""
    ids = torch.as_tensor(item.ids[None, :length], device=device)
    given = {"input_ids": ids}
    if len(item.context):
        context = torch.as_tensor(item.context[None], device=device)
        given = {"input_ids": context, "attention_mask": torch.ones_like(context), "decoder_input_ids": ids}
    memory = {"use_cache": False} if "use_cache" in takes(base_of(model)) else {}
    logits: Tensor = model(**given, **memory).logits[0]
    return logits.float()


def gradient_of(loss: Tensor, wanted: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The gradient of a loss by some tensors, zero by those that it does not depend on."""
    found = torch.autograd.grad(loss, list(wanted), allow_unused=True)
    return tuple(torch.zeros_like(tensor) if own is None else own for own, tensor in zip(found, wanted, strict=True))
