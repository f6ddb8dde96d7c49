"""Which way a model is read: the cheapest that is proven, on this very model, to read as the model itself does.

A reader must give the losses and the gradient that plain calls of the whole model give (`sayso.learners.single.truth`),
and their logits when it decodes token by token. Rounding in float32 moves these by a millionth of their size, more in
deep models; a mask, a position or a forgotten factor that is wrong moves them by a hundredth or more. The bounds lie
between. What a model does to large logits alone (a soft cap) is seen with an output layer that says everything louder.
"""

from __future__ import annotations

import functools
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.learners.device import widest
from sayso.learners.encoding import Document
from sayso.learners.modules import has_bfloat16
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.generation import NO_RULES, Rules
from sayso.learners.single.greedy import left_padded, placed
from sayso.learners.single.grouping import Group
from sayso.learners.single.packed import PackedReader, may_pack
from sayso.learners.single.plain import Company, PlainReader
from sayso.learners.single.reader import Reader, base_of, has_own_code
from sayso.learners.single.truth import Truth, gradient_of, multiplied, sees_what_follows, short_documents, truth_of

#: How far a mean loss may be off, in nats, relative to losses above 1; logits likewise; a gradient, by its norm.
LOSS_BOUND, LOGIT_BOUND, GRADIENT_BOUND = 1e-4, 1e-3, 1e-3
#: How far two gradients in bfloat16 may be apart, by their norm: deep models round many times.
HALF_BOUND = 0.2

#: What a way of reading is called, and what makes its reader.
Candidate = tuple[str, Callable[[], Reader]]

T = TypeVar("T")

log = logging.getLogger("sayso")


def choose_reader(
    model: Any,
    name: str,
    tokens: Sequence[int],
    pad: int,
    device: torch.device,
    rules: Rules = NO_RULES,
    *,
    compiled: bool = False,
) -> Reader:
    """Find the reader of a model, and say so (once, as a warning) where it is not the one that computes least.

    Parameters
    ----------
    model
        The model, in evaluation mode.
    name
        What it is called in messages.
    tokens
        Some ordinary token ids to make documents of.
    pad
        A token to fill rows with.
    rules
        What the reader makes the model say, and what it never says.
    compiled
        Whether its blocks are to be compiled for training.

    Raises
    ------
    SaysoError
        If no way of reading it gives what the model itself gives, or what it says after some tokens depends on whether
        others follow.
    """
    config = base_of(model).config
    documents = short_documents(tokens, config.decoder_start_token_id if config.is_encoder_decoder else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a model does not take is seen in what it gives
            return _choose(
                model, name, documents, _candidates(model, name if compiled else None, pad, device, rules), device
            )
    except torch.OutOfMemoryError:
        raise SaysoError(f"model {name}: out of memory with one short document; try lora or a smaller model") from None


def _choose(
    model: Any, name: str, documents: tuple[Document, ...], candidates: Iterable[Candidate], device: torch.device
) -> Reader:
    truth, why = _tried(lambda: truth_of(model, documents, device))
    if truth is None or not all(np.isfinite(truth.losses)):
        raise SaysoError(f"model {name} cannot be read: {why or 'its loss on a short document is not finite'}")
    follows, why = _tried(lambda: sees_what_follows(model, truth, device))
    if follows is None:
        raise SaysoError(f"model {name} cannot be read: it fails on the first tokens of a short document ({why})")
    if follows:
        raise SaysoError(
            f"model {name} cannot be read: what it says after a token changes with those that follow, so that its "
            "answers are not those its losses are of"
        )
    said = ["it comes with code of its own"] if has_own_code(model) else []
    for what, make in candidates:
        proven, why = _tried(lambda make=make: _proven(make(), truth))  # type: ignore[misc]
        if proven is not None:
            reader, left = proven
            if said or left:
                log.warning("model %s: %s, for %s", name, what, "; ".join([*said, *left]))
            return reader
        said.append(f"{what} differs ({why})")
    raise SaysoError(f"model {name} cannot be read: {said[-1]}")


def _proven(reader: Reader, truth: Truth) -> tuple[Reader, list[str]]:
    """The reader, set to the cheapest way of decoding that is right, and what had to be left for it.

    Raises
    ------
    ValueError
        If it is not right.
    """
    for own in {reader, reader.apart}:
        if wrong := _reading_differs(own, truth):
            raise ValueError(wrong)
    if wrong := _half_differs(reader, truth):
        raise ValueError(wrong)
    left: list[str] = []
    for remembers, places in ((True, True), (True, False), (False, False)):
        if (remembers and not reader.remembers) or (places and not reader.places):
            continue
        reader.remembers, reader.places = remembers, places
        differs, why = _tried(lambda: _decoding_differs(reader, truth))
        what = differs or why
        if not what:
            return reader, left
        left.append(f"decoding {'with keys and values kept' if remembers else 'anew'} differs ({what})")
    raise ValueError("; ".join(left))


def _candidates(model: Any, compiled: str | None, pad: int, device: torch.device, rules: Rules) -> Iterator[Candidate]:
    """Ways of reading, the cheapest first, and what they are called; `compiled`: the name of a model to be compiled."""
    may = not has_own_code(model) and may_pack(model)
    attention = base_of(model).config._attn_implementation
    if compiled is not None:
        yield "compiled reading", lambda: _compiled(model, compiled, pad, device, rules, may=may)
        base_of(model).config._attn_implementation = attention
    if may:
        yield "packed reading", lambda: PackedReader(model, pad, device, rules)
        base_of(model).config._attn_implementation = attention
    if not has_own_code(model):
        yield "bucketed reading", lambda: BucketedReader(model, pad, device, rules)
    companies: dict[Company, str] = {
        "padded": "plain reading",
        "one length": "plain reading, one length at a time",
        "alone": "plain reading, one document at a time",
    }
    for company, what in companies.items():
        yield what, functools.partial(PlainReader, model, pad, device, company, rules)


def _compiled(model: Any, name: str, pad: int, device: torch.device, rules: Rules, *, may: bool) -> Reader:
    if not may:
        raise ValueError("what is compiled reads documents packed, as this model does not")
    return PackedReader(model, pad, device, rules, compiled=name)


def _tried(work: Callable[[], T]) -> tuple[T | None, str]:
    """What some work gives, or what it raised in one line: foreign code can raise anything."""
    try:
        return work(), ""
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # see above
        said = " ".join(str(error).split()) or type(error).__name__
        return None, said if len(said) <= 200 else f"{said[:200]}..."


def _reading_differs(reader: Reader, truth: Truth) -> str:
    """What of losses and gradient is not as it should be, with beginnings shared and without; nothing if all is."""
    ways = [[Group((0, 1, 2))]]
    if reader.shares:
        ways.append([Group((0, 1), 3), Group((2,))])
    for groups in ways:
        how = "beginnings shared" if len(groups) > 1 else "side by side"
        found = reader.completions(truth.documents, groups)
        for row, loss in zip(found.rows, found.loss.tolist(), strict=True):
            right = truth.losses[row]
            if not abs(loss - right) <= LOSS_BOUND * max(1.0, abs(right)):
                return f"{how}, a loss of {loss:.5g} where the model itself gives {right:.5g}"
        gradient = gradient_of(reader.loss(truth.documents, groups), truth.wanted)
        size = _norm(truth.gradient)
        off = _norm([one - other for one, other in zip(gradient, truth.gradient, strict=True)])
        if not off <= GRADIENT_BOUND * size:
            return f"{how}, a gradient off by {100 * off / max(size, 1e-30):.2g}%"
    if truth.loud is not None:
        with multiplied(truth.loud.weight, truth.loud.by):
            loss, right = float(reader.completions(truth.documents, [Group((0,))]).loss[0]), truth.loud.loss
        if not abs(loss - right) <= LOGIT_BOUND * max(1.0, abs(right)):
            return f"with larger logits, a loss of {loss:.5g} where the model itself gives {right:.5g}"
    return ""


def _half_differs(reader: Reader, truth: Truth) -> str:
    """How far a gradient in bfloat16 is off, where that is other code and the device has it; nothing if it is not."""
    if reader.apart is reader or not has_bfloat16(reader.device):
        return ""
    groups = [Group((0, 1, 2))]
    with torch.autocast(reader.device.type, torch.bfloat16):
        losses = [own.loss(truth.documents, groups) for own in (reader, reader.apart)]
    found, right = (gradient_of(loss, truth.wanted) for loss in losses)
    off = _norm([one - other for one, other in zip(found, right, strict=True)]) / max(_norm(right), 1e-30)
    return "" if off <= HALF_BOUND else f"in bfloat16, a gradient off by {100 * off:.2g}%"


def _norm(tensors: Sequence[Tensor]) -> float:
    return math.hypot(*(float(torch.linalg.vector_norm(tensor, dtype=widest(tensor.device))) for tensor in tensors))


@torch.no_grad()
def _decoding_differs(reader: Reader, truth: Truth) -> str:
    """How far logits are off when tokens are read one by one; nothing if they are not."""
    rows = [0, 1] if reader.places else [0, 2]  # of two lengths where that is allowed, of one length else
    documents = [truth.documents[row] for row in rows]
    lengths = [len(item.ids) - 3 for item in documents]
    state = reader.start([item.context for item in documents])
    ids, mask = left_padded([item.ids[:length] for item, length in zip(documents, lengths, strict=True)], reader)
    read = ids
    for step in range(3):
        logits = reader.last_logits(read, state, **placed(read, mask, reader))
        right = torch.stack([truth.logits[row][at + step - 1] for row, at in zip(rows, lengths, strict=True)])
        off, size = float((logits - right).abs().max()), float(right.abs().max())
        if not off <= LOGIT_BOUND * max(1.0, size):
            return f"logits off by {off:.2g} after {step + 1} tokens"
        if step == 1:  # the first document is done
            last = torch.tensor([1], device=reader.device)
            reader.keep(state, last)
            rows, documents, lengths, ids, mask = rows[1:], documents[1:], lengths[1:], ids[last], mask[last]
        new = torch.tensor([[item.ids[at + step]] for item, at in zip(documents, lengths, strict=True)])
        ids = torch.cat([ids, new.to(ids)], dim=1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        read = ids[:, -1:] if reader.remembers else ids
    return ""
