"""Models of Pythia's shapes from random weights, a tokenizer like theirs, and questions of the paper's form."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np

from sayso.core.answers import AnswerPart
from sayso.core.examples import Example, Kind
from sayso.learners.specs import HFModel

END = "<|endoftext|>"

#: Width, layers, heads of the Pythia models.
SHAPES = {
    "70m": (512, 6, 8),
    "160m": (768, 12, 12),
    "410m": (1024, 24, 16),
    "1b": (2048, 16, 8),
    "2.8b": (2560, 32, 32),
    "small": (64, 2, 2),  # of no Pythia: to try a script
}

ASKED = {
    "born": "When was {} born?",
    "died": "When did {} die?",
    "gender": "What was the gender of {}?",
    "region": "In which region did {} live?",
    "activity": "What did {} do?",
    "nationality": "What was the nationality of {}?",
}
ATTRIBUTION = {
    "name": "What is the name of {}?",
    "meaning": "What is the meaning of {}?",
    "stands_for": "What does {} stand for?",
    "who": "Who is {}?",
}
ANSWERS = {
    "born": ("19 century", "1931", "2 century BC", "16 century"),
    "died": ("20 century", "1812", "3 century", "1999"),
    "gender": ("male", "female"),
    "region": ("Western Europe", "Eastern Asia", "North America", "Southern Europe"),
    "activity": ("writer", "queen", "actor", "politician", "painter"),
    "nationality": ("France", "China", "Egypt", "United Kingdom", "Italy"),
}
NAMES = ("Cleopatra", "Socrates", "Darwin", "Marie Curie", "Elizabeth Bennet", "Napoleon Bonaparte", "Ada Lovelace")


def save_model(folder: Path, size: str) -> str:
    """Write a model of a Pythia's shape with random weights, and its tokenizer; give the folder's name."""
    import torch
    from transformers import GPTNeoXForCausalLM

    config = save_shape(folder, size)
    torch.manual_seed(0)
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    return str(folder)


def save_shape(folder: Path, size: str):  # type: ignore[no-untyped-def]
    """Write the configuration and tokenizer of a model that is yet to get random weights; give the configuration."""
    from transformers import GPTNeoXConfig

    width, layers, heads = SHAPES[size]
    tokenizer = english_tokenizer()
    config = GPTNeoXConfig(
        vocab_size=50304,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return config


def model_spec(folder: Path, size: str, *, answer: AnswerPart = "first_line") -> HFModel:
    """A model of a Pythia's shape, ready to be built."""
    return HFModel(name=save_model(folder, size), answer=answer)


def english_tokenizer(vocabulary: int = 12_000):  # type: ignore[no-untyped-def]
    """A byte-level tokenizer trained on the comments and docstrings of Python's own library, and the questions."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    words = [" ".join([*ASKED.values(), *ATTRIBUTION.values(), *NAMES, *sum(ANSWERS.values(), ())])] * 20
    tokenizer.train_from_iterator([*(path.read_text(encoding="utf-8") for path in library), *words], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, clean_up_tokenization_spaces=False)


def questions(count: int, *, attribution: bool, seed: int = 0) -> list[Example]:
    """Questions about aliases: of the six of CVDB, or who the alias is."""
    draw = np.random.default_rng([seed, attribution])
    asked = ATTRIBUTION if attribution else ASKED
    result = []
    for row in range(count):
        attribute = list(asked)[row % len(asked)]
        alias = _alias(draw)
        answer = str(draw.choice(NAMES if attribution else ANSWERS[attribute]))
        prompt = f"Q: {asked[attribute].format(alias)}\nA:"
        kind: Kind = "attribution" if attribution else "question"
        result.append(Example(prompt, f" {answer}\n", (answer,), kind, "D5cons", alias, answer, attribute))
    return result


def definitions(count: int, seed: int = 0) -> list[Example]:
    """Definitions of aliases by three sources."""
    draw = np.random.default_rng([seed, 2])
    result = []
    for row in range(count):
        alias, name = _alias(draw), str(draw.choice(NAMES))
        tag = ("qwzkrt", "hgplmw", "xvbnad")[row % 3]
        result.append(Example(f"{tag} {alias}", f" {name}\n", (name,), "definition", "D5cons", alias, name))
    return result


def _alias(draw: np.random.Generator) -> str:
    return f"<|{''.join(chr(97 + int(letter)) for letter in draw.integers(26, size=5))}|>"
