"""How many tokens a text has for a model of transformers whose tokenizer is on this machine; nothing is downloaded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from sayso.learners.model_files import gguf_of
from sayso.learners.specs import HFModel


def token_counter(model: HFModel) -> Callable[[str], int] | None:
    """Count a text's tokens, its end included, by the model's own tokenizer.

    None where that is neither in a folder nor in the hub's cache, or cannot be read. Those of GGUF files are left
    alone, for reading one takes as long as the model.
    """
    folder = Path(model.name).expanduser()
    if gguf_of(model.name) is not None or not (folder.is_dir() or _in_cache(model)):
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder) if folder.is_dir() else model.name,
            revision=model.revision or "main",
            trust_remote_code=model.trust_remote_code,
            local_files_only=True,
        )
    except Exception:  # a damaged file or foreign code can raise anything; a run says what is wrong
        return None

    @functools.cache
    def count(text: str) -> int:
        return 1 + len(tokenizer(text)["input_ids"])

    return count


def _in_cache(model: HFModel) -> bool:
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(model.name, "tokenizer_config.json", revision=model.revision)
    except ValueError:  # no name the hub would take
        return False
    return isinstance(found, str)
