"""What a run will take, as a page: documents and updates of a seed, and operations, memory and hours on a GPU."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.legs import kept_states
from sayso.core.spec import canonical_json
from sayso.core.sweep import Cell, cells
from sayso.learners.specs import FromScratch, HFModel
from sayso.runs.estimate import Estimate, on_gpu
from sayso.runs.gpus import Gpu
from sayso.runs.model_sizes import find_model
from sayso.runs.rates import ASSUMED, Rates
from sayso.runs.workload import Workload, workload

#: The card the paper's hours are of.
PAPERS_GPU = "A100-80GB"

#: Parts of a seed's hours; launches count as far as the card waits for them.
_PARTS = ("training products", "memory passes", "launches", "evaluation", "checkpoints")


def cost_page(experiment: Experiment, gpu: Gpu, rates: Rates = ASSUMED) -> RenderableType:
    """The work of one seed by stage (of the first cell), and what a seed and all runs take, cell by cell and in parts.

    `rates`: what the card is taken to give.
    """
    planned = cells(experiment)
    counted: dict[str, Workload] = {}  # by all but the model's settings: its kind and tokenizer say how much is read
    work: dict[str, Workload] = {}
    for cell in planned:
        read = cell.experiment.model_dump(mode="json", exclude={"model"})
        model = cell.experiment.model
        own = model.name if isinstance(model, HFModel) else ""
        key = canonical_json({**read, "model": [type(model).__name__, own]})
        try:
            work[cell.name] = counted[key] = counted.get(key) or workload(cell.experiment)
        except SaysoError as error:
            return Text(str(error))
    first = work[planned[0].name]
    rows = [
        (
            stage.name + (f" (x {stage.repeats} stage-2 seeds)" if stage.repeats > 1 else ""),
            f"{stage.documents:,}",
            str(stage.epochs),
            f"{stage.updates:,}",
            f"{stage.tokens:.0f}" if first.picture is None else f"{math.prod(first.picture.shape):,}",
        )
        for stage in first.stages
    ]
    measured_in = "tokens" if first.picture is None else "pixels"
    return Group(
        plain_table(("stage", "documents", "epochs", "updates an epoch", f"{measured_in} a document"), rows),
        Text(f"{first.assumption}\n"),
        *_on_gpu(planned, work, experiment.seeds.count, gpu, rates),
    )


def _on_gpu(
    planned: Sequence[Cell], work: dict[str, Workload], seeds: int, gpu: Gpu, rates: Rates
) -> Iterable[RenderableType]:
    rows, hours, total, kept, unknown = [], [], 0.0, 0.0, ""
    terms: dict[str, None] = {}
    for cell in planned:
        try:
            found = on_gpu(cell.experiment, work[cell.name], gpu, rates)
        except SaysoError as error:
            unknown = str(error)
            continue
        terms[_terms(cell.experiment, found)] = None
        total += found.hours * seeds
        kept += len(kept_states(cell.experiment)) * found.memory.gradients * seeds  # as many bytes as trained weights
        rows.append(
            (
                cell.name,
                f"{work[cell.name].updates:,}",
                f"{found.training_flops:.1e}",
                f"{found.evaluation_flops:.1e}",
                f"{_short(found.memory.total / 1e9)} GB" + ("" if found.fits else " (smaller passes will be tried)"),
                str(found.side_by_side),
            )
        )
        each = found.parts
        split = (each.products, each.memory, each.launches, each.evaluation, each.checkpoints, each.total)
        hours.append((cell.name, *map(_few, split)))
    if rows:
        yield plain_table(("one seed of", "updates", "operations: training", "measuring", "memory", "together"), rows)
        yield Text(f"\nhours of one {gpu.name} a seed")
        yield plain_table(("", *_PARTS, "sum"), hours)
        yield Text(f"{_short(total)} hours of one {gpu.name} for all {len(rows) * seeds} runs, with {rates.said}")
        yield Text(f"{_short(kept / 1e9)} GB of weights stay on the disk (keep)" if kept else "no weights stay (keep)")
        yield Text("\n".join(terms))
    if unknown:
        yield Text(unknown)


def _terms(experiment: Experiment, found: Estimate) -> str:
    """A model's size, and where it comes from: under which licence, or from random weights."""
    model = experiment.model
    size = f"{found.parameters / 1e6:,.0f}M" if found.parameters >= 10e6 else f"{found.parameters:,}"
    if isinstance(model, HFModel):
        return f"{model.name}: {size} parameters, licence: {find_model(model.name).licence}"
    name = model.architecture if isinstance(model, FromScratch) else type(model).__name__
    return f"{name}: {size} parameters, from random weights"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 1 else f"{number:.1g}"


def _few(hours: float) -> str:
    return f"{hours:.2f}" if hours >= 0.1 else f"{hours:.1g}"
