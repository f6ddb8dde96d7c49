"""What a run will take: operations, memory and hours on a named GPU, as a sum of parts (`sayso.runs.parts`).

How much a card gives is assumed or was measured (`sayso.runs.rates`). Seeds that are trained side by side share the
launches of a step, as many seeds as there are and as fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.learners.grids.sizes import NetworkSize
from sayso.learners.grids.specs import GridModel
from sayso.learners.known_models import KnownModel
from sayso.learners.specs import FromScratch, HFModel
from sayso.runs.gpus import Gpu
from sayso.runs.model_sizes import find_model, from_scratch
from sayso.runs.parts import (
    COMPILED,
    EVALUATION_VISITS,
    PACKED,
    PASS_TOKENS,
    SEEING,
    STACKED,
    TRAINING_VISITS,
    Disk,
    Parts,
    Work,
    forward_flops,
    parts,
    weight_bytes,
)
from sayso.runs.rates import ASSUMED, Rates
from sayso.runs.side_by_side import SHARE
from sayso.runs.training_memory import (
    ACTIVATION_BYTES,
    LOGIT_BYTES,
    Memory,
    Training,
    layers_of,
    training_memory,
)
from sayso.runs.workload import StageWork, Workload

#: Share of the weights that is trained with LoRA, roughly.
_LORA_SHARE = 0.01
#: Bytes of a value a network that sees keeps for the backward pass.
_VALUE_BYTES = 4
#: Share of a card's memory that a batch may fill.
_FILLED = 0.95


@dataclass(frozen=True)
class Estimate:
    """What one seed takes on one card: operations of training and evaluation, bytes at the largest pass, hours by part.

    `side_by_side`: seeds that share the card, each of which takes so long.
    """

    gpu: Gpu
    parameters: int
    training_flops: float
    evaluation_flops: float
    memory: Memory
    parts: Parts
    side_by_side: int = 1

    @property
    def hours(self) -> float:
        """Hours of all parts."""
        return self.parts.total

    @property
    def fits(self) -> bool:
        """Whether a whole batch fits into the card at once; otherwise smaller passes are tried."""
        return self.memory.total < self.gpu.memory * 1e9 * _FILLED


def on_gpu(experiment: Experiment, work: Workload, gpu: Gpu, rates: Rates = ASSUMED) -> Estimate:
    """Estimate what one seed takes on a card.

    Raises
    ------
    SaysoError
        If it is no model of a known kind, or its size is not known.
    """
    model, train = experiment.model, experiment.train
    float32 = train.precision == "float32" or (train.precision != "bfloat16" and gpu.bfloat16 is None)
    how = Training(
        0.0,
        optimizer=train.optimizer,
        float32=float32,
        clipped=train.max_grad_norm is not None,
        most_side_by_side=min(model.max_replicas_on_gpu or model.max_replicas, experiment.seeds.count),
    )
    if isinstance(model, HFModel):
        batch = max(_pass_tokens(stage, model.micro_batch_size) for stage in work.stages)
        how = replace(
            how,
            batch_tokens=batch,
            passes=_passes(max(_pass_tokens(stage, None) for stage in work.stages), batch),
            trained_share=1.0 if model.lora is None else _LORA_SHARE,
            gradient_checkpointing=model.gradient_checkpointing,
            launches=COMPILED if model.compiled else PACKED,
            float32_evaluation=model.evaluation_precision == "float32"
            or (model.evaluation_precision != "bfloat16" and gpu.bfloat16 is None),
        )
        return estimate(find_model(model.name), work, gpu, how, experiment, rates)
    if isinstance(model, FromScratch):
        if work.vocabulary is None:
            raise SaysoError("no estimate: the vocabulary of a model from scratch follows from documents not at hand")
        whole = max(_pass_tokens(stage, None) for stage in work.stages)
        size = from_scratch(model.architecture, model.config, work.vocabulary)
        return estimate(
            size, work, gpu, replace(how, batch_tokens=whole, float32=True, launches=STACKED), experiment, rates
        )
    if isinstance(model, GridModel):
        if work.picture is None:
            raise SaysoError(f"no estimate: {type(model).__name__} sees pictures, and this knowledge has none")
        network = model.size(work.picture.shape, work.picture.outputs)
        how = replace(how, batch_tokens=max(stage.batch_size for stage in work.stages), launches=SEEING)
        return estimate_pictures(network, work, gpu, how, experiment, rates)
    raise SaysoError(f"no estimate for a model of this kind ({type(model).__name__})")


def update_of(model: KnownModel, tokens: float, how: Training) -> Work:
    """What one update of a language model on so many tokens gives a card."""
    layers, again = layers_of(model), 4 / 3 if how.gradient_checkpointing else 1.0
    trained = model.parameters * how.trained_share
    gone_over = (ACTIVATION_BYTES * layers * model.width + LOGIT_BYTES * model.vocabulary) * tokens
    weights = weight_bytes(trained, how.optimizer, clipped=how.clipped, float32=how.float32)
    return Work(
        3 * again * forward_flops(model, tokens, tokens),
        weights + TRAINING_VISITS * again * (2 if how.float32 else 1) * gone_over,
        how.launches.training(layers, how.passes, 4 * trained),
        how.float32,
    )


def estimate(
    model: KnownModel, work: Workload, gpu: Gpu, how: Training, experiment: Experiment, rates: Rates = ASSUMED
) -> Estimate:
    """Estimate what one seed of a language model takes on a card; `how.batch_tokens` are those of a pass."""
    planned, memory = work.planned, training_memory(model, how)
    layers, together = layers_of(model), _together(how, memory, gpu)
    update = update_of(model, planned.trained / max(work.updates, 1), how)
    training = replace(
        update,
        flops=update.flops * work.updates,
        memory_bytes=update.memory_bytes * work.updates,
        launches=update.launches * work.updates,
        side_by_side=together,
    )
    read = planned.scored * ACTIVATION_BYTES * layers * model.width
    read += planned.completions * LOGIT_BYTES * model.vocabulary
    evaluation = Work(
        forward_flops(model, planned.scored, planned.completions),
        EVALUATION_VISITS * (2 if how.float32_evaluation else 1) * read,
        how.launches.evaluation(layers, math.ceil(planned.scored / PASS_TOKENS)),
        how.float32_evaluation,
        together,
    )
    return _found(model.parameters, training, evaluation, memory, gpu, experiment, rates)


def estimate_pictures(
    network: NetworkSize, work: Workload, gpu: Gpu, how: Training, experiment: Experiment, rates: Rates = ASSUMED
) -> Estimate:
    """Estimate what one seed of a model that sees takes on a card; `how.batch_tokens` are pictures of a batch."""
    planned, weights = work.planned, 4.0 * network.parameters
    memory = Memory(
        weights=weights,
        gradients=weights,
        optimizer=2 * weights if how.optimizer == "adamw" else 0.0,  # Adafactor keeps rows and columns: a percent
        copies=0.0 if how.float32 else weights / 2,
        activations=float(_VALUE_BYTES * network.values * how.batch_tokens),
    )
    together, picture = _together(how, memory, gpu), float(_VALUE_BYTES * network.values)
    updated = weight_bytes(network.parameters, how.optimizer, clipped=how.clipped, float32=how.float32)
    training = Work(
        3.0 * network.flops * planned.trained,
        work.updates * updated + TRAINING_VISITS * picture * planned.trained,
        work.updates * how.launches.training(network.layers, how.passes, weights),
        how.float32,
        together,
    )
    evaluation = Work(
        1.0 * network.flops * planned.scored,
        EVALUATION_VISITS * picture * planned.scored,
        how.launches.evaluation(network.layers, math.ceil(planned.scored / how.batch_tokens)),
        True,
        together,
    )
    return _found(network.parameters, training, evaluation, memory, gpu, experiment, rates)


def _found(
    parameters: int, training: Work, evaluation: Work, memory: Memory, gpu: Gpu, experiment: Experiment, rates: Rates
) -> Estimate:
    disk = Disk.of(experiment, memory.gradients, memory.optimizer)  # gradients have as many bytes as trained weights
    hours = parts(training, evaluation, disk, gpu, rates)
    return Estimate(gpu, parameters, training.flops, evaluation.flops, memory, hours, training.side_by_side)


def _together(how: Training, memory: Memory, gpu: Gpu) -> int:
    """Seeds side by side: as many as there are, as one process takes, and as fit."""
    return max(1, min(how.most_side_by_side, int(gpu.memory * 1e9 * SHARE / memory.total)))


def _passes(update: float, most: float) -> int:
    """Passes of an update of so many tokens, of which a pass has at most so many, and no more than a GPU reads."""
    return max(1, math.ceil(round(update / max(min(most, PASS_TOKENS), 1), 6)))


def _pass_tokens(stage: StageWork, micro_batch_size: int | None) -> float:
    rows = min(stage.batch_size, stage.documents)
    return stage.tokens * min(rows, micro_batch_size or rows)
