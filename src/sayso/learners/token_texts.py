"""Tokens as text, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sayso.learners.encoding import Ids


def token_texts(tokenizer: Any, rows: Iterable[Ids]) -> list[tuple[str, ...]]:
    """Write each token of each row by itself; one that is no text alone (a mark of a space, say) by its own name.

    Bytes that are part of a letter come as the sign for what cannot be read.
    """
    known: dict[int, str] = {}

    def text(token: int) -> str:
        if token not in known:
            said = tokenizer.decode([token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
            known[token] = said or str(tokenizer.convert_ids_to_tokens(token))
        return known[token]

    return [tuple(map(text, _plain(row))) for row in rows]


def _plain(row: Ids) -> Sequence[int]:
    found: list[int] = row.tolist()
    return found
