"""Exact match without generating against brute-force greedy decoding, on more than ten thousand adversarial questions.

Five architectures, random and trained weights, first line and whole continuation; accepted answers that differ from
what is said by case, articles, punctuation, spaces, single letters; one to three of them; empty ones.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

EACH = 5


def main() -> None:
    """Print, for each model, how many questions there are, how many match, and how many verdicts differ."""
    import torch
    import transformers
    from tests.adversarial import decided_learner, disagreements
    from tests.tiny_models import CONFIGS

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    asked = differing = 0
    for architecture in CONFIGS:
        for epochs in (0, 40):
            for part in ("first_line", "whole"):
                with tempfile.TemporaryDirectory() as folder:
                    learner, documents = decided_learner(Path(folder), architecture, part, epochs)
                    count, right, differ = disagreements(learner, documents, EACH)
                asked, differing = asked + count, differing + len(differ)
                state = "trained" if epochs else "random"
                print(f"{architecture:9} {state:8} {part:11} {count} asked, {right} match, {len(differ)} differ")
    print(f"in all {asked} asked, {differing} differ")
