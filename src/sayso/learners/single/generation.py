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

log = logging.getLogger("sayso")


@dataclass(frozen=True)
class Rules:
    """Which token is said whatever is likeliest, and which is never said, by its place in an answer (from 0).

    `forced`: the only token of some places. `never`: tokens that are not said anywhere. `never_first`: nor at `begin`.
    """

    forced: tuple[tuple[int, int], ...] = ()
    never: tuple[int, ...] = ()
    never_first: tuple[int, ...] = ()
    begin: int = 0

    def likeliest(self, logits: Tensor, places: Sequence[int]) -> Tensor:
        """The token said at each place, given logits of shape (places, vocabulary); shape (places,)."""
        if self.never or self.never_first:
            logits = logits.clone()
            logits[:, list(self.never)] = -torch.inf
            first = [row for row, place in enumerate(places) if place == self.begin]
            for token in self.never_first:
                logits[first, token] = -torch.inf
        said = logits.argmax(-1)
        for place, token in self.forced:
            said[[row for row, at in enumerate(places) if at == place]] = token
        return said


def rules_of(model: Any, name: str, most_tokens: int) -> Rules:
    """The rules of a model of transformers for answers of at most `most_tokens` tokens; says what is left out.

    `model` may have low-rank additions around it; `name` is what it is called in messages.
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
    suppressed = set(getattr(settings, "suppress_tokens", None) or ())
    never = suppressed | {word[0] for word in words if len(word) == 1} - set(_several(settings.eos_token_id))
    forced: dict[int, int] = {}
    if model.config.is_encoder_decoder and settings.forced_bos_token_id is not None:
        forced[0] = int(settings.forced_bos_token_id)
    begin = len(forced)
    if settings.forced_eos_token_id is not None:  # it is forced last, over what an only token would begin with
        last = set(_several(settings.forced_eos_token_id))
        forced[most_tokens - 1] = min(last - suppressed or last)
    never_first = tuple(getattr(settings, "begin_suppress_tokens", None) or ())
    return Rules(tuple(forced.items()), tuple(sorted(never)), never_first, begin)


def _several(ids: int | Sequence[int] | None) -> list[int]:
    """Token ids that may be given as one, several or none."""
    return [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
