"""Tiny GGUF files: a Llama with a byte-level tokenizer, written by the package `gguf` as llama.cpp would have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.tiny_models import save_tiny

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def save_gguf(file: Path, kind: str = "F16", seed: int = 0, **config: Any) -> tuple[str, Any]:
    """Write a tiny Llama as a GGUF file, its matrices as `kind` (``F16``, ``Q8_0``, ``Q4_0``).

    Give the file's name, and the model with its weights rounded as they are in the file.
    """
    folder = file.parent / f"{file.stem}-folder"
    save_tiny(folder, "llama", seed=seed, **config)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    own = model.config
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(own.max_position_embeddings)
    writer.add_embedding_length(own.hidden_size)
    writer.add_block_count(own.num_hidden_layers)
    writer.add_feed_forward_length(own.intermediate_size)
    writer.add_head_count(own.num_attention_heads)
    writer.add_head_count_kv(own.num_key_value_heads)
    writer.add_layer_norm_rms_eps(own.rms_norm_eps)
    writer.add_rope_dimension_count(own.hidden_size // own.num_attention_heads)
    writer.add_rope_freq_base(own.rope_parameters["rope_theta"])
    writer.add_vocab_size(own.vocab_size)
    _add_tokenizer(writer, tokenizer)
    rounded = {}
    for name, tensor in model.state_dict().items():
        weight = tensor.float().numpy()
        type_ = gguf.GGMLQuantizationType[kind if weight.ndim == 2 else "F32"]
        heads = {"q": own.num_attention_heads, "k": own.num_key_value_heads}.get(name.split(".")[-2][0])
        if heads is not None and name.split(".")[-2] in ("q_proj", "k_proj"):
            weight = _permuted(weight, heads)
        packed = gguf.quants.quantize(weight, type_)
        back = gguf.quants.dequantize(packed, type_).reshape(weight.shape)
        if heads is not None and name.split(".")[-2] in ("q_proj", "k_proj"):
            back = _put_back(back, heads)
        rounded[name] = torch.from_numpy(np.ascontiguousarray(back))
        if name != "lm_head.weight" or not own.tie_word_embeddings:  # which says in the file that they are tied
            writer.add_tensor(_name(name), packed, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.load_state_dict(rounded)
    return str(file), model


def _add_tokenizer(writer: Any, tokenizer: Any) -> None:
    parts = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(parts["vocab"].items(), key=lambda item: item[1])]
    special = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([int(gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL) for t in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in parts["merges"]])
    writer.add_bos_token_id(tokenizer.eos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)


def _name(name: str) -> str:
    parts = name.split(".")
    if parts[1] == "layers":
        return f"blk.{parts[2]}.{_NAMES['.'.join(parts[3:-1])]}.{parts[-1]}"
    return f"{_OUTER['.'.join(parts[:-1])]}.{parts[-1]}"


def _permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows in the order of llama.cpp's rotary embedding."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _put_back(weight: np.ndarray, heads: int) -> np.ndarray:
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
