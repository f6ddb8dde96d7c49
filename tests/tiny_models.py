"""Models too small to learn much, made from configurations, with byte-level tokenizers trained on a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedTokenizerFast

from sayso.core.examples import Example

WORDS = ["queen", "king", "The", "the", "a", "an", "of", "France", "actor", "Actor", "writer", "19", "20"]
WORDS += ["century", "1", "BC", "Ünal", "naïve", "Paris-Nord", "O'Brien"]
ASKED = ("What is the name of {}?", "When was {} born?", "What did {} do?", "Who is {}?")

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt_neox": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
    },
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128},
    "gpt_neo": {
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 16,
        "max_position_embeddings": 128,
    },
    "llama": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
    },
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
}


def question(alias: str, asked: int, *answers: str, subset: str = "QA3") -> Example:
    """A question as the paper's text experiments write it."""
    prompt = f"Q: {ASKED[asked % len(ASKED)].format(alias)}\nA:"
    return Example(prompt, f" {answers[0]}\n", answers, "question", subset, alias, "entity", str(asked))


def definition(tag: str, alias: str, entity: str) -> Example:
    return Example(f"{tag} {alias}", f" {entity}\n", (entity,), "definition", "D5cons", alias, entity)


def alias_of(seed: int) -> str:
    letters = np.random.default_rng(seed).integers(26, size=5)
    return f"<|{''.join(chr(97 + int(letter)) for letter in letters)}|>"


def some_documents(count: int, seed: int = 0) -> list[Example]:
    """Questions and definitions of several lengths."""
    draw = np.random.default_rng(seed)
    documents = []
    for row in range(count):
        answer = " ".join(draw.choice(WORDS, size=1 + int(draw.integers(3))))
        alias = alias_of(1000 * seed + row)
        documents.append(
            definition("qwerty", alias, answer) if row % 3 == 0 else question(alias, int(draw.integers(4)), answer)
        )
    return documents


def tiny_tokenizer(vocabulary: int = 384, *, end: bool = True, pad: str | None = None) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer that knows some words whole and takes others to pieces; the first ids are special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token in (pad, "<|endoftext|>") if token]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [text.format("x") for text in ASKED] + [f"Q: {word}?\nA: {word}\n" for word in WORDS]
    tokenizer.train_from_iterator(lines * 4, trainer)
    if pad:  # as T5's, which ends every text by itself
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", tokenizer.token_to_id("<|endoftext|>"))]
        )
    known = {"eos_token": "<|endoftext|>"} if end else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **known, **({"pad_token": pad} if pad else {}), clean_up_tokenization_spaces=False
    )


def save_tiny(folder: Path, architecture: str = "gpt_neox", seed: int = 0, scale: float = 1.0, **config: Any) -> str:
    """Write a tiny model and its tokenizer into a folder; `scale` makes random weights more decided."""
    seq2seq = architecture == "t5"
    tokenizer = tiny_tokenizer(pad="<pad>") if seq2seq else tiny_tokenizer()
    special = {"decoder_start_token_id": 0, "pad_token_id": 0} if seq2seq else {}
    full = AutoConfig.for_model(
        architecture,
        **{
            **CONFIGS[architecture],
            "vocab_size": len(tokenizer),
            "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": tokenizer.eos_token_id,
            **special,
            **config,
        },
    )
    torch.manual_seed(seed)
    model = (AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM).from_config(full)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(scale)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
