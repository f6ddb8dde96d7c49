"""What a run will take, as a page: documents and updates of a seed, and operations, memory and hours on a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.spec import canonical_json
from sayso.core.sweep import Cell, cells
from sayso.learners.estimate import Gpu, find_model
from sayso.learners.specs import HFModel
from sayso.terminal import plain_table
from sayso.workload import Workload, on_gpu, workload

#: The card the paper's hours are of.
PAPERS_GPU = "A100-80GB"


def cost_page(experiment: Experiment, gpu: Gpu) -> RenderableType:
    """The work of one seed by stage (of the first cell), and what a seed and all runs take, cell by cell."""
    planned = cells(experiment)
    counted: dict[str, Workload] = {}  # by all that is not the model, which changes no document
    work: dict[str, Workload] = {}
    for cell in planned:
        key = canonical_json(cell.experiment.model_dump(mode="json", exclude={"model"}))
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
            f"{stage.tokens:.0f}",
        )
        for stage in first.stages
    ]
    return Group(
        plain_table(("stage", "documents", "epochs", "updates an epoch", "tokens a document"), rows),
        Text(f"{first.assumption}\n"),
        *_on_gpu(planned, work, experiment.seeds.count, gpu),
    )


def _on_gpu(planned: Sequence[Cell], work: dict[str, Workload], seeds: int, gpu: Gpu) -> Iterable[RenderableType]:
    rows, total, unknown = [], 0.0, ""
    terms: dict[str, None] = {}
    for cell in planned:
        try:
            found = on_gpu(cell.experiment, work[cell.name], gpu)
        except SaysoError as error:
            unknown = str(error)
            continue
        if isinstance(cell.experiment.model, HFModel):
            model = find_model(cell.experiment.model.name)
            terms[f"{model.name}: {model.parameters / 1e6:,.0f}M parameters, licence: {model.licence}"] = None
        total += found.hours * seeds
        rows.append(
            (
                cell.name,
                f"{work[cell.name].updates:,}",
                f"{found.training_flops:.1e}",
                f"{found.evaluation_flops:.1e}",
                f"{found.memory.total / 1e9:.0f} GB" + ("" if found.fits else " (smaller passes will be tried)"),
                f"{found.hours:.1f}" if found.hours >= 1 else f"{found.hours:.1g}",
            )
        )
    if rows:
        header = ("one seed of", "updates", "operations: training", "measuring", "memory", f"hours of one {gpu.name}")
        yield plain_table(header, rows)
        yield Text(f"{total:,.0f} hours of one {gpu.name} for all {len(rows) * seeds} runs; a rough estimate")
        yield Text("\n".join(terms))
    if unknown:
        yield Text(unknown)
