"""The hours of a seed as a sum of parts that can be checked one by one.

A step hands a card operations one by one. The card multiplies matrices at a share of its peak, and goes over its memory
at a share of its bandwidth; it waits where being handed the operations takes longer than both. What is assumed of a
card is in `sayso.runs.rates`, what is counted of a model here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sayso.core.experiment import Experiment
from sayso.core.legs import kept_states, legs, needed_later, total_epochs
from sayso.learners.known_models import KnownModel
from sayso.runs.gpus import Gpu
from sayso.runs.rates import Rates

#: Tokens that are read in one pass on a GPU (`sayso.learners.single.packed.TOKENS`).
PASS_TOKENS = 16384
#: Times a step of an optimizer reads or writes as many float32 values as are trained. Of Adafactor, as
#: `sayso.learners.optim` takes a step: parameters of one shape put together 2, squares 4, their means 2, the update 4,
#: its norm 1, clipped and scaled 4, subtracted 3.
OPTIMIZER_PASSES = {"adafactor": 20, "adamw": 7}
#: The same of clipping (the norm 1, scaling 2), and of casts: weights to bfloat16, gradients from it.
CLIPPING_PASSES, CAST_PASSES = 3, 3
#: How often what a pass keeps is gone over in training: written, read, read again by the backward pass, whose gradients
#: are written and read; and in evaluation: written and read.
TRAINING_VISITS, EVALUATION_VISITS = 5, 2


@dataclass(frozen=True)
class Launches:
    """Operations a card is handed, views and room for results left out.

    `layer` and `rest` of one forward and backward pass, `forward_layer` and `forward_rest` of a forward pass alone.
    `step`: of an optimizer's step, of which `gib` more for each GiB of weights.
    """

    layer: int
    rest: int
    forward_layer: int
    forward_rest: int
    step: int
    gib: int = 0

    def training(self, layers: int, passes: int, weights: float) -> float:
        """Operations of one update in so many passes; `weights` in bytes."""
        return passes * (self.layer * layers + self.rest) + self.step + self.gib * weights / 2**30

    def evaluation(self, layers: int, passes: float) -> float:
        """Operations of so many forward passes."""
        return passes * (self.forward_layer * layers + self.forward_rest)


#: One model that reads packed documents: ``python -m benchmarks.operations 70m 410m 2.8b`` counts 929, 2,981 and 4,109
#: operations for 6, 24 and 32 layers, 280, 1,000 and 1,320 of them forward, 188, 188 and 404 of the optimizer.
PACKED = Launches(layer=114, rest=56, forward_layer=40, forward_rest=39, step=188, gib=21)
#: The same with blocks compiled (`model.compiled`): ``--compiled`` counts 255 and 1,087, forward and backward, for 6
#: and 32 layers. What a pass of evaluation is handed is not compiled.
COMPILED = replace(PACKED, layer=32, rest=63)
#: Seeds side by side: ``python -m benchmarks.launches`` counts 846, 1,538 and 2,230 for 2, 4 and 6 layers, the
#: optimizer's among them. A forward pass is taken to have those of one model.
STACKED = Launches(layer=346, rest=154, forward_layer=40, forward_rest=39, step=0)
#: Models that see: the same command counts 92 and 156 for 4 and 10 products, norms and activations. Those of a forward
#: pass are a guess: one in four.
SEEING = Launches(layer=11, rest=49, forward_layer=3, forward_rest=12, step=0)


@dataclass(frozen=True)
class Work:
    """What a card is given: operations on numbers in matrix products, bytes read and written, and operations handed.

    `side_by_side`: seeds that are handed over together; the other two are of one.
    """

    flops: float
    memory_bytes: float
    launches: float
    float32: bool = False
    side_by_side: int = 1

    def seconds(self, gpu: Gpu, rates: Rates) -> tuple[float, float, float]:
        """Seconds of products, of passes over memory, and of waiting for what is handed on top of both."""
        peak = gpu.float32 if self.float32 or gpu.bfloat16 is None else gpu.bfloat16
        products = self.flops / (peak * 1e12 * rates.matrix_share)
        memory = self.memory_bytes / (gpu.bandwidth * 1e9 * rates.bandwidth_share)
        handed = self.launches * rates.launch_seconds / self.side_by_side
        return products, memory, max(0.0, handed - products - memory)


@dataclass(frozen=True)
class Parts:
    """Hours of a seed: training's matrix products, its passes over memory, its waits for launches, and the rest."""

    products: float
    memory: float
    launches: float
    evaluation: float
    checkpoints: float

    @property
    def total(self) -> float:
        """All together."""
        return self.products + self.memory + self.launches + self.evaluation + self.checkpoints


@dataclass(frozen=True)
class Disk:
    """What a run writes.

    `states`: bytes of weights kept apart; `checkpoint`: bytes of weights and optimizer; `ends`: checkpoints at the end
    of a leg. A run waits for both. Besides, one is written after an epoch of its `epochs` once `minutes` have passed,
    while training goes on.
    """

    states: float
    checkpoint: float
    ends: int
    epochs: int
    minutes: float

    @classmethod
    def of(cls, experiment: Experiment, weights: float, optimizer: float) -> Disk:
        """What an experiment without axes writes; bytes of trained weights, and of the optimizer's state."""
        run = legs(experiment)
        kept = len(kept_states(experiment) | needed_later(run))
        minutes = experiment.checkpoint_minutes
        return cls(kept * weights, weights + optimizer, len(run), total_epochs(experiment), minutes)

    def seconds(self, busy: float, rates: Rates) -> float:
        """Seconds that a run, `busy` for so many besides, waits for the disk."""
        one = self.checkpoint / rates.disk_bytes
        between = max(60 * self.minutes, busy / max(self.epochs, 1))
        late = max(0.0, one - between) * busy / between if between else 0.0
        return self.states / rates.disk_bytes + self.ends * one + late


def parts(training: Work, evaluation: Work, disk: Disk, gpu: Gpu, rates: Rates) -> Parts:
    """Add up what a seed takes on a card."""
    trained, evaluated = training.seconds(gpu, rates), sum(evaluation.seconds(gpu, rates))
    seconds = (*trained, evaluated, disk.seconds(sum(trained) + evaluated, rates))
    return Parts(*(each / 3600 for each in seconds))


def weight_bytes(trained: float, optimizer: str, *, clipped: bool, float32: bool) -> float:
    """Bytes an update reads and writes for so many trained parameters."""
    passes = OPTIMIZER_PASSES[optimizer] + CLIPPING_PASSES * clipped + CAST_PASSES * (not float32)
    return 4.0 * trained * passes


def forward_flops(model: KnownModel, tokens: float, logits: float) -> float:
    """Operations of reading `tokens` and predicting `logits` of them (two for each weight of a matrix)."""
    embedding = model.vocabulary * model.width
    body = model.parameters - embedding * (1 if model.tied else 2)
    return 2 * (body * tokens + embedding * logits)
