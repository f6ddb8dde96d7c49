"""Exact match by teacher forcing against decoding every answer token by token: time ratio, and that they agree."""

from __future__ import annotations

import time

import numpy as np

ROUNDS = 5
SEEDS = (0, 1, 2, 3)


def main() -> None:
    """Print seconds of both ways on the validation questions of all subsets, the ratio, and disagreements."""
    import torch

    from sayso.data.build import build_corpus
    from sayso.paper.pocket_settings import POCKET

    torch.set_num_threads(1)
    corpora = [build_corpus(POCKET, seed) for seed in SEEDS]
    learner = POCKET.model.build(corpora)
    learner.fit([corpus.documents(("world",)) for corpus in corpora], POCKET.train, stage="stage0", epochs=3)
    asked = [
        tuple(example for item in corpus.eval_sets if item.name == "validation" for example in item.examples)
        for corpus in corpora
    ]
    forced, decoded, differ = [], [], 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        scores = learner.scores(asked)
        middle = time.perf_counter()
        answers = learner.answers(asked)
        forced.append(middle - start)
        decoded.append(time.perf_counter() - middle)
        for own, score, said in zip(asked, scores, answers, strict=True):
            matches = np.array([answer in example.answers for example, answer in zip(own, said, strict=True)])
            differ += int((matches != score.match).sum())
    ratios = np.array(decoded) / np.array(forced)
    count = sum(map(len, asked))
    print(f"teacher forcing (with losses) {1e6 * np.median(forced) / count:7.1f} us a question")
    print(f"decoding                      {1e6 * np.median(decoded) / count:7.1f} us a question")
    print(
        f"ratio {np.median(ratios):.1f}x ({ratios.min():.1f}-{ratios.max():.1f}); {differ} of {ROUNDS * count} differ"
    )
