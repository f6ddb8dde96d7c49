"""Greedy decoding of one replica among several, token by token.

All rows are read anew for every token: answers are few and short here, and a replica's weights are only a slice of
those it is stacked with. Models from the hub keep keys and values instead (`sayso.learners.single.greedy`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from sayso.core.examples import Example
from sayso.learners.encoding import Document
from sayso.learners.stacked.batching import Tokens, stack
from sayso.learners.stacked.replicas import Replicas


@torch.no_grad()
def greedy_answers(
    models: Replicas,
    replica: int,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Example],
    documents: Sequence[Document],
    device: torch.device,
    most_tokens: int | None = None,
) -> list[str]:
    """Greedy completions of one replica up to its end token, of at most so many tokens.

    A completion is left off once it is longer than every accepted answer: whatever follows, it is none of them. One
    that fills all positions the model has before it ends gets an ellipsis.
    """
    if not examples:
        return []
    pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    batch = stack([documents], pad)
    start = batch.start[0]
    length = start.copy()
    ids = np.where(np.arange(batch.ids.shape[2]) < length[:, None], batch.ids[0], pad)
    context = torch.as_tensor(batch.context[0], device=device)
    answers = [""] * len(examples)
    texts: dict[tuple[int, ...], str] = {}  # a few completions are said again and again, and decoding them takes long
    longest = [max(map(len, example.answers)) for example in examples]
    going = list(range(len(examples)))
    while going:
        if length[going].max() == ids.shape[1]:
            ids = np.pad(ids, ((0, 0), (0, 1)), constant_values=pad)
        guesses = np.empty(len(ids), dtype=np.int64)
        for size in np.unique(
            length[going]
        ):  # rows of one length need no padding, and logits of their last token alone
            rows = [row for row in going if length[row] == size]
            said = torch.as_tensor(ids[rows, :size], device=device)
            logits = models.logits_of(replica, Tokens(said, context[rows]), keep=1)
            guesses[rows] = logits[:, -1].argmax(-1).cpu().numpy()
        for row, guess in zip(list(going), guesses[going].tolist(), strict=True):
            if guess != end:
                ids[row, length[row]] = guess
                length[row] += 1
                completion = tuple(ids[row, start[row] : length[row]].tolist())
                if completion not in texts:
                    texts[completion] = tokenizer.decode(list(completion), skip_special_tokens=False).strip()
                answers[row] = texts[completion]
            if guess == end or length[row] - start[row] == most_tokens or len(answers[row]) > longest[row]:
                going.remove(row)
            elif models.positions is not None and length[row] > models.positions:
                answers[row] += "..."
                going.remove(row)
    return answers


def known_answers(
    tokenizer: PreTrainedTokenizerFast,
    documents: Sequence[Document],
    first_wrong: NDArray[np.int64],
    guess: NDArray[np.int64],
    decoded: Mapping[int, str],
    most_tokens: int | None = None,
) -> dict[int, str]:
    """Greedy completions that teacher forcing has shown to their end, by row: as `greedy_answers` would give them.

    Those are what was expected, and what ends where it leaves that: by the end token, or because it has the most tokens
    it may. `decoded`: rows whose answers are known already.
    """
    end, found = tokenizer.eos_token_id, dict(decoded)
    texts: dict[tuple[int, ...], str] = {}
    for row, (document, wrong, said) in enumerate(zip(documents, first_wrong.tolist(), guess.tolist(), strict=True)):
        completion = tuple(document.ids[document.start : wrong].tolist())
        if wrong < len(document.ids) and said != end:
            completion = (*completion, said)
            if len(completion) != most_tokens:
                continue
        completion = completion[:-1] if completion[-1:] == (end,) else completion
        if row not in found:
            if completion not in texts:
                texts[completion] = tokenizer.decode(list(completion), skip_special_tokens=False).strip()
            found[row] = texts[completion]
    return found
