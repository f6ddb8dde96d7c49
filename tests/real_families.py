"""Tiny models of families people use, each with the kind of tokenizer and generation settings it comes with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from benchmarks.family_configs import make
from transformers import AutoTokenizer

from tests.tokenizer_kinds import KINDS


@dataclass(frozen=True)
class Family:
    """An architecture, its kind of tokenizer, and settings of configuration and generation.

    `rows`: how many tokens more than its tokenizer the model has (fewer, below 0). Settings may name tokens: a text
    stands for the id of that token.
    """

    architecture: str
    tokenizer: str
    config: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    rows: int = 0


FAMILIES: dict[str, Family] = {
    "gpt2": Family("gpt2", "byte_level"),
    "pythia": Family("gpt_neox", "byte_level", rows=40),
    "gpt-neo": Family("gpt_neo", "byte_level"),
    "llama-2": Family("llama", "pieces_of_llama"),
    "llama-3": Family("llama", "byte_level_with_begin", generation={"eos_token_id": ["<|end_of_text|>", "<|eot_id|>"]}),
    "mistral": Family("mistral", "pieces_of_llama", {"sliding_window": 16}),
    "gemma": Family("gemma", "pieces_of_gemma", rows=-1),
    "gemma2": Family("gemma2", "pieces_of_gemma", rows=-1),
    "qwen2": Family(
        "qwen2",
        "byte_level_composed",
        generation={"eos_token_id": ["<|im_end|>", "<|endoftext|>"], "repetition_penalty": 1.1, "do_sample": True},
        rows=20,
    ),
    "opt": Family("opt", "byte_level_after_end"),
    "bloom": Family("bloom", "byte_level", rows=8),
    "mamba": Family("mamba", "byte_level"),
    "rwkv": Family("rwkv", "characters"),
    "phi3": Family("phi3", "byte_level_ended_otherwise"),
    "bert": Family("bert", "word_pieces"),
    "t5": Family("t5", "pieces_of_t5", {"decoder_start_token_id": "<pad>"}, rows=28),
    "mt5": Family("mt5", "unigram", {"decoder_start_token_id": "<pad>"}, rows=10),
    "byt5": Family("t5", "bytes_in_python", {"decoder_start_token_id": "<pad>"}, rows=115),
    "bart": Family(
        "bart",
        "byte_level_between",
        {"decoder_start_token_id": "</s>"},
        {
            "forced_bos_token_id": "<s>",
            "forced_eos_token_id": "</s>",
            "no_repeat_ngram_size": 3,
            "min_length": 12,
            "num_beams": 4,
        },
    ),
    "mbart": Family("mbart", "pieces_of_mbart", {"decoder_start_token_id": "en_XX"}, {"forced_eos_token_id": "</s>"}),
    "marian": Family(
        "marian",
        "pieces_of_marian",
        {"decoder_start_token_id": "<pad>"},
        {"bad_words_ids": [["<pad>"]], "forced_eos_token_id": "</s>", "num_beams": 6},
    ),
    "pegasus": Family(
        "pegasus",
        "pieces_of_pegasus",
        {"decoder_start_token_id": "<pad>"},
        {"forced_eos_token_id": "</s>", "length_penalty": 0.8, "num_beams": 8},
    ),
}


def save_family(folder: Path, name: str, scale: float = 1.0) -> str:
    """Write a tiny model of a family and its tokenizer into a folder; `scale` makes random weights more decided."""
    family = FAMILIES[name]
    KINDS[family.tokenizer](folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def ids(value: Any) -> Any:
        if isinstance(value, list):
            return [ids(each) for each in value]
        return tokenizer.convert_tokens_to_ids(value) if isinstance(value, str) else value

    end = tokenizer.eos_token_id
    pad = end if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    special = {
        "eos_token_id": end,
        "pad_token_id": pad,
        "bos_token_id": end,
        "vocab_size": len(tokenizer) + family.rows,
    }
    model = make(family.architecture, **special, **{key: ids(value) for key, value in family.config.items()})
    for key, value in family.generation.items():
        setattr(model.generation_config, key, ids(value))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(scale)
    model.save_pretrained(folder)
    return str(folder)
