"""How large a transformer from random weights is, by arithmetic from its settings: nothing is imported or made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from sayso.core.errors import SaysoError
from sayso.learners.known_models import KnownModel


@dataclass(frozen=True)
class _Block:
    """What layers of an architecture are made of: `gated` feed-forward layers, biases, and `norms` of the width.

    `norms`: vectors of the width in a layer; `last_norm` after the last one.
    """

    gated: bool
    norms: int
    last_norm: int
    attention_bias: bool = False
    feed_forward_bias: bool = False


#: Architectures whose layers are known.
BLOCKS = {
    "gpt_neox": _Block(gated=False, norms=4, last_norm=2, attention_bias=True, feed_forward_bias=True),
    "llama": _Block(gated=True, norms=2, last_norm=1),
    "mistral": _Block(gated=True, norms=2, last_norm=1),
    "olmo": _Block(gated=True, norms=0, last_norm=0),
    "olmo2": _Block(gated=True, norms=4, last_norm=1),
}


@dataclass(frozen=True)
class _EncoderDecoder:
    """What T5's kin differ in: what is usual, and whether every layer has position biases of its own."""

    feed_forward: str
    layers: int
    bias_in_each_layer: bool = False


#: Encoder-decoder architectures whose layers are known.
ENCODER_DECODERS = {
    "t5": _EncoderDecoder("relu", layers=6),
    "mt5": _EncoderDecoder("gated-gelu", layers=8),
    "umt5": _EncoderDecoder("gated-gelu", layers=8, bias_in_each_layer=True),
}

#: T5's words for settings that transformers takes by their usual names too.
_T5_WORDS = {
    "hidden_size": "d_model",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "head_dim": "d_kv",
}


def scratch_size(architecture: str, config: Mapping[str, JsonValue], vocabulary: int) -> KnownModel:
    """Work out the size of a model with so many tokens.

    Raises
    ------
    SaysoError
        If the architecture's layers are not known here, or a size it needs is not among the settings.
    """
    if architecture in ENCODER_DECODERS:
        return _encoder_decoder(architecture, config, vocabulary)
    if architecture not in BLOCKS:
        known = ", ".join((*BLOCKS, *ENCODER_DECODERS))
        raise SaysoError(f"no estimate: the layers of '{architecture}' are not known, those of {known} are")
    block = BLOCKS[architecture]
    width, layers = _size(config, "hidden_size"), _size(config, "num_hidden_layers")
    inner, heads = _size(config, "intermediate_size"), _size(config, "num_attention_heads")
    head = _size(config, "head_dim", width // heads)
    queries, keys = heads * head, _size(config, "num_key_value_heads", heads) * head
    matrices = width * (2 * queries + 2 * keys + inner * (3 if block.gated else 2))
    vectors = block.norms * width
    if config.get("attention_bias", block.attention_bias):
        vectors += queries + 2 * keys + width
    if block.feed_forward_bias:
        vectors += inner + width
    tied = bool(config.get("tie_word_embeddings", False))
    embeddings = vocabulary * width * (1 if tied else 2)
    parameters = layers * (matrices + vectors) + block.last_norm * width + embeddings
    return KnownModel(f"{architecture} from random weights", parameters, layers, width, vocabulary, "none", tied=tied)


def _encoder_decoder(architecture: str, config: Mapping[str, JsonValue], vocabulary: int) -> KnownModel:
    """T5 and its kin: an encoder and a decoder without biases, whose embeddings are those of the output layer."""
    kind = ENCODER_DECODERS[architecture]
    words = {_T5_WORDS.get(name, name): value for name, value in config.items()}
    width, inner = _size(words, "d_model"), _size(words, "d_ff")
    layers, heads = _size(words, "num_layers"), _size(words, "num_heads")
    # as many as the encoder's only where these are given by T5's own word
    decoder_layers = _size(words, "num_decoder_layers", layers if "num_layers" in config else kind.layers)
    attention = 4 * width * heads * _size(words, "d_kv", 64)
    gated = str(config.get("feed_forward_proj", kind.feed_forward)).startswith("gated-")
    feed_forward = width * inner * (3 if gated else 2)
    encoder = layers * (attention + feed_forward + 2 * width)
    decoder = decoder_layers * (2 * attention + feed_forward + 3 * width)
    biased = layers + decoder_layers if kind.bias_in_each_layer else 2
    positions = biased * heads * _size(words, "relative_attention_num_buckets", 32)
    return KnownModel(
        name=f"{architecture} from random weights",
        parameters=encoder + decoder + positions + 2 * width + vocabulary * width,
        layers=math.ceil((layers + decoder_layers) / 2),
        width=width,
        vocabulary=vocabulary,
        licence="none",
        tied=True,
        encoder=True,
    )


def _size(config: Mapping[str, JsonValue], name: str, otherwise: int | None = None) -> int:
    value = config.get(name, otherwise)
    if not isinstance(value, int) or value < 1:
        found = f"found {value!r}" if name in config else "which is not set"
        raise SaysoError(f"no estimate: the model's size follows from model.config.{name}, {found}")
    return value
