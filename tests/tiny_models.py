"""Tiny models of transformers with a tokenizer of their own, in folders, as people have them on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

END, PAD = "<|endoftext|>", "<|padding|>"


def tokenizer(texts: Iterable[str]) -> Any:
    """A byte-level tokenizer, as Pythia's is, trained on a few texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=[END, PAD], initial_alphabet=alphabet)
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=PAD)


def causal(folder: Path, texts: Iterable[str]) -> Path:
    """Save a GPT-NeoX of two layers."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    made = tokenizer(texts)
    config = GPTNeoXConfig(
        vocab_size=len(made),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        eos_token_id=made.eos_token_id,
        bos_token_id=made.eos_token_id,
    )
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def seq2seq(folder: Path, texts: Iterable[str]) -> Path:
    """Save a T5 of one layer each side."""
    from transformers import T5Config, T5ForConditionalGeneration

    made = tokenizer(texts)
    config = T5Config(
        vocab_size=len(made),
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=1,
        num_heads=2,
        pad_token_id=made.pad_token_id,
        eos_token_id=made.eos_token_id,
        decoder_start_token_id=made.pad_token_id,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
