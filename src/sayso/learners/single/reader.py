"""How one big model is read: what every way of reading it promises.

A reader is given documents and groups of them and gives losses and scores; for decoding it carries along what was read.
`sayso.learners.single.bucketed` computes no padding, no shared beginning and no logit without need;
`sayso.learners.single.plain` calls the whole model as anybody would. `sayso.learners.single.proving` chooses.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from sayso.learners.device import carried
from sayso.learners.encoding import Document, Ids
from sayso.learners.single.generation import Rules, Said
from sayso.learners.single.grouping import Group, bundles, group

#: What a pass costs beside its tokens, in tokens, by kind of device.
PASS_OVERHEAD = {"cpu": 24.0, "cuda": 1024.0}
#: How many times as many tokens that is where tokens are computed in bfloat16: on a CPU these are cheap, and a pass has
#: to read, cast and add up all weights as before.
BFLOAT16_OVERHEAD = {"cpu": 8.0}
#: Bytes of the logits that are computed at once where there are several groups of documents, by kind of device.
OUTPUT_BYTES = {"cpu": 2**29, "cuda": 2**31}
#: And of those that a loss is computed of at once: a CPU's cache, or what keeps a GPU busy.
LOSS_BYTES = {"cpu": 2**24, "cuda": 2**29}


@dataclass(frozen=True)
class Completions:
    """What a model makes of the completions of documents.

    `rows`: which documents. `loss`: mean loss of each one's completion, shape (documents,). `said`: the token the model
    says at each place of it, given all the right ones before, for each document.
    """

    rows: list[int]
    loss: NDArray[np.float64]
    said: list[Said]


class Reader(Protocol):
    """One way of reading one model.

    `pad`: a token to fill rows with. `shares`: whether tokens that documents begin with may be read once for all.
    `shares_checkpointed`: whether they may with gradient checkpointing as well, which drops keys and values that were
    handed on. `remembers`: whether decoding keeps keys and values of what was read. `places`: whether tokens are told
    their positions, so that rows of several lengths can be decoded side by side, padded on the left.
    `overhead`: the price of a pass in tokens. `rules`: what the model is made to say, and what it never says. `apart`:
    a reader of the same model, to whose layers the documents of a group are rows. `root`: the module that `loss` calls,
    which holds all weights.
    """

    name: str
    pad: int
    device: torch.device
    shares: bool
    remembers: bool
    places: bool
    overhead: float
    rules: Rules
    shares_checkpointed: bool

    @property
    def apart(self) -> Reader:
        """See above."""

    @property
    def root(self) -> Any:
        """See above."""

    def plan(
        self,
        documents: Sequence[Document],
        counts: Sequence[int],
        most_rows: int | None,
        *,
        share: bool,
        half: bool = False,
    ) -> list[list[Group]]:
        """Put documents into groups, and groups into bundles that are read at once.

        `counts`: of how many tokens of each document the loss is needed. At most `most_rows` documents go together;
        None for no limit. `share`: whether first tokens may be shared, where the reader can. `half`: whether it is
        computed in bfloat16.
        """

    def loss(self, documents: Sequence[Document], groups: Sequence[Group]) -> Tensor:
        """Sum of the losses of the counted tokens of one bundle, a scalar to go backward from."""

    def completions(self, documents: Sequence[Document], groups: Sequence[Group]) -> Completions:
        """Score the completions of one bundle."""

    def start(self, contexts: Sequence[Ids]) -> dict[str, Any]:
        """What decoding carries along from step to step; `contexts` are what an encoder reads, empty ones else."""

    def keep(self, state: dict[str, Any], rows: Tensor) -> None:
        """Drop all other rows from what decoding carries along."""

    def last_logits(self, ids: Tensor, state: dict[str, Any], **more: Any) -> Tensor:
        """Logits after the last of `ids`, shape (rows, vocabulary).

        What was read before is in `state`, where the reader remembers; otherwise `ids` are all of it. `more`: attention
        mask and positions of rows padded on the left.
        """


class Device:
    """What readers share: where tensors go, and how documents are put together there.

    `overhead`: the price of a pass in tokens; `outputs`: most tokens whose logits are computed at once; `loss_outputs`:
    most of those that a loss is computed of at once. `vocabulary`: how many tokens the model can say.
    """

    shares_checkpointed = False

    def __init__(self, pad: int, device: torch.device, rules: Rules, vocabulary: int) -> None:
        self.pad, self.device, self.rules = pad, device, rules
        self.overhead = PASS_OVERHEAD.get(device.type, 1024.0)
        held = (each.get(device.type, each["cuda"]) // (4 * vocabulary) for each in (OUTPUT_BYTES, LOSS_BYTES))
        self.outputs, self.loss_outputs = (max(1, each) for each in held)

    @property
    def apart(self) -> Any:
        """Documents of a group are rows already; see `Reader.apart`."""
        return self

    def plan(
        self,
        documents: Sequence[Document],
        counts: Sequence[int],
        most_rows: int | None,
        *,
        share: bool,
        half: bool = False,
    ) -> list[list[Group]]:
        """Rows of about one length, with shared beginnings; see `Reader.plan`."""
        overhead = self.overhead * (BFLOAT16_OVERHEAD.get(self.device.type, 1.0) if half else 1.0)
        groups = group(documents, overhead=overhead, most_rows=most_rows, share=share)
        return bundles(groups, counts, most_rows=most_rows, most=self.outputs)

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array on the device."""
        return carried(array, self.device)

    def tensors(self, *arrays: NDArray[np.int64]) -> list[Tensor]:
        """Arrays of one dimension on the device, in one copy."""
        return list(torch.split(carried(np.concatenate(arrays), self.device), [len(array) for array in arrays]))

    def padded(self, rows: Sequence[Ids]) -> tuple[Tensor, Tensor]:
        """Rows padded on the right as tensors, and which of them is real (1 or 0)."""
        ids = np.full((len(rows), max(map(len, rows))), self.pad, dtype=np.int64)
        for place, row in zip(ids, rows, strict=True):
            place[: len(row)] = row
        mask = np.arange(ids.shape[1]) < np.array([len(row) for row in rows])[:, None]
        return self.tensor(ids), self.tensor(mask).long()


def scored(
    documents: Sequence[Document], groups: Sequence[Group], logits: Tensor, target: NDArray[np.int64], rules: Rules
) -> Completions:
    """Score completions, given the logits of all their tokens one after the other, these tokens, and what is said."""
    targets = carried(target, logits.device)
    loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none").cpu().double().numpy()
    rows = [row for part in groups for row in part.rows]
    lengths = [len(documents[row].ids) - documents[row].start for row in rows]
    _, said = rules.likeliest(logits, [place for length in lengths for place in range(length)])
    ends = np.cumsum(lengths)
    return Completions(
        rows,
        np.array([part.mean() for part in np.split(loss, ends[:-1])]),
        [said.part(end - length, end) for length, end in zip(lengths, ends.tolist(), strict=True)],
    )


def base_of(model: Any) -> Any:
    """The model of transformers itself, without the low-rank additions' wrapping around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def vocabulary_of(model: Any) -> int:
    """How many tokens a model can say."""
    own = base_of(model)
    said: int | None = getattr(own.get_output_embeddings(), "out_features", None)
    return said or int(own.get_input_embeddings().num_embeddings)


def takes(module: torch.nn.Module) -> frozenset[str]:
    """Names of the arguments of a module's forward pass."""
    return frozenset(inspect.signature(module.forward).parameters)


def cache_name(module: torch.nn.Module) -> str | None:
    """What a module calls the memory of keys and values; None where it takes none."""
    return next((name for name in ("cache", "past_key_values") if name in takes(module)), None)


def has_own_code(model: Any) -> bool:
    """Whether a model's code came with it, and is not transformers' own."""
    return bool(type(base_of(model)).__module__.split(".")[0] != "transformers")


def keeps_all(config: Any) -> bool:
    """Whether models of this configuration keep keys and values of all that was read, and nothing else."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=config).layers)


def window_of(config: Any) -> float:
    """How many tokens at the least models of this configuration see at once: all of them, infinity.

    0 where what they keep of a text is not keys and values alone.
    """
    layers = DynamicCache(config=config).layers
    windows = [getattr(layer, "sliding_window", math.inf) for layer in layers]
    known = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
    return min(windows, default=math.inf) if known else 0.0


def new_cache(config: Any) -> Any:
    """An empty memory of keys and values."""
    own = DynamicCache(config=config)
    return EncoderDecoderCache(own, DynamicCache(config=config)) if config.is_encoder_decoder else own
