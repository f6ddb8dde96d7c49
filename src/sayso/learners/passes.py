"""Forward passes of a model of transformers that compute no logit, no padding and no shared beginning without need.

Where it says so below, tensors have one row for each counted token of all documents of a group, one document after the
other ("flat").
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache
from transformers.cache_utils import DynamicLayer
from transformers.modeling_outputs import BaseModelOutput

from sayso.learners.documents import Document
from sayso.learners.grouping import Group


@dataclass(frozen=True)
class Completions:
    """What a model makes of the completions of a group of documents.

    `loss`: mean loss of each document's completion, shape (documents,). `said`: the likeliest token at each place of
    it, given all the right ones before, one array a document.
    """

    loss: np.ndarray[Any, np.dtype[np.float64]]
    said: list[list[int]]


class Passes:
    """One model's forward passes.

    `remembers`: whether keys and values of what was read can be kept for what follows. `places`: whether tokens can be
    told their positions, so that rows of several lengths can be padded on the left.
    """

    def __init__(self, model: Any, pad: int, device: torch.device) -> None:
        self.model, self.pad, self.device = model, pad, device
        self._own = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.config = self._own.config
        self.seq2seq: bool = self.config.is_encoder_decoder
        parameters = inspect.signature(self._own.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"
        ordinary = all(type(layer) is DynamicLayer for layer in DynamicCache(config=self.config).layers)
        self.remembers = self._cache_name in parameters and ordinary and self._own.__module__.startswith("transformers")
        self.places = not self.seq2seq and "position_ids" in parameters

    def loss(self, documents: Sequence[Document], group: Group) -> Tensor:
        """Sum of the losses of a group's counted tokens, a scalar to go backward from."""
        own = [documents[row] for row in group.rows]
        cache, total = self._beginning(own, group.shared, with_loss=True)
        logits, targets = self._logits(own, [item.first for item in own], group.shared, cache)
        return total + torch.nn.functional.cross_entropy(logits, targets, reduction="sum")

    @torch.no_grad()
    def completions(self, documents: Sequence[Document], group: Group) -> Completions:
        """Score the completions of a group in one pass."""
        own = [documents[row] for row in group.rows]
        cache, _ = self._beginning(own, group.shared, with_loss=False)
        logits, targets = self._logits(own, [item.start for item in own], group.shared, cache)
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none").cpu().double().numpy()
        said = logits.argmax(-1).cpu().numpy()
        ends = np.cumsum([len(item.ids) - item.start for item in own])
        return Completions(
            np.array([part.mean() for part in np.split(loss, ends[:-1])]),
            [part.tolist() for part in np.split(said, ends[:-1])],
        )

    def start(self, contexts: Sequence[np.ndarray[Any, Any]]) -> dict[str, Any]:
        """What decoding carries along from step to step: a fresh cache, and for an encoder what it has read."""
        state: dict[str, Any] = {}
        if self.seq2seq:
            ids, mask = self._padded(contexts)
            hidden = self._own.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
            state = {"encoder_outputs": BaseModelOutput(last_hidden_state=hidden), "attention_mask": mask}
        if self.remembers:
            state[self._cache_name] = self.new_cache()
        return state

    def keep(self, state: dict[str, Any], rows: Tensor) -> None:
        """Drop all other rows from what decoding carries along."""
        if self.seq2seq:
            hidden = state["encoder_outputs"].last_hidden_state[rows]
            state["encoder_outputs"] = BaseModelOutput(last_hidden_state=hidden)
            state["attention_mask"] = state["attention_mask"][rows]
        if self.remembers:
            state[self._cache_name].batch_select_indices(rows)

    def last_logits(self, ids: Tensor, state: dict[str, Any], **more: Any) -> Tensor:
        """Logits after the last of `ids`, shape (rows, vocabulary); what was read before is in `state`."""
        where = torch.zeros_like(ids, dtype=torch.bool)
        where[:, -1] = True
        name = "decoder_input_ids" if self.seq2seq else "input_ids"
        with self._only_at(where):
            result = self.model(**{name: ids}, **state, **more, use_cache=self.remembers)
        return _flat(result.logits, where)

    def new_cache(self) -> Any:
        """An empty memory of keys and values."""
        own = DynamicCache(config=self.config)
        return EncoderDecoderCache(own, DynamicCache(config=self.config)) if self.seq2seq else own

    def _beginning(self, own: Sequence[Document], shared: int, *, with_loss: bool) -> tuple[Any, Tensor]:
        """Read what all documents begin with; give the cache, one row a document, and the loss of these tokens.

        The last of them predicts each document's next token, which may be another one for each.
        """
        nothing = torch.zeros((), device=self.device)
        if not shared:
            return None, nothing
        cache = self.new_cache()
        ids = torch.as_tensor(own[0].ids[None, :shared], device=self.device)
        places = (
            [(row, at) for row, item in enumerate(own) for at in range(item.first, shared + 1)] if with_loss else []
        )
        where = torch.zeros_like(ids, dtype=torch.bool)
        where[:, -1 if not places else min(at for _, at in places) - 1 :] = True
        with self._only_at(where):
            result = self.model(input_ids=ids, **{self._cache_name: cache}, use_cache=True)
        cache.batch_repeat_interleave(len(own))
        if not places:
            return cache, nothing
        log_p = _flat(result.logits, where).log_softmax(-1)
        targets = torch.as_tensor([int(own[row].ids[at]) for row, at in places], device=self.device)
        at = torch.as_tensor([at - 1 - shared for _, at in places], device=self.device)
        return cache, -log_p[at, targets].sum()

    def _logits(self, own: Sequence[Document], first: Sequence[int], shared: int, cache: Any) -> tuple[Tensor, Tensor]:
        """Flat logits of the tokens from `first` on in each document (but for the shared ones), and these tokens."""
        ids, _ = self._padded([item.ids[shared:-1] for item in own])
        target = np.arange(shared + 1, shared + 1 + ids.shape[1])
        ends = np.array([len(item.ids) for item in own])[:, None]
        from_here = np.maximum(np.array(first), shared + 1)[:, None]
        where = torch.as_tensor((target >= from_here) & (target < ends), device=self.device)
        right = np.concatenate([item.ids[max(at, shared + 1) :] for item, at in zip(own, first, strict=True)])
        given: dict[str, Any] = {"use_cache": False}
        if self.seq2seq:
            contexts, mask = self._padded([item.context for item in own])
            given |= {"input_ids": contexts, "attention_mask": mask, "decoder_input_ids": ids}
        else:
            given["input_ids"] = ids
            real = np.array([item.real for item in own])[:, None]
            if (real < ends).any():  # padding that counts in the loss is not attended to
                given["attention_mask"] = torch.as_tensor(target - 1 < real, device=self.device).long()
        if cache is not None:
            given |= {self._cache_name: cache, "use_cache": True}
        with self._only_at(where):
            logits = self.model(**given).logits
        return _flat(logits, where), torch.as_tensor(right, device=self.device)

    def _padded(self, rows: Sequence[np.ndarray[Any, Any]]) -> tuple[Tensor, Tensor]:
        """Rows padded on the right, and which of them is real."""
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self.pad, dtype=np.int64)
        for place, row in zip(ids, rows, strict=True):
            place[: len(row)] = row
        mask = np.arange(width) < np.array([len(row) for row in rows])[:, None]
        return torch.as_tensor(ids, device=self.device), torch.as_tensor(mask, device=self.device).long()

    @contextlib.contextmanager
    def _only_at(self, where: Tensor) -> Iterator[None]:
        """Let the output layer see the chosen positions only, so that logits come out flat."""
        head = self._own.get_output_embeddings()
        if head is None:
            yield
            return
        handle = head.register_forward_pre_hook(lambda _module, inputs: (inputs[0][where], *inputs[1:]))
        try:
            yield
        finally:
            handle.remove()


def _flat(logits: Tensor, where: Tensor) -> Tensor:
    """Logits of the chosen positions in float32, whether or not the model has left out the others."""
    return (logits if logits.dim() == 2 else logits[where]).float()
