"""Greedy decoding of one replica among several, token by token.

All rows are read anew for every token: answers are few and short here, and a replica's weights are only a slice of
those it is stacked with. Models from the hub keep keys and values instead (`sayso.learners.single.greedy`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
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
