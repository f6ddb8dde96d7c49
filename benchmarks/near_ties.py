"""Exact match in bfloat16, with near ties found again in float32, against float32 on 10,000 questions of each model.

Tiny models, random and trained, are asked questions whose accepted answers are near what they say. Only a GPU computes
faster in bfloat16; how often it would say something else, and how many questions have to be read again, a CPU shows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

QUESTIONS, TRAINED_ON = 10_000, 500
#: Architectures and epochs of training.
MODELS = (("gpt_neox", 0), ("gpt_neox", 20), ("gpt_neox", 60), ("llama", 20), ("t5", 40))


def main() -> None:
    """Print, for each model, how many questions match, how many verdicts differ, and how many were read again."""
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    for architecture, epochs in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            right, rough, exact, again = compared(Path(folder), architecture, epochs)
        state = f"{epochs} epochs" if epochs else "random"
        print(
            f"{architecture:9} {state:9} {QUESTIONS} asked, {right} match; {rough} differ in bfloat16, {exact} with "
            f"near ties in float32: {again} were read again",
            flush=True,
        )


def compared(folder: Path, architecture: str, epochs: int) -> tuple[int, int, int, int]:
    """Matches in float32, verdicts that differ in bfloat16 without and with near ties, and how many were read again."""
    from tests.adversarial import adversarial
    from tests.tiny_models import save_tiny, some_documents

    from sayso.core.corpus import Corpus
    from sayso.core.training import TrainSpec
    from sayso.learners.single.learner import build
    from sayso.learners.specs import HFModel

    name = save_tiny(folder, architecture, scale=1.0 if epochs else 3.0)
    learner = build([Corpus(1, {}, ())], HFModel(name=name, max_new_tokens=8))
    questions = [item for item in some_documents(2 * QUESTIONS) if item.kind == "question"][:QUESTIONS]
    if epochs:
        train = TrainSpec(batch_size=32, learning_rate=5e-3)
        learner.fit([questions[:TRAINED_ON]], train, stage="s", epochs=epochs)
    asked = list(adversarial(questions, learner.answers([questions])[0], 1, seed=0))
    exact = learner.scores([asked])[0]
    learner.spec = learner.spec.model_copy(update={"evaluation_precision": "bfloat16"})
    fast, again = learner.scores([asked])[0], learner.scorer.exactly
    rough = [each.value[1] for each in learner.scorer.found(asked, learner.documents.scored(asked), half=True)]
    return int(exact.match.sum()), int((exact.match != rough).sum()), int((exact.match != fast.match).sum()), again
