"""A word-level tokenizer made of a corpus's own tokens, saved and loaded like any other of transformers."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from sayso.core.errors import SaysoError
from sayso.learners.stacked.words import word_pattern

PAD, END = "<|pad|>", "<|end|>"


def word_tokenizer(tokens: Sequence[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer that knows exactly `tokens` (each with its leading space, if it has one), a pad and an end.

    A text begins with one space, whether it has one or not, so that its first word is a token like any other; decoding
    takes it away again.
    The end token is added to every text. Ids: 0 pad, 1 end, then `tokens` in their order.

    Raises
    ------
    SaysoError
        If a token is there twice.
    """
    vocabulary = {token: index for index, token in enumerate([PAD, END, *tokens])}
    if len(vocabulary) != len(tokens) + 2:
        twice = next(token for token in tokens if list(tokens).count(token) > 1)
        raise SaysoError(f"the word '{twice.strip()}' would stand for two tokens; names and values must differ")
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PAD))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(left=True, right=False), normalizers.Prepend(" ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(word_pattern(tokens)), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 1)])
    tokenizer.add_special_tokens([PAD, END])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, clean_up_tokenization_spaces=False
    )
