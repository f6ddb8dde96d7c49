"""Architectures of transformers that can be trained from scratch, and one model's sizes written for another.

Imports transformers, and so torch, when asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from sayso.core.errors import SaysoError, nearest

#: What architectures call the width of the feed-forward layer.
_FEED_FORWARD = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")

#: Settings that follow from the experiment's vocabulary or from how replicas are run.
_OURS = {
    *("model_type", "architectures", "vocab_size", "pad_token_id", "bos_token_id", "eos_token_id"),
    *("use_cache", "dtype", "torch_dtype", "transformers_version"),
}


def config_for(architecture: str, config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Write the sizes in `config` in the words of another architecture, with no dropout.

    As many key as query heads are taken, and settings the architecture does not know are an error.

    Raises
    ------
    SaysoError
        If there is no such causal architecture, or it has no word for one of the settings.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN

    if architecture not in KNOWN:
        close = nearest(architecture, KNOWN)
        known = close if close.startswith("; did") else "; for example: gpt_neox, gpt2, llama"
        raise SaysoError(f"'{architecture}' is not a causal architecture of transformers to train from scratch{known}")
    default = AutoConfig.for_model(architecture)
    words = default.to_dict()
    result: dict[str, JsonValue] = {}
    for name, value in config.items():
        names = _FEED_FORWARD if name in _FEED_FORWARD else (name,)
        found = next((word for word in names if word in words or word in default.attribute_map), None)
        if found is None:
            raise SaysoError(f"{architecture} has no setting '{name}' and none like it; choose another architecture")
        result[found] = value
    if "num_key_value_heads" in words and "num_attention_heads" in result:
        result.setdefault("num_key_value_heads", result["num_attention_heads"])
    dropouts = (name for name, value in words.items() if "drop" in name and isinstance(value, float) and value > 0)
    return result | dict.fromkeys(dropouts, 0.0)


def config_of(path: Path) -> tuple[str, dict[str, JsonValue]]:
    """Read architecture and settings from a ``config.json`` of transformers, or a folder with one; not its weights.

    Only settings that differ from the architecture's defaults are kept, and those sayso sets itself are left out.

    Raises
    ------
    SaysoError
        If there is none, or it is not one of a causal architecture.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN

    file = path / "config.json" if path.is_dir() else path
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        architecture = given["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SaysoError(f"{file}: not a configuration of transformers with a model_type") from error
    if architecture not in KNOWN:
        raise SaysoError(f"{file}: '{architecture}' is not a causal architecture of transformers")
    default = AutoConfig.for_model(architecture).to_dict()
    return architecture, {
        name: value
        for name, value in given.items()
        if name in default and name not in _OURS and not name.startswith("_") and value != default[name]
    }
