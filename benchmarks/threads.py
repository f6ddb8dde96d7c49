"""One seed, and sixteen side by side, on 1, 2, ... threads: how much faster, and whether the numbers stay the same.

A pocket model, and one of width 256 with six layers, take some steps and are asked all questions, in a fresh process
for each number of threads, several times in turn. Ratios are of the same round.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

#: Settings of the models, seeds side by side, and steps that are timed.
CASES: dict[str, tuple[dict[str, Any], int, int]] = {
    "pocket, 1 seed": ({}, 1, 40),
    "pocket, 16 seeds": ({}, 16, 8),
    "width 256, 6 layers, 1 seed": (
        {
            "model.config.hidden_size": 256,
            "model.config.num_hidden_layers": 6,
            "model.config.num_attention_heads": 4,
            "model.config.intermediate_size": 1024,
        },
        1,
        8,
    ),
}
ROUNDS = 3


def measure(settings: dict[str, Any], seeds: int, steps: int, threads: int) -> dict[str, Any]:
    """Seconds of a step and of all questions, and a digest of the weights and losses that came out."""
    import torch

    import sayso
    from sayso.data.build import build_corpus

    torch.set_num_threads(threads)
    experiment = sayso.load("pocket").with_settings(settings)
    stage = next(stage for stage in experiment.stages if stage.measured)
    corpora = [build_corpus(experiment, seed) for seed in range(seeds)]
    learner: Any = experiment.model.build(corpora)
    documents = [corpus.documents(stage.documents) for corpus in corpora]
    training = learner.training(documents, experiment.train_spec(stage), stage="timed", epochs=1000)
    own = (step for epoch in itertools.count() for step in training.order.epoch(epoch))
    training.update(next(own))
    start = time.perf_counter()
    for _ in range(steps):
        training.update(next(own))
    step = (time.perf_counter() - start) / steps
    asked = [[item for each in corpus.eval_sets for item in each.examples] for corpus in corpora]
    start = time.perf_counter()
    scores = learner.scores(asked)
    seconds = time.perf_counter() - start
    numbers = hashlib.sha256()
    for tensor in learner.parameters.values():
        numbers.update(tensor.detach().numpy().tobytes())
    for each in scores:
        numbers.update(each.loss.tobytes())
    return {"step": step, "questions": seconds, "numbers": numbers.hexdigest()}


def main() -> None:
    """Print milliseconds and ratios to one thread."""
    from sayso.runs.machine import cores

    counts = [threads for threads in (1, 2, 4, 8, 16) if threads <= cores()]
    for name, (settings, seeds, steps) in CASES.items():
        found: dict[int, list[dict[str, Any]]] = {threads: [] for threads in counts}
        for _ in range(ROUNDS):
            for threads in counts:
                request = json.dumps([settings, seeds, steps, threads])
                command = [sys.executable, "-m", "benchmarks.threads", request]
                environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
                done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
                found[threads].append(json.loads(done.stdout.splitlines()[-1]))
        for threads, rounds in found.items():
            words = []
            for what in ("step", "questions"):
                ratios = [one[what] / own[what] for one, own in zip(found[1], rounds, strict=True)]
                milliseconds = 1e3 * float(np.median([own[what] for own in rounds]))
                words.append(
                    f"{what} {milliseconds:.1f} ms, {np.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
                )
            same = len({own["numbers"] for own in (*rounds, *found[1])}) == 1
            print(
                f"{name}, {threads} threads: {'; '.join(words)}; numbers {'the same' if same else 'differ'}", flush=True
            )


if __name__ == "__main__":
    print(json.dumps(measure(*json.loads(sys.argv[1]))))
