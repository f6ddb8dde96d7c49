"""A model out of a GGUF file, as an ordinary one: dequantised to float32 by transformers.

Weights that were rounded to 8 or 4 bits stay rounded so; they are trained, saved and read back as float32 from then on.
"""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import transformers

from sayso.core.errors import SaysoError
from sayso.core.extras import advice
from sayso.learners.modules import quiet

log = logging.getLogger("sayso")


def gguf_options(file: Path) -> dict[str, Any]:
    """What transformers is told to read a GGUF file in a folder.

    Raises
    ------
    SaysoError
        If the packages that takes are not installed.
    """
    missing = [package for package in ("gguf", "accelerate") if not _installed(package)]
    if missing:
        raise SaysoError(f"model {file}: GGUF files need {' and '.join(missing)}: {advice('gguf')}")
    return {"gguf_file": file.name}


def load_gguf(kind: Any, config: Any, file: Path) -> Any:
    """Read the weights of a GGUF file into an ordinary model of `kind`, and say so once.

    Nothing of how the weights were packed stays with it: it is saved, loaded and trained as any other.
    """
    unpacked = {}
    if (settings := getattr(transformers, "GgufConfig", None)) is not None:  # else weights may stay in their blocks
        unpacked["quantization_config"] = settings(dequantize=True)
    with quiet():
        read = kind.from_pretrained(
            str(file.parent), config=config, dtype=torch.float32, **gguf_options(file), **unpacked
        )
        plain = read.config
        if hasattr(plain, "quantization_config"):
            del plain.quantization_config
        with torch.device(
            "meta"
        ):  # it has no numbers of its own: beside those that were read there is no room for more
            model = kind.from_config(plain, dtype=torch.float32)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    _take_buffers(model, read)
    model.generation_config = read.generation_config
    log.warning("model %s: GGUF weights (%s), dequantised to float32", file, packed_as(file))
    return model


def _take_buffers(model: Any, read: Any) -> None:
    """Give a model without numbers the buffers of another that are never saved, as of rotary positions."""
    for name, buffer in read.named_buffers():
        place, _, own = name.rpartition(".")
        model.get_submodule(place)._buffers[own] = buffer


def packed_as(file: Path) -> str:
    """How most of a GGUF file's weights are written, as it is called there (``Q4_1``, ``F16``, ...)."""
    from gguf import GGUFReader

    counts: Counter[str] = Counter()
    for tensor in GGUFReader(file).tensors:
        counts[tensor.tensor_type.name] += int(tensor.n_elements)
    return counts.most_common(1)[0][0] if counts else "none"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
