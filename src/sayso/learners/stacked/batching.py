"""Examples as padded arrays of token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from sayso.core.errors import SaysoError
from sayso.core.examples import Example


@dataclass(frozen=True)
class Batch:
    """Documents of one replica, padded on the right; those of several, stacked, have the replica as first dimension.

    `ids`: token ids, shape (documents, length). `prompt`: how many of them come before the completion. `size`: how many
    are the document's, its end token included; the rest is padding. `context`: what is read apart from them, shape
    (documents, its length), of length 0 where there is nothing of the kind (`sayso.learners.layouts`).
    """

    ids: NDArray[np.int64]
    prompt: NDArray[np.int64]
    size: NDArray[np.int64]
    context: NDArray[np.int64]

    def replica(self, index: int) -> Batch:
        """Documents of one replica among those of several."""
        return Batch(self.ids[index], self.prompt[index], self.size[index], self.context[index])

    def counted(self, loss_on: str, *, end: bool = True) -> NDArray[np.bool_]:
        """Which positions' next token counts in the loss, shape (..., length - 1); an end token only if `end`."""
        target = np.arange(1, self.ids.shape[-1])
        counted: NDArray[np.bool_] = target < self.size[..., None] - (not end)
        return counted & (target >= self.prompt[..., None]) if loss_on == "completion" else counted


def encode(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]) -> Batch:
    """Encode whole documents and find where their completions begin.

    Raises
    ------
    SaysoError
        If a document holds a word the tokenizer does not know, or a token straddles prompt and completion.
    """
    backend, pad = tokenizer.backend_tokenizer, tokenizer.pad_token_id
    encodings = backend.encode_batch_fast([example.text for example in examples]) if examples else []
    size = np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
    prompt = np.zeros(len(examples), dtype=np.int64)
    ids = np.full((len(examples), int(size.max(initial=1))), pad, dtype=np.int64)
    completions: dict[str, list[int]] = {}
    for row, (example, encoding) in enumerate(zip(examples, encodings, strict=True)):
        if example.completion not in completions:
            completions[example.completion] = backend.encode(example.completion.removeprefix(" ")).ids
        completion = completions[example.completion]
        if pad in encoding.ids:
            raise SaysoError(f"'{example.text}' holds a word that is not in the vocabulary")
        if encoding.ids[-len(completion) :] != completion:
            raise SaysoError(f"'{example.text}' has a token that is partly prompt and partly completion")
        ids[row, : size[row]] = encoding.ids
        prompt[row] = size[row] - len(completion)
    return Batch(ids, prompt, size, np.zeros((len(examples), 0), dtype=np.int64))


def stack(batches: Sequence[Batch], pad: int) -> Batch:
    """Stack one batch per replica: every array gets the replica as its first dimension; rows and columns are padded.

    Rows added to a replica with fewer documents have size 0.
    """

    def stacked(arrays: Sequence[NDArray[np.int64]], fill: int) -> NDArray[np.int64]:
        result = np.full((len(arrays), *np.max([array.shape for array in arrays], axis=0)), fill, dtype=np.int64)
        for place, array in zip(result, arrays, strict=True):
            place[tuple(map(slice, array.shape))] = array
        return result

    return Batch(
        ids=stacked([batch.ids for batch in batches], pad),
        prompt=stacked([batch.prompt for batch in batches], 0),
        size=stacked([batch.size for batch in batches], 0),
        context=stacked([batch.context for batch in batches], pad),
    )


def buckets(batch: Batch, pad: int, most_rows: int) -> Iterator[tuple[int, int, int, NDArray[np.int64]]]:
    """Rows of one shape together, at most so many, so that no token is computed that no score needs.

    Yields the context's, the prompt's and the document's length, and the rows, shape (replicas, rows), filled up with
    -1 for replicas with fewer rows of that shape.
    """
    shapes = np.stack([(batch.context != pad).sum(-1), batch.prompt, batch.size], axis=-1)
    for read, prompt, size in np.unique(shapes.reshape(-1, 3), axis=0).tolist():
        if size == 0:
            continue
        own = [np.flatnonzero((shape == (read, prompt, size)).all(-1)) for shape in shapes]
        most = max(len(rows) for rows in own)
        rows = np.stack([np.pad(rows, (0, most - len(rows)), constant_values=-1) for rows in own])
        for low in range(0, most, most_rows):
            yield read, prompt, size, rows[:, low : low + most_rows]
