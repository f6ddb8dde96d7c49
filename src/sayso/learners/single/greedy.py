"""Greedy decoding: the likeliest token, again and again, with keys and values kept and finished rows dropped.

What a model is made to say, or never says, is the reader's `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sayso.learners.encoding import Ids
from sayso.learners.single.generation import Said
from sayso.learners.single.reader import Reader

#: Told which rows go on and what each has said so far, gives which of them are done.
Done = Callable[[Sequence[int], Sequence[list[int]]], Sequence[bool]]


@dataclass(frozen=True)
class Begun:
    """A text to be continued: what an encoder reads (empty for a causal model), and what the decoder has so far.

    `said`: how many tokens at its end are said by the model already.
    """

    context: Ids
    ids: Ids
    said: int = 0


@torch.no_grad()
def continue_greedily(reader: Reader, texts: Sequence[Begun], done: Done, most_rows: int | None) -> list[Said]:
    """Continue each text until `done` says so; give what is new.

    Texts of about one length go side by side: padded on the left, with pads never attended to and positions counted
    without them; or, where a model cannot be told positions or keeps no keys and values, only texts of just one length.
    """
    said = [Said([], []) for _ in texts]
    lengths = np.array([len(text.ids) for text in texts])
    order = np.argsort(lengths, kind="stable")
    if not texts:
        return said
    parts = [order] if reader.places and reader.remembers else np.split(order, _changes(lengths[order]))
    for part in parts:
        pieces = 1 if most_rows is None else -(-len(part) // most_rows)
        for rows in np.array_split(part, pieces):
            if len(rows):
                _continue(reader, texts, rows.tolist(), done, said)
    return said


def _continue(reader: Reader, texts: Sequence[Begun], rows: list[int], done: Done, said: list[Said]) -> None:
    """Continue some texts side by side, adding to `said`."""
    state = reader.start([texts[row].context for row in rows])
    ids, mask = left_padded([texts[row].ids for row in rows], reader)
    read = ids
    while True:
        logits = reader.last_logits(read, state, **placed(read, mask, reader))
        new, found = reader.rules.likeliest(logits, [texts[row].said + len(said[row].tokens) for row in rows])
        for row, token, rivals in zip(rows, found.tokens, found.rivals, strict=True):
            said[row].tokens.append(token)
            said[row].rivals.append(rivals)
        finished = done(rows, [said[row].tokens for row in rows])
        left = [at for at, end in enumerate(finished) if not end]
        if not left:
            return
        kept = torch.as_tensor(left, device=ids.device)
        if len(left) < len(rows):
            rows = [rows[at] for at in left]
            ids, mask, new = ids[kept], mask[kept], new[kept]
            reader.keep(state, kept)
        ids = torch.cat([ids, new[:, None]], dim=1)
        mask = torch.cat([mask, torch.ones_like(new)[:, None]], dim=1)
        read = new[:, None] if reader.remembers else ids


def left_padded(rows: Sequence[Ids], reader: Reader) -> tuple[Tensor, Tensor]:
    """Rows padded on the left as tensors, and which of them is real (1 or 0)."""
    width = max(map(len, rows))
    ids = np.full((len(rows), width), reader.pad, dtype=np.int64)
    for place, row in zip(ids, rows, strict=True):
        place[width - len(row) :] = row
    mask = np.arange(width) >= width - np.array([len(row) for row in rows])[:, None]
    return torch.as_tensor(ids, device=reader.device), torch.as_tensor(mask, device=reader.device).long()


def placed(read: Tensor, mask: Tensor, reader: Reader) -> dict[str, Tensor]:
    """Attention mask and positions of rows that are padded on the left, of which the last tokens are read now."""
    if not reader.places or bool(mask.all()):
        return {}
    position = (mask.cumsum(1) - 1).clamp(min=0)
    return {"attention_mask": mask, "position_ids": position[:, -read.shape[1] :]}


def _changes(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.flatnonzero(np.diff(values)) + 1
