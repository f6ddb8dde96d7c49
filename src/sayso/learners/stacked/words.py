"""How texts fall into the tokens of a vocabulary of whole words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def vocabulary_size(tokens: Sequence[str]) -> int:
    """How many tokens a word-level tokenizer knows: these, a pad and an end."""
    return len(tokens) + 2


def word_pattern(tokens: Sequence[str]) -> str:
    """What a token looks like in a text: the longest there is.

    Trying thousands of words at every place is slow. Where no token continues a word, a word is a token or unknown, so
    only the tokens of several words have to be tried before it.
    """
    whole_words = all(token.startswith(" ") for token in tokens)
    tried = [token for token in tokens if not (whole_words and re.fullmatch(r" \S+", token))]
    longest_first = sorted(tried, key=lambda token: (-len(token), token))
    choices = [re.escape(token) + (r"(?![^\s])" if not token.startswith(" <|") else "") for token in longest_first]
    return "|".join([*choices, *([r" \S+"] if whole_words else [])])


def word_counter(tokens: Sequence[str]) -> Callable[[str], int]:
    """Give a function that counts the tokens of a text that is made of them, its end included."""
    pattern = re.compile(word_pattern(tokens))
    return lambda text: 1 + sum(1 for _ in pattern.finditer(f" {text.removeprefix(' ')}"))
