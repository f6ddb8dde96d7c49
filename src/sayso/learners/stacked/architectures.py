"""Architectures of transformers that can be trained from scratch, and one model's sizes written for another.

Imports transformers, and so torch, when asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from sayso.core.errors import SaysoError, nearest

#: What architectures call the same thing.
_SYNONYMS = (
    ("hidden_size", "d_model", "n_embd"),
    ("num_hidden_layers", "num_layers", "encoder_layers", "n_layer"),
    ("num_attention_heads", "num_heads", "encoder_attention_heads", "n_head"),
    ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "d_ff", "encoder_ffn_dim"),
    ("max_position_embeddings", "n_positions"),
    ("head_dim", "d_kv"),
)

#: Settings that follow from the experiment's vocabulary or from how replicas are run.
_OURS = {
    *("model_type", "architectures", "vocab_size", "pad_token_id", "bos_token_id", "eos_token_id"),
    *("decoder_start_token_id", "use_cache", "dtype", "torch_dtype", "transformers_version"),
}

_KINDS = "causal or sequence-to-sequence architecture"


def config_for(architecture: str, config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Write the sizes in `config` in the words of another architecture, with no dropout.

    As many key as query heads are taken, which share the width; a decoder beside an encoder is of its size. What limits
    positions is left out where nothing does. Settings the architecture does not know are an error.

    Raises
    ------
    SaysoError
        If there is no such architecture, or it has no word for one of the settings.
    """
    from transformers import AutoConfig

    known = _known()
    if architecture not in known:
        close = nearest(architecture, known)
        named = close if close.startswith("; did") else "; for example: gpt_neox, gpt2, llama, t5"
        raise SaysoError(f"'{architecture}' is no {_KINDS} of transformers to train from scratch{named}")
    default = AutoConfig.for_model(architecture)
    words = default.to_dict()
    width, heads = (_size(config, group) for group in (_SYNONYMS[0], _SYNONYMS[2]))
    head = width // heads if width and heads else None
    result: dict[str, JsonValue] = {}
    for name, value in config.items():
        names = next((group for group in _SYNONYMS if name in group), ())
        found = next((word for word in (name, *names) if word in words or word in default.attribute_map), None)
        if found is not None:
            own = default.attribute_map.get(found, found)
            result[own] = value
            if (beside := own.replace("encoder", "decoder")) in words:
                result.setdefault(beside, value)
        elif not ("max_position_embeddings" in names or ("head_dim" in names and value == head)):
            raise SaysoError(f"{architecture} has no setting '{name}' and none like it; choose another architecture")
    if "num_key_value_heads" in words and heads is not None:
        result.setdefault("num_key_value_heads", heads)
    if "d_kv" in words and head is not None:
        result.setdefault("d_kv", head)
    dropouts = (name for name, value in words.items() if "drop" in name and isinstance(value, float) and value > 0)
    return result | dict.fromkeys(dropouts, 0.0)


def config_of(path: Path) -> tuple[str, dict[str, JsonValue]]:
    """Read architecture and settings from a ``config.json`` of transformers, or a folder with one; not its weights.

    Only settings that differ from what the architecture would do without them are kept, and those sayso sets itself are
    left out.

    Raises
    ------
    SaysoError
        If there is none, or it is not one of a causal or sequence-to-sequence architecture.
    """
    from transformers import AutoConfig

    file = path / "config.json" if path.is_dir() else path
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        architecture = given["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SaysoError(f"{file}: not a configuration of transformers with a model_type") from error
    if architecture not in _known():
        raise SaysoError(f"{file}: '{architecture}' is no {_KINDS} of transformers")
    kept: dict[str, JsonValue] = {}
    for _ in range(2):  # some defaults follow from other settings
        default = AutoConfig.for_model(architecture, **kept).to_dict()
        kept |= {
            name: value
            for name, value in given.items()
            if name in default and name not in _OURS and not name.startswith("_") and value != default[name]
        }
    return architecture, kept


def _known() -> list[str]:
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    return sorted({*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES})


def _size(config: Mapping[str, JsonValue], names: tuple[str, ...]) -> int | None:
    """A size by any of its names."""
    value = next((config[name] for name in names if name in config), None)
    return value if isinstance(value, int) and value > 0 else None
