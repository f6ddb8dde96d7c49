"""What a run will take: operations, memory and hours on a named GPU. Rough, and said to be.

The rate is calibrated on the paper's own number (appendix H): one two-stage seed of Pythia-2.8B in about 6 hours of an
A100. By `forward_flops`, with documents padded to 64 tokens and about 26,000 questions asked after each of 30 epochs by
generating, that is 8e17 operations: `UTILISATION` of what the card could do in bfloat16. The same rate is taken for
small models, which wait for a GPU's launches rather than for its arithmetic: for them hours are a lower bound.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError, nearest
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.legs import is_measured, legs, measured_epochs
from sayso.learners.grids.sizes import NetworkSize
from sayso.learners.known_models import KNOWN_MODELS, KnownModel

#: Share of a card's peak in bfloat16 that runs of this kind reach.
UTILISATION = 0.12
#: Share of a card's peak in float32 that work in float32 reaches at most.
FLOAT32_UTILISATION = 0.5
#: Models with fewer parameters leave a card waiting. The paper's two of this kind (appendix H) took longer than the
#: rate allows: Pythia-70M on set inclusion 3 hours, ConvNeXt V2 Tiny 2.
LAUNCH_BOUND = 100_000_000
#: Characters a token of these documents has: aliases are taken to pieces (`benchmarks.pythia.english_tokenizer`).
CHARACTERS_PER_TOKEN = 2.1
#: Bytes kept for the backward pass per token, layer and unit of width, in bfloat16 with fused attention.
_ACTIVATION_BYTES = 34
_CHECKPOINT_BYTES = 4
#: Bytes of a logit: in float32 with its gradient, and in bfloat16.
_LOGIT_BYTES = 10
#: Bytes of a value a network that sees keeps for the backward pass.
_VALUE_BYTES = 4


@dataclass(frozen=True)
class Gpu:
    """A card: memory in GB, and peak rates without sparsity in TFLOP/s."""

    name: str
    memory: float
    bfloat16: float
    float32: float


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("A100-80GB", 80, 312, 19.5),
        Gpu("H100", 80, 989, 67),
        Gpu("H200", 141, 989, 67),
        Gpu("RTX-4090", 24, 165, 82.6),
        Gpu("L4", 24, 121, 30.3),
    )
}


@dataclass(frozen=True)
class Plan:
    """Tokens of one seed's run: of documents trained on, of those scored, and of completions scored.

    To a model that sees, a document is one token: its picture.
    """

    trained: int
    scored: int
    completions: int


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


def find_gpu(name: str) -> Gpu:
    """Look a card up by its name, or by a part of it that no other card has (``A100``, ``4090``).

    Raises
    ------
    SaysoError
        If it is not known, or could be several.
    """
    meant = [known for known in GPUS if name in known.split("-")]
    if name not in GPUS and len(meant) != 1:
        raise SaysoError(f"no GPU '{name}'{nearest(name, GPUS)}")
    return GPUS.get(name) or GPUS[meant[0]]


def find_model(name: str) -> KnownModel:
    """Look a model's size up: a known one by its hub name, or a local folder of safetensors.

    Raises
    ------
    SaysoError
        If it is neither.
    """
    if name in KNOWN_MODELS:
        return KNOWN_MODELS[name]
    folder = Path(name)
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        raise SaysoError(f"the size of model '{name}' is not known{nearest(name, KNOWN_MODELS)}")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = [shape for file in files for shape in _shapes(file)]
        layers = next(config[key] for key in ("num_hidden_layers", "num_layers", "n_layer") if key in config)
        width = next(config[key] for key in ("hidden_size", "d_model", "n_embd") if key in config)
        vocabulary = config["vocab_size"]
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise SaysoError(f"{folder}: not a model whose size can be read ({error!r})") from error
    tied = sum(shape == [vocabulary, width] for shape in tensors) < 2
    parameters = sum(_product(shape) for shape in tensors)
    encoder = bool(config.get("is_encoder_decoder"))
    return KnownModel(name, parameters, layers, width, vocabulary, "as in its folder", tied=tied, encoder=encoder)


def forward_flops(model: KnownModel, tokens: float, logits: float) -> float:
    """Operations of reading `tokens` and predicting `logits` of them (two for each weight of a matrix)."""
    embedding = model.vocabulary * model.width
    body = model.parameters - embedding * (1 if model.tied else 2)
    return 2 * (body * tokens + embedding * logits)


def by_characters(text: str) -> int:
    """Tokens of a text, its end included, by its length."""
    return 1 + round(len(text) / CHARACTERS_PER_TOKEN)


def plan(experiment: Experiment, corpus: Corpus, length: Callable[[str], int] = by_characters) -> Plan:
    """Count the tokens of one seed's run; `length` says how many a text has."""
    trained = scored = completions = 0
    for leg in legs(experiment):
        stage, documents = leg.stage, corpus.documents(leg.stage.documents)
        train = experiment.train_spec(stage)
        share = 1.0
        if train.sampling is not None:
            share = train.sampling.steps_per_epoch * train.batch_size / max(len(documents), 1)
        trained += round(stage.epochs * (share + stage.replay * share) * count_tokens(documents, length))
        times = len(measured_epochs(leg))
        asked = [item for each in corpus.eval_sets if is_measured(each, leg, experiment) for item in each.examples]
        scored += times * count_tokens(asked, length)
        completions += times * sum(1 + length(item.completion) for item in asked)
    return Plan(trained, scored, completions)


def training_memory(
    model: KnownModel,
    tokens: float,
    *,
    optimizer: str = "adafactor",
    trained_share: float = 1.0,
    gradient_checkpointing: bool = False,
    float32: bool = False,
) -> Memory:
    """Bytes that training takes with passes of `tokens` tokens; `trained_share` of the weights are trained (LoRA).

    In `float32` there are no copies of the weights, and what is kept has twice the bytes.
    """
    weights, trained = 4.0 * model.parameters, 4.0 * model.parameters * trained_share
    state = 2 * trained if optimizer == "adamw" else 2 * trained / model.width
    kept = _CHECKPOINT_BYTES if gradient_checkpointing else _ACTIVATION_BYTES
    again = _ACTIVATION_BYTES * model.width if gradient_checkpointing else 0  # of one layer, while it is done again
    layers = model.layers * (2 if model.encoder else 1)
    activations = tokens * (kept * layers * model.width + again + _LOGIT_BYTES * model.vocabulary)
    if float32:
        return Memory(weights, trained, state, 0.0, 2 * activations)
    return Memory(weights, trained, state, weights / 2, activations)


def estimate(
    model: KnownModel,
    planned: Plan,
    gpu: Gpu,
    *,
    batch_tokens: float,
    optimizer: str = "adafactor",
    trained_share: float = 1.0,
    gradient_checkpointing: bool = False,
    float32: bool = False,
    float32_evaluation: bool = True,
) -> Estimate:
    """Estimate what one seed takes on a card, with batches of `batch_tokens` tokens; `float32` is that of training."""
    passes = 4 if gradient_checkpointing else 3
    training = passes * forward_flops(model, planned.trained, planned.trained)
    evaluation = forward_flops(model, planned.scored, planned.completions)
    memory = training_memory(
        model,
        batch_tokens,
        optimizer=optimizer,
        trained_share=trained_share,
        gradient_checkpointing=gradient_checkpointing,
        float32=float32,
    )
    hours = _hours(training, gpu, float32=float32) + _hours(evaluation, gpu, float32=float32_evaluation)
    return Estimate(gpu, model.parameters, training, evaluation, memory, hours)


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
    rate = gpu.bfloat16 * 1e12 * UTILISATION
    if float32:
        rate = min(rate, gpu.float32 * 1e12 * FLOAT32_UTILISATION)
    return operations / rate / 3600


def count_tokens(documents: Iterable[Example], length: Callable[[str], int] = by_characters) -> int:
    """Tokens of documents, their ends included."""
    return sum(length(document.text) for document in documents)


def _shapes(file: Path) -> list[list[int]]:
    """Shapes of all tensors of a safetensors file, from its header."""
    with file.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    return [entry["shape"] for name, entry in header.items() if name != "__metadata__"]


def _product(shape: list[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
