"""How large a language model is: of a model on the hub as written down here, of any other by making it without weights.

On torch's meta device a model has shapes and no numbers, so that any architecture of transformers is made in a moment.
Only that imports transformers, and with it torch.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from sayso.core.errors import SaysoError, nearest
from sayso.learners.known_models import KNOWN_MODELS, KnownModel
from sayso.learners.model_files import gguf_of


def find_model(name: str, *, revision: str | None = None, trust_remote_code: bool = False) -> KnownModel:
    """Look a model's size up: a known one by its hub name, or one whose configuration is on this machine.

    Raises
    ------
    SaysoError
        If it is neither, or the configuration is of no language model.
    """
    if name in KNOWN_MODELS:
        return KNOWN_MODELS[name]
    from transformers import AutoConfig

    gguf = gguf_of(name)
    there = Path(name).expanduser()
    place, more = (str(gguf.parent), {"gguf_file": gguf.name}) if gguf else (str(there) if there.exists() else name, {})
    if revision is not None:
        more["revision"] = revision
    try:
        config = AutoConfig.from_pretrained(place, local_files_only=True, trust_remote_code=trust_remote_code, **more)
    except Exception as error:  # a damaged file or foreign code can raise anything
        if there.exists():
            raise SaysoError(f"{name}: not a model whose size can be read ({' '.join(str(error).split())})") from error
        raise SaysoError(f"the size of model '{name}' is not known{nearest(name, KNOWN_MODELS)}") from error
    return _made(name, config, "as in its file" if gguf else "as in its folder")


def from_scratch(architecture: str, config: Mapping[str, JsonValue], vocabulary: int) -> KnownModel:
    """Work out the size of a model with so many tokens.

    Raises
    ------
    SaysoError
        If there is no such language model in transformers, or the settings do not fit it.
    """
    return _from_scratch(architecture, json.dumps(config, sort_keys=True), vocabulary)


@functools.lru_cache(maxsize=64)
def _from_scratch(architecture: str, config: str, vocabulary: int) -> KnownModel:
    from transformers import AutoConfig

    ids = {"vocab_size": vocabulary, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    try:
        full = AutoConfig.for_model(architecture, **{**json.loads(config), **ids})
    except Exception as error:  # the settings are a user's, and any code of transformers may trip over them
        raise SaysoError(f"no estimate: model {architecture}: {' '.join(str(error).split())}") from error
    return _made(f"{architecture} from random weights", full, "none")


def _made(name: str, config: Any, licence: str) -> KnownModel:
    """Make a model of a configuration, and count."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    try:
        with torch.device("meta"):
            model = kind.from_config(config)
        text = config.get_text_config()
        layers = [text.num_hidden_layers]
        if config.is_encoder_decoder:
            layers.append(getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", layers[0]))
        embedding, output = model.get_input_embeddings().weight, model.get_output_embeddings()
        return KnownModel(
            name=name,
            parameters=model.num_parameters(),
            layers=math.ceil(sum(layers) / len(layers)),
            width=text.hidden_size,
            vocabulary=embedding.shape[0],
            licence=licence,
            tied=output is not None and output.weight is embedding,
            encoder=config.is_encoder_decoder,
        )
    except Exception as error:  # as above
        raise SaysoError(f"no estimate: {name}: {' '.join(str(error).split())}") from error
