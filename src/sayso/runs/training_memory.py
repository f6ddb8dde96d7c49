"""Bytes that training a language model takes on a card, and how it is trained, as far as bytes and hours follow."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.learners.known_models import KnownModel
from sayso.runs.parts import PACKED, Launches

#: Bytes kept for the backward pass per token, layer and unit of width, in bfloat16 with fused attention.
ACTIVATION_BYTES = 34
_CHECKPOINT_BYTES = 4
#: Bytes of a logit: in float32 with its gradient, and in bfloat16.
LOGIT_BYTES = 10


@dataclass(frozen=True)
class Training:
    """How a language model is trained, as far as memory and hours follow from it.

    `batch_tokens`: tokens of a pass, of which an update takes `passes`. `trained_share`: of the weights (LoRA).
    `float32`: of training, in which there are no copies of the weights and what is kept has twice the bytes;
    `float32_evaluation`: of measuring. `clipped`: whether gradients are. `most_side_by_side`: seeds trained together.
    """

    batch_tokens: float
    passes: int = 1
    optimizer: str = "adafactor"
    trained_share: float = 1.0
    gradient_checkpointing: bool = False
    float32: bool = False
    float32_evaluation: bool = True
    clipped: bool = True
    most_side_by_side: int = 1
    launches: Launches = PACKED


@dataclass(frozen=True)
class Memory:
    """Bytes of training: weights, gradients, optimizer, bfloat16 copies of the weights, and what a pass keeps."""

    weights: float
    gradients: float
    optimizer: float
    copies: float
    activations: float

    @property
    def total(self) -> float:
        """All together."""
        return self.weights + self.gradients + self.optimizer + self.copies + self.activations


def layers_of(model: KnownModel) -> int:
    """Layers of the decoder, and of the encoder where there is one."""
    return model.layers * (2 if model.encoder else 1)


def training_memory(model: KnownModel, how: Training) -> Memory:
    """Bytes that training takes."""
    weights, trained = 4.0 * model.parameters, 4.0 * model.parameters * how.trained_share
    state = 2 * trained if how.optimizer == "adamw" else 2 * trained / model.width
    kept = _CHECKPOINT_BYTES if how.gradient_checkpointing else ACTIVATION_BYTES
    again = ACTIVATION_BYTES * model.width if how.gradient_checkpointing else 0  # of one layer, while it is done again
    activations = how.batch_tokens * (kept * layers_of(model) * model.width + again + LOGIT_BYTES * model.vocabulary)
    if how.float32:
        return Memory(weights, trained, state, 0.0, 2 * activations)
    return Memory(weights, trained, state, weights / 2, activations)
