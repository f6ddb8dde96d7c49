"""Training against the stock Trainer padded to 64 tokens: time ratio, and that losses are equal; then peak memory.

Same model of Pythia-70M's shape, same documents in the same order, same Adafactor, one thread, one after the other, in
processor time. Then a model of Pythia-160M's shape takes a few steps.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.pythia import definitions, model_spec, questions
from sayso.core.training import TrainSpec
from sayso.learners.single.learner import build

DOCUMENTS, BATCH, LENGTH = 256, 128, 64


def main() -> None:
    """Print processor time a document of both ways, their ratio, how far losses agree, and peak memory."""
    import torch
    import transformers

    from benchmarks.stock import stock_training
    from sayso.core.corpus import Corpus
    from sayso.learners.single.pretrained import load_model

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    documents = [*questions(DOCUMENTS // 2, attribution=False), *definitions(DOCUMENTS // 2)]
    train = TrainSpec(batch_size=BATCH, learning_rate=5e-5, max_length=LENGTH)
    with tempfile.TemporaryDirectory() as name:
        spec = model_spec(Path(name), "70m")
        learner, other = build([Corpus(0, {}, ())], spec), load_model(spec, 0)
    losses: list[float] = []
    start = time.process_time()
    learner.fit([documents], train, stage="s", epochs=1, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    ours = time.process_time() - start
    start = time.process_time()
    stock = stock_training(other, learner.tokenizer, documents, train, seed=0, stage="s", epochs=1)
    theirs = time.process_time() - start
    print(f"ours {1e3 * ours / DOCUMENTS:.1f} ms a document, stock {1e3 * theirs / DOCUMENTS:.1f}")
    print(f"ratio {theirs / ours:.1f}x; mean loss {losses[0]:.6f} and {np.mean(stock.losses):.6f}")
    del learner, other, stock
    with tempfile.TemporaryDirectory() as name:
        large = build([Corpus(0, {}, ())], model_spec(Path(name), "160m"))
    large.fit([documents[:32]], train.model_copy(update={"batch_size": 16}), stage="s", epochs=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"Pythia-160M's shape: two steps of 16 documents; peak memory of this process {peak:.1f} GiB")
