"""Tokenizers of the kinds that models have, trained on a few lines and saved as theirs are."""

from __future__ import annotations

import io
import json
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from tests.tiny_models import ASKED, WORDS, tiny_tokenizer

LETTERS = " ".join(string.ascii_letters + string.digits + "<|>?:.-'")
LINES = [text.format("x") for text in ASKED] + [f"Q: {word}?\nA: {word}\n" for word in WORDS] + [LETTERS]


def save_fast(tokenizer: Any, folder: Path, **special: Any) -> None:
    """Write a tokenizer of the tokenizers library into a folder."""
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special).save_pretrained(
        folder
    )


def _around(tokenizer: Any, single: str) -> None:
    """Let a tokenizer add special tokens to every text."""
    special = [(token, tokenizer.token_to_id(token)) for token in single.split() if token != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=special)


def byte_pairs(special: Sequence[str], single: str | None = None, size: int = 384, normalizer: Any = None) -> Any:
    """Pairs of bytes; `single`: what stands around every text (`$A`)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(LINES * 4, trainer)
    if single:
        _around(tokenizer, single)
    return tokenizer


def byte_level(folder: Path) -> None:
    """GPT-2's and Pythia's: bytes, nothing added."""
    tiny_tokenizer().save_pretrained(folder)


def byte_level_with_begin(folder: Path) -> None:
    """Llama 3's: bytes, digits by three, a token before every text, several that end one."""
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    tokenizer = byte_pairs(special, "<|begin_of_text|> $A")
    split = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(split, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    save_fast(tokenizer, folder, bos_token=special[0], eos_token=special[1])


def byte_level_composed(folder: Path) -> None:
    """Qwen's: bytes of composed letters; generation ends with another token too."""
    tokenizer = byte_pairs(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC())
    save_fast(tokenizer, folder, eos_token="<|endoftext|>", pad_token="<|endoftext|>")


def byte_level_after_end(folder: Path) -> None:
    """OPT's: what ends a text also begins it."""
    save_fast(
        byte_pairs(["<s>", "<pad>", "</s>"], "</s> $A"), folder, bos_token="</s>", eos_token="</s>", pad_token="<pad>"
    )


def byte_level_between(folder: Path) -> None:
    """BART's and RoBERTa's: a token before and one after every text."""
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>"}
    save_fast(byte_pairs(["<s>", "<pad>", "</s>"], "<s> $A </s>"), folder, **special)


def byte_level_ended_otherwise(folder: Path) -> None:
    """Every text is ended by a token that is not the end-of-text token."""
    save_fast(byte_pairs(["<|endoftext|>", "<|sep|>"], "$A <|sep|>"), folder, eos_token="<|endoftext|>")


def characters(folder: Path) -> None:
    """One token a character."""
    tokenizer = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(special_tokens=["<unk>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator([*LINES, *WORDS], trainer)
    save_fast(tokenizer, folder, eos_token="</s>", unk_token="<unk>")


def word_pieces(folder: Path) -> None:
    """BERT's: lower case without accents, [CLS] before and [SEP] after every text."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(LINES * 4, trainer)
    _around(tokenizer, "[CLS] $A [SEP]")
    save_fast(tokenizer, folder, pad_token="[PAD]", unk_token="[UNK]", eos_token="[SEP]")


def unigram(folder: Path) -> None:
    """T5's: pieces with NFKC and without bytes, so that it writes H₂O as H2O and what it does not know as <unk>."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=180, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES * 5, trainer)
    _around(tokenizer, "$A </s>")
    save_fast(tokenizer, folder, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def sentencepiece(kind: str, **settings: Any) -> bytes:
    """A model of SentencePiece, as its own library writes it."""
    import sentencepiece as library

    made = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in LINES * 6 for line in text.split("\n") if line]),
        model_writer=made,
        model_type=kind,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return made.getvalue()


def _piece_folder(folder: Path, file: str, model: bytes, of: str, **config: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(model)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": of, **config}))


def pieces_of_llama(folder: Path) -> None:
    """Llama 2's and Mistral's as SentencePiece's file alone: pairs, bytes for what is left, a begin token."""
    model = sentencepiece("bpe", vocab_size=420, byte_fallback=True)
    _piece_folder(folder, "tokenizer.model", model, "LlamaTokenizer", add_bos_token=True, legacy=False)


def pieces_of_gemma(folder: Path) -> None:
    """Gemma's as SentencePiece's file alone: no space before a text, tokens nobody uses."""
    unused = [f"<unused{at}>" for at in range(6)]
    first = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
    model = sentencepiece(
        "bpe", vocab_size=430, byte_fallback=True, add_dummy_prefix=False, user_defined_symbols=unused, **first
    )
    names = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}
    more = {"extra_special_tokens": ["<image_soft_token>"], "add_bos_token": True}
    _piece_folder(folder, "tokenizer.model", model, "GemmaTokenizer", **names, **more)


def pieces_of_t5(folder: Path) -> None:
    """T5's as SentencePiece's file alone: likely pieces, no bytes."""
    first = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    _piece_folder(folder, "spiece.model", sentencepiece("unigram", vocab_size=150, **first), "T5Tokenizer")


def pieces_of_pegasus(folder: Path) -> None:
    """Pegasus's as SentencePiece's file alone."""
    first = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    _piece_folder(folder, "spiece.model", sentencepiece("unigram", vocab_size=150, **first), "PegasusTokenizer")


def pieces_of_mbart(folder: Path) -> None:
    """mBART's as SentencePiece's file alone: every text is ended by an end token and its language."""
    model = sentencepiece("unigram", vocab_size=150)
    _piece_folder(folder, "sentencepiece.bpe.model", model, "MBartTokenizer", src_lang="en_XX", tgt_lang="en_XX")


def pieces_of_marian(folder: Path) -> None:
    """Marian's, in Python: files of SentencePiece for what is read and what is written, and a vocabulary of both."""
    import sentencepiece as library

    model = sentencepiece("unigram", vocab_size=150)
    folder.mkdir(parents=True, exist_ok=True)
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes(model)
    reads = library.SentencePieceProcessor(model_proto=model)
    pieces = [reads.id_to_piece(at) for at in range(3, reads.get_piece_size())]
    known = ["</s>", "<unk>", *pieces, "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({piece: at for at, piece in enumerate(known)}))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "en"})
    )


def bytes_in_python(folder: Path) -> None:
    """ByT5's, in Python: bytes, tokens nobody uses."""
    ByT5Tokenizer(extra_ids=10).save_pretrained(folder)


KINDS: dict[str, Callable[[Path], None]] = {
    made.__name__: made
    for made in (
        *(byte_level, byte_level_with_begin, byte_level_composed, byte_level_after_end, byte_level_between),
        *(byte_level_ended_otherwise, characters, word_pieces, unigram, bytes_in_python),
        *(pieces_of_llama, pieces_of_gemma, pieces_of_t5, pieces_of_pegasus, pieces_of_mbart, pieces_of_marian),
    )
}
