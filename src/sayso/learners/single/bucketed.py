"""Reading that computes no logit, no padding and no shared beginning without need.

Documents of about one length are rows of one pass; what they all begin with is read once, and its keys and values are
handed on. A bundle is read by one call of one module: the input embedding looks up the tokens of all its passes at
once (so that its gradient is made once), the backbone reads them pass by pass, and the output layer, the widest of a
small model, runs once on the hidden states that logits are needed of.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sayso.learners.cross_entropy import Targets, said
from sayso.learners.encoding import Document, Ids
from sayso.learners.single.generation import Rules
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

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pass:
    """One pass of the backbone.

    `ids`: shape (rows, length). `at`: where logits are needed, as positions in the rows laid end to end. `cache`: keys
    and values of what was read before, to which this pass adds; afterwards each row of it is there `repeat` times.
    `given`: further arguments. `context`: what an encoder reads, and which of it is real.
    """

    ids: Tensor
    at: Tensor
    cache: Any = None
    repeat: int = 1
    given: dict[str, Any] = field(default_factory=dict)
    context: tuple[Tensor, Tensor] | None = None


class Decoder(nn.Module):
    """A causal model's parts, put together so that one forward pass reads a bundle."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.backbone, self.embedding = own.base_model, own.get_input_embeddings()
        self.head = own.get_output_embeddings()
        self._cache_name = cache_name(self.backbone) or "past_key_values"

    def forward(self, passes: Sequence[Pass], targets: Targets | None = None) -> Tensor:
        """Logits where they are needed, pass after pass, shape (positions, vocabulary), or the loss of `targets`."""
        tokens = torch.cat([part.ids.flatten() for part in passes])
        embedded = self.embedding(tokens)
        ends = list(itertools.accumulate(part.ids.numel() for part in passes))
        hidden = []
        for part, begin, end in zip(passes, [0, *ends], ends, strict=False):
            own = embedded[begin:end]  # not `split`, whose parts cannot be written in place, as some models do
            memory = {} if part.cache is None else {self._cache_name: part.cache}
            read = self.backbone(
                inputs_embeds=own.view(*part.ids.shape, -1), **memory, **part.given, use_cache=part.cache is not None
            )
            hidden.append(read.last_hidden_state.flatten(0, 1)[part.at])
            if part.repeat > 1:
                part.cache.batch_repeat_interleave(part.repeat)
        return said(self.head, torch.cat(hidden), targets)


class EncoderDecoder(nn.Module):
    """A sequence-to-sequence model's parts, put together so that one forward pass reads a bundle.

    T5 and its kin multiply the decoder's hidden states by a constant before the output layer.
    """

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = own.get_encoder(), own.get_decoder(), own.get_output_embeddings()
        self._cache_name = cache_name(self.decoder) or "past_key_values"
        self._scale = own.model_dim**-0.5 if getattr(own.config, "scale_decoder_outputs", False) else None

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states of what the encoder reads, shape (rows, length, width)."""
        hidden: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden

    def forward(self, passes: Sequence[Pass], targets: Targets | None = None) -> Tensor:
        """Logits where they are needed, pass after pass, shape (positions, vocabulary), or the loss of `targets`."""
        hidden = []
        for part in passes:
            given = dict(part.given)
            if part.context is not None:
                ids, mask = part.context
                given |= {"encoder_hidden_states": self.encode(ids, mask), "encoder_attention_mask": mask}
            if part.cache is not None:
                given[self._cache_name] = part.cache
            read = self.decoder(input_ids=part.ids, **given, use_cache=part.cache is not None).last_hidden_state
            hidden.append((read if self._scale is None else read * self._scale).flatten(0, 1)[part.at])
        return said(self.head, torch.cat(hidden), targets)


class BucketedReader(Device):
    """See above, and `sayso.learners.single.reader.Reader`.

    `body` is the module that reads a bundle. It holds the model's own parts, and may be compiled, or sharded as a root.
    """

    name = "bucketed"

    def __init__(self, model: Any, pad: int, device: torch.device, rules: Rules) -> None:
        super().__init__(pad, device, rules, vocabulary_of(model))
        own = base_of(model)
        self.config = own.config
        self.seq2seq: bool = self.config.is_encoder_decoder
        self.body: Any = EncoderDecoder(own) if self.seq2seq else Decoder(own)
        self.remembers = cache_name(own) is not None and keeps_all(self.config) and not has_own_code(own)
        self.shares = self.remembers and not self.seq2seq
        self.places = not self.seq2seq and "position_ids" in takes(own)

    @property
    def root(self) -> Any:
        """What reads a bundle; see `Reader.root`."""
        return self.body

    def loss(self, documents: Sequence[Document], groups: Sequence[Group]) -> Tensor:
        """See `Reader.loss`."""
        passes, index, target = self._passes(documents, groups, [item.first for item in documents], whole=True)
        order = np.argsort(index, kind="stable")
        right, where = self.tensors(target[order], index[order])
        loss: Tensor = self.body(passes, Targets(right, where, index[order], self.loss_outputs))
        return loss

    @torch.no_grad()
    def completions(self, documents: Sequence[Document], groups: Sequence[Group]) -> Completions:
        """See `Reader.completions`."""
        passes, _, target = self._passes(documents, groups, [item.start for item in documents], whole=False)
        logits: Tensor = self.body(passes)
        return scored(documents, groups, logits.float(), target, self.rules)

    def start(self, contexts: Sequence[Ids]) -> dict[str, Any]:
        """See `Reader.start`."""
        state: dict[str, Any] = {"cache": new_cache(self.config) if self.remembers else None}
        if self.seq2seq:
            ids, mask = self.padded(contexts)
            state["encoder_hidden_states"], state["encoder_attention_mask"] = self.body.encode(ids, mask), mask
        return state

    def keep(self, state: dict[str, Any], rows: Tensor) -> None:
        """See `Reader.keep`."""
        for name, value in state.items():
            if isinstance(value, Tensor):
                state[name] = value[rows]
        if self.remembers:
            state["cache"].batch_select_indices(rows)

    def last_logits(self, ids: Tensor, state: dict[str, Any], **more: Any) -> Tensor:
        """See `Reader.last_logits`."""
        rows, length = ids.shape
        last = torch.arange(1, rows + 1, device=self.device) * length - 1
        given = {name: value for name, value in state.items() if name != "cache"}
        logits: Tensor = self.body([Pass(ids, last, state["cache"], given={**given, **more})])
        return logits.float()

    def _passes(
        self, documents: Sequence[Document], groups: Sequence[Group], first: Sequence[int], *, whole: bool
    ) -> tuple[list[Pass], Indices, Indices]:
        """The passes of a bundle, which row of its logits predicts a token from `first` on, and which token that is.

        With `whole`, first tokens that are shared count too, once for each document; without, none of them may count.
        """
        passes: list[Pass] = []
        index: list[Indices] = []
        target: list[Indices] = []
        count = 0
        for part in groups:
            own, places = [documents[row] for row in part.rows], [first[row] for row in part.rows]
            cache = None
            if part.shared:
                cache = new_cache(self.config)
                told = [(row, at) for row, start in enumerate(places) for at in range(start, part.shared + 1)]
                told = told if whole else []
                lowest = min((at for _, at in told), default=part.shared + 1)
                index.append(np.array([count + at - lowest for _, at in told], dtype=np.int64))
                target.append(np.array([own[row].ids[at] for row, at in told], dtype=np.int64))
                where = self.tensor(np.arange(lowest - 1, part.shared))
                passes.append(Pass(self.tensor(own[0].ids[None, : part.shared]), where, cache, len(own)))
                count += len(where)
            rest, right = self._rest(own, places, part.shared, cache)
            index.append(np.arange(count, count + len(right)))
            target.append(right)
            passes.append(rest)
            count += len(right)
        return passes, np.concatenate(index), np.concatenate(target)

    def _rest(self, own: Sequence[Document], first: Sequence[int], shared: int, cache: Any) -> tuple[Pass, Indices]:
        """The pass over documents from where they no longer share, and the tokens it predicts."""
        ids, _ = self.padded([item.ids[shared:-1] for item in own])
        places = np.arange(shared + 1, shared + 1 + ids.shape[1])
        ends = np.array([len(item.ids) for item in own])[:, None]
        begins = np.maximum(np.array(first), shared + 1)
        where = self.tensor(np.flatnonzero((places >= begins[:, None]) & (places < ends)))
        right = np.concatenate([item.ids[begin:] for item, begin in zip(own, begins.tolist(), strict=True)])
        if self.seq2seq:
            return Pass(ids, where, context=self.padded([item.context for item in own])), right
        given: dict[str, Any] = {}
        real = np.array([item.real for item in own])[:, None]
        if (real < ends).any():  # padding that counts in the loss is not attended to
            given["attention_mask"] = self.tensor(places - 1 < real).long()
        return Pass(ids, where, cache, given=given), right
