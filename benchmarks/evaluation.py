"""One evaluation (losses and exact match) against the authors' way with stock parts: time ratio, and that they agree.

The authors' way is a pass over documents padded to 64 tokens for the losses, then the ``text-generation`` pipeline for
the answers. Same model of Pythia-70M's shape, same questions, one thread, in turn; seconds are of the processor, so that other
processes on the machine weigh less.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.pythia import model_spec, questions

QUESTIONS = 96
ROUNDS = 1
LENGTH, NEW_TOKENS, ROWS = 64, 8, 64


def main() -> None:
    """Print seconds of both ways, the ratio, and disagreements, after no training and after some."""
    import torch
    import transformers

    from benchmarks.stock import stock_answers, stock_losses, stock_matches
    from sayso.core.examples import Corpus
    from sayso.core.training import TrainSpec

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    sets = [questions(QUESTIONS // 2, attribution=kind) for kind in (False, True)]
    with tempfile.TemporaryDirectory() as folder:
        learner = model_spec(Path(folder), "70m").build([Corpus(0, {}, ())])
    for state, epochs in (("random weights", 0), ("briefly trained", 3)):
        if epochs:
            short = TrainSpec(batch_size=32, learning_rate=5e-4)
            learner.fit([[item for each in sets for item in each]], short, stage="s", epochs=epochs)
        ours, theirs, differ, right = [], [], 0, 0
        for _ in range(ROUNDS):
            start = time.process_time()
            scores = [learner.scores([list(each)])[0] for each in sets]
            ours.append(time.process_time() - start)
            start = time.process_time()
            for each in sets:
                stock_losses(learner.model, learner.tokenizer, each, LENGTH, ROWS)
            said = [stock_answers(learner.model, learner.tokenizer, each, NEW_TOKENS, ROWS) for each in sets]
            theirs.append(time.process_time() - start)
            for each, score, answers in zip(sets, scores, said, strict=True):
                differ += int((stock_matches(answers, each) != score.match).sum())
                right += int(score.match.sum())
        ratios = np.array(theirs) / np.array(ours)
        print(
            f"{state}: ours {1e3 * np.median(ours) / QUESTIONS:.1f} ms a question, stock "
            f"{1e3 * np.median(theirs) / QUESTIONS:.1f}; ratio {np.median(ratios):.1f}x "
            f"({ratios.min():.1f}-{ratios.max():.1f}); {right} of {ROUNDS * QUESTIONS} right, {differ} differ"
        )
