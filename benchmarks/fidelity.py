"""Our loop against the stock Trainer with ``optim="adafactor"``: settings side by side, losses and final weights.

Tiny GPT-NeoX and T5 models, two epochs, the same order of documents, all padding in the loss as in the authors' code.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sayso.core.training import TrainSpec
from sayso.learners.single.learner import build

#: Settings of an optimizer's parameter group that decide its updates.
SETTINGS = ("eps", "clip_threshold", "decay_rate", "beta1", "weight_decay", "scale_parameter", "relative_step")
#: Those that our Adafactor does not have.
NEVER = {"beta1": None, "scale_parameter": False, "relative_step": False}
DOCUMENTS, EPOCHS, LABEL_LENGTH = 48, 2, 16
TRAIN = TrainSpec(batch_size=16, learning_rate=5e-5, padding_loss="all", max_length=64)


def compare(architecture: str, train: TrainSpec = TRAIN) -> dict[str, Any]:
    """Train one tiny model both ways; give settings, losses of every step and largest differences of weights.

    Biases of attention keys add the same to every score of a query, so their gradient is rounding noise, which
    Adafactor scales up to a whole step. They are compared apart.
    """
    import torch
    from tests.tiny_models import save_tiny, some_documents

    from benchmarks.stock import stock_training
    from sayso.core.corpus import Corpus
    from sayso.learners.single.pretrained import load_model
    from sayso.learners.specs import HFModel

    label_length = LABEL_LENGTH if architecture == "t5" else None
    documents = some_documents(DOCUMENTS)
    with tempfile.TemporaryDirectory() as name:
        calm: dict[str, Any] = {"dropout_rate": 0.0} if architecture == "t5" else {}
        spec = HFModel(name=save_tiny(Path(name), architecture, **calm), label_length=label_length)
        learner, other = build([Corpus(0, {}, ())], spec), load_model(spec, 0)
    training = learner.training([documents], train, stage="s", epochs=EPOCHS)
    steps = [step for epoch in range(EPOCHS) for step in training.order.epoch(epoch)]
    ours = [(step.learning_rate, float(training.update(step)[0])) for step in steps]
    stock = stock_training(
        other, learner.tokenizer, documents, train, seed=0, stage="s", epochs=EPOCHS, label_length=label_length
    )
    weights = {False: 0.0, True: 0.0}
    for (key, one), two in zip(learner.model.named_parameters(), other.parameters(), strict=True):
        difference = (one - two).detach().abs()
        noise = torch.zeros_like(difference, dtype=torch.bool)
        if key.endswith("query_key_value.bias"):
            heads = learner.model.config.num_attention_heads
            noise.view(heads, 3, -1)[:, 1] = True
        for chosen, mask in ((True, noise), (False, ~noise)):
            weights[chosen] = max(weights[chosen], float(difference[mask].max()) if mask.any() else 0.0)
    (group, *_), (stocks, *_) = training.optimizer.param_groups, stock.trainer.optimizer.optimizer.param_groups
    theirs = {**stocks, "eps": stocks["eps"][0]}  # the other is for scaling by parameters
    return {
        "settings": {name: ({**NEVER, **group}[name], theirs[name]) for name in SETTINGS},
        "learning rates": ([rate for rate, _ in ours], stock.learning_rates),
        "clipping": (train.max_grad_norm, stock.trainer.args.max_grad_norm),
        "losses": ([loss for _, loss in ours], stock.losses),
        "weights": weights[False],
        "key biases": weights[True],
    }


def main() -> None:
    """Print both sides."""
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    for architecture in ("gpt_neox", "t5"):
        found = compare(architecture)
        print(f"{architecture}: {'ours':>24} {'stock Trainer':>24}")
        for name, (one, two) in found["settings"].items():
            print(f"  {name:18} {one!s:>24} {two!s:>24}")
        print(f"  {'max_grad_norm':18} {found['clipping'][0]!s:>24} {found['clipping'][1]!s:>24}")
        for at, (rates, losses) in enumerate(
            zip(zip(*found["learning rates"], strict=True), zip(*found["losses"], strict=True), strict=True)
        ):
            print(f"  step {at}: rate, loss   {rates[0]:.3e} {losses[0]:13.6f} {rates[1]:.3e} {losses[1]:13.6f}")
        print(f"  largest difference of final weights {found['weights']:.1e} (key biases {found['key biases']:.1e})")
