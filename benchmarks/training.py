"""Training against the stock Trainer padded to 64 tokens: time ratio, and that losses are equal; then peak memory.

Same model of Pythia-70M's shape, same documents in the same order, same Adafactor, one after the other. On one thread
in processor time; then on all cores by the clock, in float32, and in bfloat16 where the processor has it. Then a model
of Pythia-160M's shape takes a few steps.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.pythia import definitions, model_spec, questions
from sayso.core.training import TrainSpec
from sayso.learners.single.learner import build
from sayso.runs.machine import cores

DOCUMENTS, BATCH, LENGTH = 256, 128, 64


def main() -> None:
    """Print the time a document of both ways, their ratio, how far losses agree, and peak memory."""
    import torch
    import transformers

    from sayso.core.corpus import Corpus
    from sayso.learners.modules import has_bfloat16

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    train = TrainSpec(batch_size=BATCH, learning_rate=5e-5, max_length=LENGTH, precision="float32")
    compare("one thread", train, 1, time.process_time)
    if (all_cores := cores()) > 1:
        compare(f"all {all_cores} cores", train, all_cores, time.perf_counter)
    if has_bfloat16(torch.device("cpu")):
        half = train.model_copy(update={"precision": "bfloat16"})
        compare(f"all {all_cores} cores, bfloat16", half, all_cores, time.perf_counter)
    torch.set_num_threads(1)
    documents = [*questions(DOCUMENTS // 2, attribution=False), *definitions(DOCUMENTS // 2)]
    with tempfile.TemporaryDirectory() as name:
        large = build([Corpus(0, {}, ())], model_spec(Path(name), "160m"))
    large.fit([documents[:32]], train.model_copy(update={"batch_size": 16}), stage="s", epochs=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"Pythia-160M's shape: two steps of 16 documents; peak memory of this process {peak:.1f} GiB")


def compare(how: str, train: TrainSpec, threads: int, clock: Callable[[], float]) -> None:
    """Train both ways on so many threads, and print what the clock says."""
    import torch

    from benchmarks.stock import stock_training
    from sayso.core.corpus import Corpus
    from sayso.learners.single.pretrained import load_model

    torch.set_num_threads(threads)
    documents = [*questions(DOCUMENTS // 2, attribution=False), *definitions(DOCUMENTS // 2)]
    with tempfile.TemporaryDirectory() as name:
        spec = model_spec(Path(name), "70m")
        learner, other = build([Corpus(0, {}, ())], spec), load_model(spec, 0)
    losses: list[float] = []
    start = clock()
    learner.fit([documents], train, stage="s", epochs=1, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    ours = clock() - start
    start = clock()
    stock = stock_training(other, learner.tokenizer, documents, train, seed=0, stage="s", epochs=1)
    theirs = clock() - start
    print(f"{how}: ours {1e3 * ours / DOCUMENTS:.1f} ms a document, stock {1e3 * theirs / DOCUMENTS:.1f}")
    print(f"  ratio {theirs / ours:.1f}x; mean loss {losses[0]:.6f} and {np.mean(stock.losses):.6f}", flush=True)
