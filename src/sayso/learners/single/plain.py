"""Reading by ordinary calls of the whole model, as anybody would make them: for models that do more than their parts.

Some scale or cap logits behind the output layer, use token ids for more than an embedding, or come with code of their
own. Nothing is shared and nothing taken apart; logits are the model's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.utils import ModelOutput

from sayso.learners.encoding import Document, Ids
from sayso.learners.single.generation import NO_RULES, Rules
from sayso.learners.single.grouping import Group
from sayso.learners.single.reader import (
    Completions,
    Device,
    base_of,
    cache_name,
    has_own_code,
    keeps_all,
    new_cache,
    scored,
    takes,
    vocabulary_of,
)

#: Which documents may be rows of one call: any, padded on the right; those of one length; only one.
Company = Literal["padded", "one length", "alone"]


class PlainReader(Device):
    """See above, and `sayso.learners.single.reader.Reader`."""

    name = "plain"
    shares = False

    def __init__(
        self, model: Any, pad: int, device: torch.device, company: Company = "padded", rules: Rules = NO_RULES
    ) -> None:
        super().__init__(pad, device, rules, vocabulary_of(model))
        self.model, self.company = model, company
        own = base_of(model)
        self.config = own.config
        self.seq2seq: bool = self.config.is_encoder_decoder
        known = takes(own)
        self._cuts, self._may_cache = "logits_to_keep" in known, "use_cache" in known
        self._cache_name = cache_name(own)
        proven = self._cache_name is not None and keeps_all(self.config) and not has_own_code(own)
        self.remembers = proven and company == "padded"
        self.places = self.remembers and not self.seq2seq and {"position_ids", "attention_mask"} <= known

    @property
    def root(self) -> Any:
        """The whole model; see `Reader.root`."""
        return self.model

    def loss(self, documents: Sequence[Document], groups: Sequence[Group]) -> Tensor:
        """See `Reader.loss`."""
        total = torch.zeros((), device=self.device)
        for rows in self._calls(documents, groups):
            own = [documents[row] for row in rows]
            logits, target = self._predictions(own, [item.first for item in own])
            total = total + torch.nn.functional.cross_entropy(logits, target, reduction="sum")
        return total

    @torch.no_grad()
    def completions(self, documents: Sequence[Document], groups: Sequence[Group]) -> Completions:
        """See `Reader.completions`."""
        found = []
        for rows in self._calls(documents, groups):
            own = [documents[row] for row in rows]
            logits, target = self._predictions(own, [item.start for item in own])
            found.append(scored(documents, [Group(tuple(rows))], logits, target.cpu().numpy(), self.rules))
        return Completions(
            [row for part in found for row in part.rows],
            np.concatenate([part.loss for part in found]),
            [said for part in found for said in part.said],
        )

    def start(self, contexts: Sequence[Ids]) -> dict[str, Any]:
        """See `Reader.start`."""
        state: dict[str, Any] = {}
        if self.seq2seq:
            state["input_ids"], state["attention_mask"] = self.padded(contexts)
        if self.remembers:
            assert self._cache_name is not None
            state[self._cache_name] = new_cache(self.config)
            if self.seq2seq:
                read = base_of(self.model).get_encoder()(
                    **{name: state[name] for name in ("input_ids", "attention_mask")}
                )
                state["encoder_outputs"] = type(read)(last_hidden_state=read.last_hidden_state)
        return state

    def keep(self, state: dict[str, Any], rows: Tensor) -> None:
        """See `Reader.keep`."""
        for name, value in state.items():
            if isinstance(value, Tensor):
                state[name] = value[rows]
            elif isinstance(value, ModelOutput):
                state[name] = type(value)(last_hidden_state=value.last_hidden_state[rows])
            else:
                value.batch_select_indices(rows)

    def last_logits(self, ids: Tensor, state: dict[str, Any], **more: Any) -> Tensor:
        """See `Reader.last_logits`."""
        if self.remembers:
            given = {name: value for name, value in state.items() if not self.seq2seq or name != "input_ids"}
            return self._logits(ids, 1, {**given, **more}, use_cache=True)[:, -1].float()
        if not self.seq2seq:
            return self._apart(ids, {}, [0] * len(ids))
        return self._apart(ids, state, state["attention_mask"].sum(1).tolist())

    def _apart(self, ids: Tensor, state: dict[str, Any], lengths: Sequence[int]) -> Tensor:
        """Logits after rows of one length, those together that may go together; `lengths` of what an encoder reads."""
        result: list[Tensor] = [ids] * len(ids)
        for rows in self._together(lengths):
            width = max(lengths[row] for row in rows)
            given = {name: value[rows, :width] for name, value in state.items()}
            for row, logits in zip(rows, self._logits(ids[rows], 1, given, use_cache=False)[:, -1], strict=True):
                result[row] = logits
        return torch.stack(result).float()

    def _together(self, kinds: Sequence[Any]) -> list[list[int]]:
        """Rows by position, those of one kind (of one length, say) together where that is needed."""
        rows = range(len(kinds))
        if self.company == "padded":
            return [list(rows)]
        if self.company == "alone":
            return [[row] for row in rows]
        order = sorted(rows, key=lambda row: kinds[row])
        return [list(part) for _, part in itertools.groupby(order, key=lambda row: kinds[row])]

    def _calls(self, documents: Sequence[Document], groups: Sequence[Group]) -> list[list[int]]:
        """Which documents are rows of which call."""
        return [
            [part.rows[at] for at in own]
            for part in groups
            for own in self._together([(len(documents[row].ids), len(documents[row].context)) for row in part.rows])
        ]

    def _predictions(self, own: Sequence[Document], first: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Logits of the tokens from `first` on in each document, one after the other, and these tokens."""
        ids, _ = self.padded([item.ids[:-1] for item in own])
        given: dict[str, Any] = {}
        if self.seq2seq:
            given["input_ids"], given["attention_mask"] = self.padded([item.context for item in own])
        else:
            real = np.minimum([item.real for item in own], [len(item.ids) - 1 for item in own])[:, None]
            if (real < ids.shape[1]).any():
                given["attention_mask"] = self.tensor(np.arange(ids.shape[1]) < real).long()
        kept = ids.shape[1] - min(first) + 1
        logits = self._logits(ids, kept, given, use_cache=False)
        places = np.arange(ids.shape[1] - logits.shape[1], ids.shape[1]) + 1
        ends = np.array([len(item.ids) for item in own])[:, None]
        where: NDArray[np.bool_] = (places >= np.array(first)[:, None]) & (places < ends)
        target = np.concatenate([item.ids[start:] for item, start in zip(own, first, strict=True)])
        return logits[self.tensor(where)].float(), self.tensor(target)

    def _logits(self, ids: Tensor, kept: int, given: dict[str, Any], *, use_cache: bool) -> Tensor:
        """The model's logits, at least those of the last `kept` positions, shape (rows, positions, vocabulary)."""
        name = "decoder_input_ids" if self.seq2seq else "input_ids"
        cut = {"logits_to_keep": kept} if self._cuts and kept < ids.shape[1] else {}
        memory = {"use_cache": use_cache} if self._may_cache else {}
        logits: Tensor = self.model(**{name: ids}, **given, **cut, **memory).logits
        return logits
