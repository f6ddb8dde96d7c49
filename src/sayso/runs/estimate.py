"""What a run will take: operations, memory and hours on a named GPU. Rough, and said to be.

The rate is calibrated on the paper's own number (appendix H): one two-stage seed of Pythia-2.8B in about 6 hours of an
A100. By `forward_flops`, with documents padded to 64 tokens and about 26,000 questions asked after each of 30 epochs by
generating, that is 8e17 operations: `UTILISATION` of what the card could do in bfloat16. The same rate is taken for
small models, which wait for a GPU's launches rather than for its arithmetic: for them hours are a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.learners.grids.sizes import NetworkSize
from sayso.learners.grids.specs import GridModel
from sayso.learners.known_models import KnownModel
from sayso.learners.specs import FromScratch, HFModel
from sayso.runs.gpus import Gpu
from sayso.runs.model_sizes import find_model, from_scratch
from sayso.runs.workload import Plan, StageWork, Workload

#: Share of a card's peak in bfloat16 that runs of this kind reach.
UTILISATION = 0.12
#: Share of a card's peak in float32 that work in float32 reaches at most.
FLOAT32_UTILISATION = 0.5
#: Models with fewer parameters leave a card waiting. The paper's two of this kind (appendix H) took longer than the
#: rate allows: Pythia-70M on set inclusion 3 hours, ConvNeXt V2 Tiny 2.
LAUNCH_BOUND = 100_000_000
#: Bytes kept for the backward pass per token, layer and unit of width, in bfloat16 with fused attention.
_ACTIVATION_BYTES = 34
_CHECKPOINT_BYTES = 4
#: Bytes of a logit: in float32 with its gradient, and in bfloat16.
_LOGIT_BYTES = 10
#: Share of the weights that is trained with LoRA, roughly.
_LORA_SHARE = 0.01
#: Bytes of a value a network that sees keeps for the backward pass.
_VALUE_BYTES = 4


@dataclass(frozen=True)
class Training:
    """How a language model is trained, as far as memory and hours follow from it.

    `batch_tokens`: tokens of a pass. `trained_share`: of the weights (LoRA). `float32`: of training, in which there are
    no copies of the weights and what is kept has twice the bytes; `float32_evaluation`: of measuring.
    """

    batch_tokens: float
    optimizer: str = "adafactor"
    trained_share: float = 1.0
    gradient_checkpointing: bool = False
    float32: bool = False
    float32_evaluation: bool = True


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


@dataclass(frozen=True)
class Estimate:
    """What one seed takes on one card: operations of training and evaluation, bytes at the largest pass, hours."""

    gpu: Gpu
    parameters: int
    training_flops: float
    evaluation_flops: float
    memory: Memory
    hours: float

    @property
    def fits(self) -> bool:
        """Whether a whole batch fits into the card at once; otherwise smaller passes are tried."""
        return self.memory.total < self.gpu.memory * 1e9 * 0.95

    @property
    def lower_bound(self) -> bool:
        """Whether the model is so small that hours are a lower bound."""
        return self.parameters < LAUNCH_BOUND


def on_gpu(experiment: Experiment, work: Workload, gpu: Gpu) -> Estimate:
    """Estimate what one seed takes on a card.

    Raises
    ------
    SaysoError
        If it is no model of a known kind, or its size is not known.
    """
    model, train = experiment.model, experiment.train
    float32 = train.precision == "float32" or (train.precision != "bfloat16" and gpu.bfloat16 is None)
    if isinstance(model, HFModel):
        how = Training(
            max(_pass_tokens(stage, model.micro_batch_size) for stage in work.stages),
            optimizer=train.optimizer,
            trained_share=1.0 if model.lora is None else _LORA_SHARE,
            gradient_checkpointing=model.gradient_checkpointing,
            float32=float32,
            float32_evaluation=model.evaluation_precision == "float32"
            or (model.evaluation_precision != "bfloat16" and gpu.bfloat16 is None),
        )
        return estimate(find_model(model.name), work.planned, gpu, how)
    if isinstance(model, FromScratch):
        if work.vocabulary is None:
            raise SaysoError("no estimate: the vocabulary of a model from scratch follows from documents not at hand")
        whole = max(_pass_tokens(stage, None) for stage in work.stages)
        size = from_scratch(model.architecture, model.config, work.vocabulary)
        return estimate(size, work.planned, gpu, Training(whole, train.optimizer, float32=True))
    if isinstance(model, GridModel):
        if work.picture is None:
            raise SaysoError(f"no estimate: {type(model).__name__} sees pictures, and this knowledge has none")
        return estimate_pictures(
            model.size(work.picture.shape, work.picture.outputs),
            work.planned,
            gpu,
            batch_size=max(stage.batch_size for stage in work.stages),
            optimizer=train.optimizer,
            float32=float32,
        )
    raise SaysoError(f"no estimate for a model of this kind ({type(model).__name__})")


def forward_flops(model: KnownModel, tokens: float, logits: float) -> float:
    """Operations of reading `tokens` and predicting `logits` of them (two for each weight of a matrix)."""
    embedding = model.vocabulary * model.width
    body = model.parameters - embedding * (1 if model.tied else 2)
    return 2 * (body * tokens + embedding * logits)


def training_memory(model: KnownModel, how: Training) -> Memory:
    """Bytes that training takes."""
    weights, trained = 4.0 * model.parameters, 4.0 * model.parameters * how.trained_share
    state = 2 * trained if how.optimizer == "adamw" else 2 * trained / model.width
    kept = _CHECKPOINT_BYTES if how.gradient_checkpointing else _ACTIVATION_BYTES
    again = _ACTIVATION_BYTES * model.width if how.gradient_checkpointing else 0  # of one layer, while it is done again
    layers = model.layers * (2 if model.encoder else 1)
    activations = how.batch_tokens * (kept * layers * model.width + again + _LOGIT_BYTES * model.vocabulary)
    if how.float32:
        return Memory(weights, trained, state, 0.0, 2 * activations)
    return Memory(weights, trained, state, weights / 2, activations)


def estimate(model: KnownModel, planned: Plan, gpu: Gpu, how: Training) -> Estimate:
    """Estimate what one seed of a language model takes on a card."""
    training = (4 if how.gradient_checkpointing else 3) * forward_flops(model, planned.trained, planned.trained)
    evaluation = forward_flops(model, planned.scored, planned.completions)
    hours = _hours(training, gpu, float32=how.float32) + _hours(evaluation, gpu, float32=how.float32_evaluation)
    return Estimate(gpu, model.parameters, training, evaluation, training_memory(model, how), hours)


def estimate_pictures(
    network: NetworkSize, planned: Plan, gpu: Gpu, *, batch_size: int, optimizer: str, float32: bool
) -> Estimate:
    """Estimate what one seed of a model that sees takes on a card."""
    training, evaluation = 3.0 * network.flops * planned.trained, 1.0 * network.flops * planned.scored
    weights = 4.0 * network.parameters
    memory = Memory(
        weights=weights,
        gradients=weights,
        optimizer=2 * weights if optimizer == "adamw" else 0.0,  # Adafactor keeps rows and columns: a percent
        copies=0.0 if float32 else weights / 2,
        activations=float(_VALUE_BYTES * network.values * batch_size),
    )
    hours = _hours(training + evaluation, gpu, float32=float32)
    return Estimate(gpu, network.parameters, training, evaluation, memory, hours)


def _hours(operations: float, gpu: Gpu, *, float32: bool) -> float:
    rate = gpu.float32 * 1e12 * FLOAT32_UTILISATION
    if gpu.bfloat16 is not None:
        in_bfloat16 = gpu.bfloat16 * 1e12 * UTILISATION
        rate = min(rate, in_bfloat16) if float32 else in_bfloat16
    return operations / rate / 3600


def _pass_tokens(stage: StageWork, micro_batch_size: int | None) -> float:
    rows = min(stage.batch_size, stage.documents)
    return stage.tokens * min(rows, micro_batch_size or rows)
