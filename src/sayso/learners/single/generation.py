"""What a model's own generation settings make it say, and what they forbid.

An answer is greedy: the likeliest token, again and again. Some models are made to begin or to end with a certain token
(BART and its kin), or never to say some (Marian its pad), and are so wherever they are used; that is followed, as
`generate` does. Settings for other work, a shortest length or a penalty on what was said before, would make right
answers impossible ("New York, New York" repeats itself): they are left out, and it is said which.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

#: Settings that are left out, and their values that do nothing.
LEFT_OUT: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("min_length", "min_new_tokens", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size"), (None, 0)
    ),
    **dict.fromkeys(("repetition_penalty", "encoder_repetition_penalty", "guidance_scale"), (None, 1.0)),
    **dict.fromkeys(("exponential_decay_length_penalty", "sequence_bias", "watermarking_config"), (None,)),
}

#: Settings that name tokens, one or several.
_TOKENS = ("forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens")

#: How many tokens are noted beside the one that is said.
RIVALS = 4

log = logging.getLogger("sayso")


@dataclass(frozen=True)
class Said:
    """Tokens that a model says one after the other.

    `rivals`: at each place the `RIVALS` next best tokens, and by how much less their logits are, the least first; by
    infinity where they may not be said.
    """

    tokens: list[int]
    rivals: list[list[tuple[int, float]]]

    def __add__(self, then: Said) -> Said:
        return Said(self.tokens + then.tokens, self.rivals + then.rivals)

    def part(self, begin: int, end: int) -> Said:
        """Its tokens from one place to before another."""
        return Said(self.tokens[begin:end], self.rivals[begin:end])


@dataclass(frozen=True)
class Rules:
    """Which token is said whatever is likeliest, and which is never said, by its place in an answer (from 0).

    `forced`: the only token of some places. `never`: tokens that are not said anywhere. `never_first`: nor at `begin`.
    """

    forced: tuple[tuple[int, int], ...] = ()
    never: tuple[int, ...] = ()
    never_first: tuple[int, ...] = ()
    begin: int = 0

    def likeliest(self, logits: Tensor, places: Sequence[int]) -> tuple[Tensor, Said]:
        """The token said at each place, given logits of shape (places, vocabulary); shape (places,), and as `Said`."""
        if self.never or self.never_first:
            logits = logits.clone()
            logits[:, list(self.never)] = -torch.inf
            first = [row for row, place in enumerate(places) if place == self.begin]
            for token in self.never_first:
                logits[first, token] = -torch.inf
        said = logits.argmax(-1)
        best = logits.gather(-1, said[:, None])
        logits.scatter_(-1, said[:, None], -torch.inf)  # in place and back again: there are gigabytes of them
        others, rivals = logits.topk(min(RIVALS, logits.shape[-1] - 1))
        logits.scatter_(-1, said[:, None], best)
        behind = best - others
        for place, token in self.forced:
            there = [row for row, at in enumerate(places) if at == place]
            said[there], behind[there] = token, torch.inf
        pairs = zip(rivals.tolist(), behind.tolist(), strict=True)
        return said, Said(said.tolist(), [list(zip(*pair, strict=True)) for pair in pairs])


#: Those of a model that says whatever is likeliest.
NO_RULES = Rules()


def rules_of(model: Any, name: str, most_tokens: int, known: int) -> Rules:
    """The rules of a model of transformers for answers of at most `most_tokens` tokens; says what is left out.

    `model` may have low-rank additions around it; `name` is what it is called in messages; `known`: how many tokens it
    can say. Settings may name others: Whisper's -1, or one that only the tokenizer has.
    """
    settings = getattr(model, "generation_config", None)
    if settings is None:
        return Rules()
    words: list[list[int]] = getattr(settings, "bad_words_ids", None) or []
    left_out = [
        f"{key}={value}" for key, nothing in LEFT_OUT.items() if (value := getattr(settings, key, None)) not in nothing
    ]
    left_out += [f"bad_words_ids={word}" for word in words if len(word) > 1][:1]
    if left_out:
        log.warning("model %s: answers are greedy; its generation settings %s are left out", name, ", ".join(left_out))
    single = [word[0] for word in words if len(word) == 1]
    named = {key: several(getattr(settings, key, None)) for key in _TOKENS} | {"bad_words_ids": single}
    if unknown := {key: ids for key in named if (ids := [token for token in named[key] if not 0 <= token < known])}:
        told = ", ".join(f"{key} {' '.join(map(str, ids))}" for key, ids in unknown.items())
        log.warning("model %s: it has tokens 0 to %d; of its settings these are left out: %s", name, known - 1, told)
    there = {key: [token for token in ids if token not in unknown.get(key, ())] for key, ids in named.items()}
    suppressed = set(there["suppress_tokens"])
    never = suppressed | set(there["bad_words_ids"]) - set(several(settings.eos_token_id))
    forced: dict[int, int] = {}
    if model.config.is_encoder_decoder and there["forced_bos_token_id"]:
        (forced[0],) = there["forced_bos_token_id"]
    begin = len(forced)
    if last := set(there["forced_eos_token_id"]):  # it is forced last, over what an only token would begin with
        forced[most_tokens - 1] = min(last - suppressed or last)
    return Rules(tuple(forced.items()), tuple(sorted(never)), tuple(there["begin_suppress_tokens"]), begin)


def ends_of(model: Any, end: int) -> frozenset[int]:
    """Tokens after which nothing follows: a tokenizer's `end`, and those the model's own generation stops at."""
    return frozenset([end, *several(getattr(getattr(model, "generation_config", None), "eos_token_id", None))])


def several(ids: int | Sequence[int] | None) -> list[int]:
    """Token ids that may be given as one, several or none."""
    return [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
