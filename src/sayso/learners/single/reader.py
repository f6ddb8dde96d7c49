"""Forward passes of a model of transformers that compute no logit, no padding and no shared beginning without need."""

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

from sayso.learners.encoding import Document
from sayso.learners.single.grouping import Group

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Completions:
    """What a model makes of the completions of documents.

    `rows`: which documents. `loss`: mean loss of each one's completion, shape (documents,). `said`: the likeliest token
    at each place of it, given all the right ones before, one list a document.
    """

    rows: list[int]
    loss: np.ndarray[Any, np.dtype[np.float64]]
    said: list[list[int]]


class _Outputs:
    """The last hidden states that logits are needed of, gathered over several passes, and which tokens they predict.

    The output layer is the widest of a small model: it runs once, in the last pass, on all that was gathered.
    """

    def __init__(self) -> None:
        self._hidden: list[Tensor] = []
        self.count = 0
        self.index: list[Array] = []
        self.target: list[Array] = []

    def predict(self, index: Array, target: Array) -> None:
        """Note that the hidden states at `index` (of all gathered so far and in the next pass) predict `target`."""
        self.index.append(index)
        self.target.append(target)

    def gather(self, hidden: Tensor, *, last: bool) -> Tensor:
        """Take in hidden states; give nothing for the output layer to do until the last."""
        self._hidden.append(hidden)
        self.count += len(hidden)
        return torch.cat(self._hidden) if last else hidden[:0]


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

    def loss(self, documents: Sequence[Document], groups: Sequence[Group]) -> Tensor:
        """Sum of the losses of the counted tokens of some groups, a scalar to go backward from."""
        logits, index, target = self._predictions(documents, groups, [item.first for item in documents], whole=True)
        log_p = logits.log_softmax(-1)
        return -log_p[torch.as_tensor(index, device=self.device), torch.as_tensor(target, device=self.device)].sum()

    @torch.no_grad()
    def completions(self, documents: Sequence[Document], groups: Sequence[Group]) -> Completions:
        """Score the completions of some groups."""
        starts = [item.start for item in documents]
        logits, _, target = self._predictions(documents, groups, starts, whole=False)
        targets = torch.as_tensor(target, device=self.device)
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none").cpu().double().numpy()
        said = logits.argmax(-1).cpu().numpy()
        rows = [row for part in groups for row in part.rows]
        ends = np.cumsum([len(documents[row].ids) - starts[row] for row in rows])[:-1]
        return Completions(
            rows,
            np.array([part.mean() for part in np.split(loss, ends)]),
            [part.tolist() for part in np.split(said, ends)],
        )

    def start(self, contexts: Sequence[Array]) -> dict[str, Any]:
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
        with self._gathered(where, _Outputs(), last=True):
            logits: Tensor = self.model(**{name: ids}, **state, **more, use_cache=self.remembers).logits
        return logits.float()

    def new_cache(self) -> Any:
        """An empty memory of keys and values."""
        own = DynamicCache(config=self.config)
        return EncoderDecoderCache(own, DynamicCache(config=self.config)) if self.seq2seq else own

    def _predictions(
        self, documents: Sequence[Document], groups: Sequence[Group], first: Sequence[int], *, whole: bool
    ) -> tuple[Tensor, Array, Array]:
        """Read groups of documents; give logits, and which of them predicts which token, from `first` on in each.

        With `whole`, first tokens that are shared count too, once for each document; without, none of them may count.
        """
        outputs = _Outputs()
        sequences = [[documents[row].ids[part.shared : -1] for row in part.rows] for part in groups]
        beginnings = [documents[part.rows[0]].ids[None, : part.shared] for part in groups]
        tokens = [ids for part in zip(beginnings, map(self._filled, sequences), strict=True) for ids in part]
        logits = torch.zeros(())
        with self._embedded_once(tokens):
            for at, part in enumerate(groups):
                own, places = [documents[row] for row in part.rows], [first[row] for row in part.rows]
                cache = self._beginning(own, places, part.shared, outputs, whole=whole)
                logits = self._rest(own, places, part.shared, cache, outputs, last=at == len(groups) - 1)
        return logits.float(), np.concatenate(outputs.index), np.concatenate(outputs.target)

    def _beginning(
        self, own: Sequence[Document], first: Sequence[int], shared: int, outputs: _Outputs, *, whole: bool
    ) -> Any:
        """Read what all documents of a group begin with; give the cache, one row a document.

        The last of these tokens predicts each document's next one, which may be another for each.
        """
        if not shared:
            return None
        cache = self.new_cache()
        ids = torch.as_tensor(own[0].ids[None, :shared], device=self.device)
        places = [(row, at) for row, start in enumerate(first) for at in range(start, shared + 1)] if whole else []
        where = torch.zeros_like(ids, dtype=torch.bool)
        if places:
            lowest = min(at for _, at in places)
            where[:, lowest - 1 :] = True
            index = np.array([outputs.count + at - lowest for _, at in places])
            outputs.predict(index, np.array([own[row].ids[at] for row, at in places]))
        with self._gathered(where, outputs, last=False):
            self.model(input_ids=ids, **{self._cache_name: cache}, use_cache=True)
        cache.batch_repeat_interleave(len(own))
        return cache

    def _rest(
        self, own: Sequence[Document], first: Sequence[int], shared: int, cache: Any, outputs: _Outputs, *, last: bool
    ) -> Tensor:
        """Read documents from where they no longer share; give logits after the last pass."""
        ids, _ = self._padded([item.ids[shared:-1] for item in own])
        target = np.arange(shared + 1, shared + 1 + ids.shape[1])
        ends = np.array([len(item.ids) for item in own])[:, None]
        begins = np.maximum(np.array(first), shared + 1)
        where = torch.as_tensor((target >= begins[:, None]) & (target < ends), device=self.device)
        right = np.concatenate([item.ids[begin:] for item, begin in zip(own, begins.tolist(), strict=True)])
        outputs.predict(np.arange(outputs.count, outputs.count + len(right)), right)
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
        with self._gathered(where, outputs, last=last):
            logits: Tensor = self.model(**given).logits
        return logits

    @contextlib.contextmanager
    def _embedded_once(self, tokens: Sequence[Array]) -> Iterator[None]:
        """Look all passes' tokens up in the input embedding at once, so that its gradient is made once.

        The passes must come in the order of `tokens`; those of no tokens are left out.
        """
        if self.seq2seq or not torch.is_grad_enabled():
            yield
            return
        tokens = [ids for ids in tokens if ids.size]
        layer = self._own.get_input_embeddings()
        flat = torch.as_tensor(np.concatenate([ids.ravel() for ids in tokens]), device=self.device)
        parts = iter(layer(flat).split([ids.size for ids in tokens]))
        forward = layer.forward
        layer.forward = lambda ids: next(parts).view(*ids.shape, -1)
        try:
            yield
        finally:
            layer.forward = forward

    @contextlib.contextmanager
    def _gathered(self, where: Tensor, outputs: _Outputs, *, last: bool) -> Iterator[None]:
        """Gather the hidden states at the chosen positions in place of computing logits, until the last pass."""
        head = self._own.get_output_embeddings()
        handle = head.register_forward_pre_hook(
            lambda _module, inputs: (outputs.gather(inputs[0][where], last=last), *inputs[1:])
        )
        try:
            yield
        finally:
            handle.remove()

    def _filled(self, rows: Sequence[Array]) -> Array:
        """Rows padded on the right."""
        ids = np.full((len(rows), max(map(len, rows))), self.pad, dtype=np.int64)
        for place, row in zip(ids, rows, strict=True):
            place[: len(row)] = row
        return ids

    def _padded(self, rows: Sequence[Array]) -> tuple[Tensor, Tensor]:
        """Rows padded on the right as tensors, and which of them is real."""
        ids = self._filled(rows)
        mask = np.arange(ids.shape[1]) < np.array([len(row) for row in rows])[:, None]
        return torch.as_tensor(ids, device=self.device), torch.as_tensor(mask, device=self.device).long()
