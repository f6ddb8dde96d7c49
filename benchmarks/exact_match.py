"""Exact match without generating against greedy decoding by transformers, on many adversarial questions.

Accepted answers differ from what is said, and from the answer trained on, by case, articles, punctuation, spaces,
single letters; there are one to three of them; some are empty. First five architectures, random and trained, first line
and whole continuation; then families people use with their kinds of tokenizers and generation settings
(`tests.real_families`), ten thousand questions each, trained until some answers are right, some partly, some wrong.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

EACH = 5
#: Prompts of each family, and ways in which each is scored.
PROMPTS, WAYS = 200, 50
#: Training goes on, so many epochs at a time, until this share is right or it was tried so often.
EPOCHS, RIGHT, TIMES = 12, 0.2, 16
#: Tokens of an answer where they are letters or bytes, and elsewhere.
LONG, SHORT = 24, 8


def main() -> None:
    """Print, for each model, how many questions there are, how many match, and how many verdicts differ."""
    import torch
    import transformers
    from tests.adversarial import decided_learner, disagreements, save_decided
    from tests.tiny_models import CONFIGS

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    asked = differing = 0
    for architecture in CONFIGS:
        for epochs in (0, 40):
            for part in ("first_line", "whole"):
                with tempfile.TemporaryDirectory() as folder:
                    learner, documents = decided_learner(save_decided(Path(folder), architecture, epochs), part)
                    count, right, differ = disagreements(learner, documents, EACH)
                asked, differing = asked + count, differing + len(differ)
                state = "trained" if epochs else "random"
                print(f"{architecture:9} {state:8} {part:11} {count} asked, {right} match, {len(differ)} differ")
    print(f"in all {asked} asked, {differing} differ")
    families()


def families() -> None:
    """Print the same for each family, with what its answers are like."""
    from tests.real_families import FAMILIES

    warnings.simplefilter("ignore")
    asked = differing = 0
    for name in FAMILIES:
        count, differ, said = family(name)
        asked, differing = asked + count, differing + differ
        print(f"{name:9} {FAMILIES[name].tokenizer:27} {said}", flush=True)
    print(f"in all {asked} asked, {differing} differ")


def family(name: str) -> tuple[int, int, str]:
    """How many questions one family is asked, how many verdicts differ, and all of it in words."""
    from tests.adversarial import disagreements, trained_learner
    from tests.real_families import FAMILIES, save_family

    from sayso.core.answers import f1, is_match
    from sayso.core.training import TrainSpec

    most = LONG if FAMILIES[name].tokenizer in ("characters", "bytes_in_python") else SHORT
    with tempfile.TemporaryDirectory() as folder:
        learner, documents = trained_learner(save_family(Path(folder), name), "first_line", 0, PROMPTS, most)
        for time in range(TIMES):
            train = TrainSpec(batch_size=32, learning_rate=5e-3, schedule="constant")
            learner.fit([documents], train, stage=f"s{time}", epochs=EPOCHS)
            pairs = list(zip(learner.answers([documents])[0], documents, strict=True))
            right = sum(is_match(answer, item.answers) for answer, item in pairs)
            if right >= RIGHT * len(pairs):
                break
        partly = sum(0 < f1(answer, item.answers) < 1 for answer, item in pairs)
        count, match, differ = disagreements(learner, documents, WAYS)
    wrong = len(pairs) - right - partly
    answers = f"answers: {right} right, {partly} partly, {wrong} wrong"
    return count, len(differ), f"{answers}; {count} asked, {match} match, {len(differ)} differ"
