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
    longest = [max(map(len, example.answers)) for example in examples]
    going = list(range(len(examples)))
    while going:
        if length[going].max() == ids.shape[1]:
            ids = np.pad(ids, ((0, 0), (0, 1)), constant_values=pad)
        said = torch.as_tensor(ids[going, : length[going].max()], device=device)
        logits = models.logits_of(replica, Tokens(said, context[going]))
        last = torch.as_tensor(length[going] - 1, device=device)
        guesses = logits[torch.arange(len(going), device=device), last].argmax(-1).tolist()
        for row, guess in zip(list(going), guesses, strict=True):
            if guess != end:
                ids[row, length[row]] = guess
                length[row] += 1
                completion = ids[row, start[row] : length[row]].tolist()
                answers[row] = tokenizer.decode(completion, skip_special_tokens=False).strip()
            if guess == end or length[row] - start[row] == most_tokens or len(answers[row]) > longest[row]:
                going.remove(row)
            elif models.positions is not None and length[row] > models.positions:
                answers[row] += "..."
                going.remove(row)
    return answers
