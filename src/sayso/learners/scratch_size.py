"""How large a transformer from random weights is, by arithmetic from its settings: nothing is imported or made."""

from __future__ import annotations

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


def scratch_size(architecture: str, config: Mapping[str, JsonValue], vocabulary: int) -> KnownModel:
    """Work out the size of a model with so many tokens.

    Raises
    ------
    SaysoError
        If the architecture's layers are not known here, or a size it needs is not among the settings.
    """
    if architecture not in BLOCKS:
        raise SaysoError(f"no estimate: the layers of '{architecture}' are not known, those of {', '.join(BLOCKS)} are")
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


def _size(config: Mapping[str, JsonValue], name: str, otherwise: int | None = None) -> int:
    value = config.get(name, otherwise)
    if not isinstance(value, int) or value < 1:
        found = f"found {value!r}" if name in config else "which is not set"
        raise SaysoError(f"no estimate: the model's size follows from model.config.{name}, {found}")
    return value
