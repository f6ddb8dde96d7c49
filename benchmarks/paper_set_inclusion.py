"""Pythia-70M's configuration on 8,000 variables, as in ``paper-set-inclusion``: seconds a step, hours of a seed."""

from __future__ import annotations

import time

import numpy as np

STEPS = 3
SCORED = 1024


def main() -> None:
    """Print the time of making data, of steps and of scoring, and the hours of all steps of one seed."""
    import torch

    from sayso.data.build import build_corpus
    from sayso.paper.paper_settings import PAPER_SET_INCLUSION

    start, own = time.perf_counter(), time.process_time()
    corpus = build_corpus(PAPER_SET_INCLUSION, 0)
    built, processor = time.perf_counter() - start, time.process_time() - own
    documents = corpus.documents(("X1",))
    print(f"data: {built:.1f} s (CPU time {processor:.1f} s), {len(documents)} documents in X1")
    learner = PAPER_SET_INCLUSION.model.build([corpus])
    seconds, cpu = [], []
    batch = PAPER_SET_INCLUSION.train.batch_size
    for number in range(STEPS + 1):
        rows = documents[number * batch : (number + 1) * batch]
        start, own = time.perf_counter(), time.process_time()
        learner.fit([rows], PAPER_SET_INCLUSION.train, stage=f"step-{number}", epochs=1)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - own)
    asked = [example for item in corpus.eval_sets for example in item.examples if item.name == "validation"][:SCORED]
    learner.scores([asked])
    start = time.perf_counter()
    learner.scores([asked])
    scoring = (time.perf_counter() - start) / len(asked)
    step, processor = float(np.median(seconds[1:])), float(np.median(cpu[1:]))
    stages = PAPER_SET_INCLUSION.stages
    steps = sum(stage.epochs * -(-len(corpus.documents(stage.documents)) // batch) for stage in stages)
    measured = sum(len(item.examples) for item in corpus.eval_sets)
    times = sum(1 + stage.epochs // stage.measure_every for stage in stages)
    print(f"{torch.get_num_threads()} threads, {getattr(learner, 'device', 'cpu')}; {batch} documents a step")
    print(f"a step {step:.2f} s (CPU time {processor:.2f} s); scoring a question {1e3 * scoring:.2f} ms")
    training, scored = steps * step / 3600, times * measured * scoring / 3600
    print(f"{steps} steps: {training:.0f} hours a seed; {times} times {measured} questions scored: {scored:.0f} hours")
