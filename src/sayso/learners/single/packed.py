"""Reading of documents that lie in one row, without padding and with shared beginnings read once.

A row is one call of the backbone whatever the lengths of its documents (`sayso.learners.single.packing`), and attention
keeps them apart (`sayso.learners.single.packed_attention`). What goes to the device goes in one copy that is not waited
for. Whatever is not read in rows (decoding, gradients of single documents) is read by the bucketed reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sayso.learners.cross_entropy import Targets, said
from sayso.learners.encoding import Document
from sayso.learners.modules import drops
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.compiled import compiled_twin
from sayso.learners.single.generation import Rules
from sayso.learners.single.grouping import Group
from sayso.learners.single.packed_attention import NAME, Layout, has_flash
from sayso.learners.single.packing import Block, Packed, pack, tokens_needed
from sayso.learners.single.reader import Completions, base_of, cache_name, scored, takes, window_of

Indices = NDArray[np.int64]

#: Most tokens of a row: as many as stay in a CPU's cache, or as keep a GPU busy.
TOKENS = {"cpu": 2048, "cuda": 16384}
#: Rows are filled up to a multiple of so many tokens: whole tiles of a GPU's matrix products.
TILE = {"cuda": 128}


class Row(nn.Module):
    """A causal model's parts, put together so that one forward pass reads a row."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.backbone, self.head = own.base_model, own.get_output_embeddings()

    def forward(self, ids: Tensor, positions: Tensor, layout: Layout, at: Tensor, targets: Targets | None) -> Tensor:
        """Logits at some tokens of the row, shape (tokens, vocabulary), or the loss of `targets` predicted there."""
        given = {"input_ids": ids[None], "position_ids": positions[None], "attention_mask": layout.mask}
        read = self.backbone(**given, packed=layout, use_cache=False)
        return said(self.head, read.last_hidden_state[0].index_select(0, at), targets)


def may_pack(model: Any) -> bool:
    """Whether a model's attention can be named by its configuration, and is told which tokens are where."""
    own = base_of(model)
    named = own._supports_attention_backend and own.config._attn_implementation in ("sdpa", NAME)
    placed = "position_ids" in takes(own) and cache_name(own) is not None and not own.config.is_encoder_decoder
    return bool(named and placed and window_of(own.config) > 0)


class PackedReader(BucketedReader):
    """See above, and `sayso.learners.single.reader.Reader`. `row` is the module that reads a row.

    `tokens`: most tokens of a row. `tile`: of how many tokens its length is a multiple. `compiled`: what the model is
    called in messages, where its blocks are to be compiled for losses.

    Raises
    ------
    SaysoError, ValueError
        If its blocks cannot be compiled (`sayso.learners.single.compiled`).
    """

    row: Any

    name = "packed"
    shares_checkpointed = True

    def __init__(
        self, model: Any, pad: int, device: torch.device, rules: Rules, *, compiled: str | None = None
    ) -> None:
        super().__init__(model, pad, device, rules)
        own = base_of(model)
        own.config._attn_implementation = NAME
        self._apart, self.row = BucketedReader(model, pad, device, rules), Row(own)
        self._for_losses = self.row
        if compiled is not None:
            self.name, self._for_losses = "compiled", Row(compiled_twin(own, compiled))
        self.shares = True
        self.tokens, self.tile = TOKENS.get(device.type, 16384), TILE.get(device.type, 1)
        self._window, self._handed_on = window_of(own.config), torch.zeros(1, 1, 1, 1, device=device)
        size = getattr(own.config, "head_dim", None) or own.config.hidden_size // own.config.num_attention_heads
        self._flash = has_flash(device, size) and not any(drops(module) for module in model.modules())

    @property
    def apart(self) -> BucketedReader:
        """A bucketed reader: in a row nothing tells documents apart; see `Reader.apart`."""
        return self._apart

    @property
    def root(self) -> Any:
        """What reads a row; see `Reader.root`."""
        return self.row

    def plan(
        self,
        documents: Sequence[Document],
        counts: Sequence[int],
        most_rows: int | None,
        *,
        share: bool,
        half: bool = False,  # noqa: ARG002
    ) -> list[list[Group]]:
        """Rows of about equally many tokens; see `Reader.plan`."""
        if not documents:
            return []
        shared = max(len(item.ids) for item in documents) if share else 0
        order, added = tokens_needed(documents, shared)
        most = int(added.sum()) / max(1, -(-int(added.sum()) // self.tokens))
        rows: list[list[int]] = []
        tokens = outputs = 0
        for row, more in zip(order.tolist(), added.tolist(), strict=True):
            full = (
                tokens >= most or outputs + counts[row] > self.outputs or len(rows[-1]) == most_rows if rows else True
            )
            if full:
                rows.append([])
                tokens, more, outputs = 0, len(documents[row].ids) - 1, 0
            rows[-1].append(row)
            tokens, outputs = tokens + more, outputs + counts[row]
        return [[Group(tuple(own), shared)] for own in rows]

    def loss(self, documents: Sequence[Document], groups: Sequence[Group]) -> Tensor:
        """See `Reader.loss`."""
        if self._too_long(documents, groups):
            return self.apart.loss(documents, _apart(groups))
        return torch.stack([self._read(documents, part, "first") for part in groups]).sum()

    @torch.no_grad()
    def completions(self, documents: Sequence[Document], groups: Sequence[Group]) -> Completions:
        """See `Reader.completions`."""
        if self._too_long(documents, groups):
            return self.apart.completions(documents, _apart(groups))
        logits = [self._read(documents, part, "start") for part in groups]
        target = np.concatenate([documents[row].ids[documents[row].start :] for part in groups for row in part.rows])
        return scored(documents, groups, torch.cat(logits).float(), target, self.rules)

    def _too_long(self, documents: Sequence[Document], groups: Sequence[Group]) -> bool:
        """Whether some documents are longer than what all of the model's layers see at once."""
        return max(len(documents[row].ids) for part in groups for row in part.rows) > self._window

    def _read(self, documents: Sequence[Document], part: Group, begin: Literal["first", "start"]) -> Tensor:
        """The summed loss of what counts in documents, or the logits of their completions, one after the other."""
        own = [documents[row] for row in part.rows]
        row = pack(own, part.shared, tile=self.tile, pad=self.pad)
        begins = np.array([getattr(item, begin) for item in own])
        at = np.arange(row.paths.shape[1]) + 1
        counts = (at >= begins[:, None]) & (at <= row.lengths[: len(own), None])
        told = row.paths[: len(own)][counts]
        if begin == "start":
            laid_out, (where,) = self._laid_out(row, told)
            logits: Tensor = self.row(*laid_out, where, None)
            return logits
        target = np.concatenate([item.ids[start:] for item, start in zip(own, begins.tolist(), strict=True)])
        order = np.argsort(told, kind="stable")
        predicting, place = np.unique(told[order], return_inverse=True)
        laid_out, (where, right, placed) = self._laid_out(row, predicting, target[order], place)
        loss: Tensor = self._for_losses(*laid_out, where, Targets(right, placed, place, self.loss_outputs))
        return loss

    def _laid_out(self, row: Packed, *more: Indices) -> tuple[tuple[Tensor, Tensor, Layout], list[Tensor]]:
        """A row's tokens, their positions and where documents are in it, and more, on the device."""
        ragged = self._flash and half_precision(self.device) and all(block.real is None for block in row.blocks)
        places, first = row.without_padding() if ragged else (row.places(), row.first)
        begins = np.append(0, np.cumsum(row.lengths[row.order]))
        sent = self.tensors(row.ids, row.positions, places, first, begins, *more)
        layout = Layout(
            mask=self._handed_on,
            places=sent[2],
            first=sent[3],
            shared=row.shared,
            blocks=tuple((block.documents, block.width, self._mask(block)) for block in row.blocks),
            ragged=(sent[4].to(torch.int32), int(row.lengths.max())) if ragged else None,
        )
        return (sent[0], sent[1], layout), sent[5:]

    def _mask(self, block: Block) -> Tensor | None:
        """Who attends to whom in documents whose padding is read, shape (documents, 1, width, width)."""
        if block.real is None:
            return None
        at = torch.arange(block.width, device=self.device)
        return (at <= at[:, None]) & (at < self.tensor(block.real)[:, None, None, None])


def _apart(groups: Sequence[Group]) -> list[Group]:
    """Groups that share nothing."""
    return [Group(part.rows) for part in groups]


def half_precision(device: torch.device) -> bool:
    """Whether matrix products on a device are taken in bfloat16 just now."""
    return torch.is_autocast_enabled(device.type) and torch.get_autocast_dtype(device.type) == torch.bfloat16
