"""One evaluation (losses and exact match) against the authors' way with stock parts: time ratio, and that they agree.

The authors' way is a pass over documents padded to 64 tokens for the losses, then the ``text-generation`` pipeline for
the answers. Same model of Pythia-70M's shape, same questions, one thread, one after the other; seconds are of the
processor, so that other processes on the machine weigh less. Multiplications are counted too: both ways keep a core
busy, so the ratio of what has to be computed is about that of the times. The least that any way has to compute says how
far that ratio could go.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pythia import model_spec, questions
from sayso.learners.encoding import Document
from sayso.learners.single.learner import build

QUESTIONS = 2_000
ONE_BY_ONE = 16
COUNTED = 64
LENGTH, NEW_TOKENS, ROWS = 64, 8, 64


def main() -> None:
    """Print processor time of both ways, the ratios, and disagreements, after brief training."""
    import torch
    import transformers

    from benchmarks.stock import stock_answers, stock_losses, stock_matches
    from sayso.core.corpus import Corpus
    from sayso.core.training import TrainSpec

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    sets = [questions(QUESTIONS // 2, attribution=kind) for kind in (False, True)]
    with tempfile.TemporaryDirectory() as folder:
        learner = build([Corpus(0, {}, ())], model_spec(Path(folder), "70m"))
    short = TrainSpec(batch_size=16, learning_rate=3e-4)
    learner.fit([[item for each in sets for item in each[:48]]], short, stage="brief", epochs=3)
    start = time.process_time()
    scores = [learner.scores([each])[0] for each in sets]
    ours = (time.process_time() - start) / QUESTIONS
    start = time.process_time()
    for each in sets:
        stock_losses(learner.model, learner.tokenizer, each, LENGTH, ROWS)
    losses = (time.process_time() - start) / QUESTIONS
    start = time.process_time()
    said = [stock_answers(learner.model, learner.tokenizer, each, NEW_TOKENS, ROWS) for each in sets]
    batched = (time.process_time() - start) / QUESTIONS
    start = time.process_time()
    stock_answers(learner.model, learner.tokenizer, sets[0][:ONE_BY_ONE], NEW_TOKENS, 1)
    single = (time.process_time() - start) / ONE_BY_ONE
    operations = [
        counted(lambda: [learner.scores([each]) for each in sets]) / QUESTIONS,
        counted(lambda: stock_losses(learner.model, learner.tokenizer, sets[0][:COUNTED], LENGTH, ROWS)) / COUNTED,
        counted(lambda: stock_answers(learner.model, learner.tokenizer, sets[0][:COUNTED], NEW_TOKENS, ROWS)) / COUNTED,
    ]
    found = [
        (score.match, stock_matches(answers, each)) for score, answers, each in zip(scores, said, sets, strict=True)
    ]
    print(f"ours, losses and matches          {1e3 * ours:7.1f} ms a question, {operations[0] / 1e9:.2f} GFLOP")
    print(f"stock, losses padded to {LENGTH}        {1e3 * losses:7.1f}                {operations[1] / 1e9:.2f}")
    print(f"stock, pipeline in batches of {ROWS}  {1e3 * batched:7.1f}                {operations[2] / 1e9:.2f}")
    print(f"stock, pipeline one by one        {1e3 * single:7.1f}  (of {ONE_BY_ONE} questions)")
    print(f"ratio {(losses + batched) / ours:.1f}x with batches, {(losses + single) / ours:.1f}x one by one")
    stock = operations[1] + operations[2]
    least = sum(least_of(learner.documents.scored(each), learner.model.config) for each in sets) / QUESTIONS
    print(
        f"operations {stock / operations[0]:.1f}x with batches; {least / 1e9:.2f} GFLOP at least, {stock / least:.1f}x"
    )
    print(
        f"{sum(int(match.sum()) for match, _ in found)} of {QUESTIONS} right, "
        f"{sum(int((match != stock).sum()) for match, stock in found)} differ"
    )


def least_of(documents: Sequence[Document], config: Any) -> int:
    """Operations of the matrix products that no evaluation of these documents can do without.

    Every distinct beginning is read once, by all layers but the last; of that, keys and values. The rest of it, and the
    output layer, see what the tokens of completions are predicted from.
    """
    beginnings = {tuple(item.ids[:end].tolist()) for item in documents for end in range(1, len(item.ids))}
    asked = sum(len(item.ids) - item.start for item in documents)
    square = config.hidden_size**2
    layer = 4 * square + 2 * config.hidden_size * config.intermediate_size
    read = 2 * (layer * (config.num_hidden_layers - 1) + 2 * square)
    predict = 2 * (layer - 2 * square + config.hidden_size * config.vocab_size)
    return int(len(beginnings) * read + asked * predict)


def counted(work: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products in some work."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())
