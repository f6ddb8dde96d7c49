"""What a model's weights were before they were read into float32, for the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from sayso.learners.model_files import gguf_of, revision_of, stored_as
from sayso.learners.single.gguf_model import packed_as
from sayso.learners.single.quantised import quantised_as
from sayso.learners.specs import HFModel


def stored(spec: HFModel, config: Any) -> dict[str, str]:
    """How a model's weights are stored, and the commit they are of, where that is known.

    `weights`: the type of most of them (``bfloat16``), how they are packed or quantised, or ``random``. `commit`: that
    of the hub or of a clone, also where a folder was fetched with one.
    """
    gguf, folder = gguf_of(spec.name), _folder(spec)
    if spec.from_scratch:
        weights = "random"
    elif gguf is not None:
        weights = f"GGUF {packed_as(gguf)}"
    elif (quantised := quantised_as(config)) is not None:
        weights = quantised
    else:
        weights = (folder and (stored_as(folder) or _said(folder))) or "unknown"
    commit = revision_of(folder) if folder else None
    return {"weights": weights, **({} if commit is None else {"commit": commit})}


def _folder(spec: HFModel) -> Path | None:
    """Where a model's files are: its own folder, or one in the hub's cache; None for a file by itself."""
    place = Path(spec.name).expanduser()
    if place.is_dir():
        return place
    if place.is_file():
        return None
    found = try_to_load_from_cache(spec.name, "config.json", revision=spec.revision)
    return Path(found).parent if isinstance(found, str) else None


def _said(folder: Path) -> str | None:
    """The type of weights that are not safetensors, as the configuration has it."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = settings.get("dtype") or settings.get("torch_dtype")
    return found if isinstance(found, str) else None
