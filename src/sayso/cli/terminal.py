"""What commands print: the catalogue, an experiment, how far a run is, documents, as rich renderables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sayso.cli.streams import can_write
from sayso.core.experiment import Experiment
from sayso.core.legs import kept_states
from sayso.core.seeds import seed_range
from sayso.core.spec import canonical_json
from sayso.core.subsets import Subset
from sayso.core.sweep import cells
from sayso.runs.status import CellStatus, JobStatus, Status

#: Width of text that no terminal sets: wide enough that nothing is folded before it reaches a file or a pipe.
FILE_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    """The console to print on. Text is printed as it is: documents may hold what rich takes for markup."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, width=None if stream.isatty() else FILE_WIDTH, markup=False, highlight=False, emoji=False
    )


def show(*pages: RenderableType) -> None:
    """Print on standard output; what goes to a file or a pipe has no blanks at the ends of its lines."""
    output = console()
    in_ascii = not can_write("±", output.encoding)
    if output.is_terminal and not in_ascii:
        for page in pages:
            output.print(page)
        return
    with output.capture() as captured:
        for page in pages:
            output.print(page)
    for line in captured.get().splitlines():
        print(line.replace("±", "+-").rstrip() if in_ascii else line.rstrip())


def plain_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table without frames."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in header:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def experiment_page(experiment: Experiment) -> RenderableType:
    """Everything about an experiment: what it shows, all settings by path, subsets, stages, cells, seeds, digest."""
    sections: list[RenderableType] = [Text.assemble((experiment.name, "bold"), f"   digest {experiment.digest()}")]
    if experiment.summary:
        sections.append(Text(experiment.summary.strip()))
    sections += [
        _section("settings (change one with --set path=value, vary one with --sweep)", _settings(experiment)),
        _section("subsets", _subsets(experiment)),
        _section("stages", _stages(experiment)),
    ]
    planned = cells(experiment)
    if experiment.axes:
        sections.append(_section(f"{len(planned)} cells", Text("\n".join(cell.name for cell in planned))))
    total = len(planned) * experiment.seeds.count
    runs = f", {total} runs in all" if len(planned) > 1 else ""
    sections.append(Text(f"seeds {experiment.seeds} ({experiment.seeds.count}){runs}"))
    states = len(kept_states(planned[0].experiment))
    kept = f"weights stay at {states} moments of each seed; --gpu says what that takes" if states else "no weights stay"
    sections.append(Text(f"{kept} (keep: {experiment.kept})"))
    return Group(*_spaced(sections))


def _settings(experiment: Experiment) -> RenderableType:
    """All settings by the path that sets them, but for those shown as tables of their own."""
    grid = Table.grid(padding=(0, 3, 0, 0))
    elsewhere = ("subsets.", "stages.", "seeds.", "axes.")
    for path, value in experiment.settings().items():
        if path not in ("name", "summary", "axes") and not path.startswith(elsewhere):
            grid.add_row(Text(path, no_wrap=True), Text(_value(value)))
    return grid


def _subsets(experiment: Experiment) -> RenderableType:
    rows = [
        (
            subset.name,
            subset.group,
            _said_by(subset),
            ("consistent" if subset.consistent else "inconsistent") if subset.source else "none",
            "trained" if subset.has_qa else "only asked",
            "alias" if subset.aliased else "own name",
            f"{subset.fraction:.3g}",
        )
        for subset in experiment.subsets
    ]
    return plain_table(("subset", "part", "source", "definitions", "questions", "asked by", "fraction"), rows)


def _said_by(subset: Subset) -> str:
    """Who defines the aliases of a subset, and how often where that is more than once."""
    pairs = ((subset.source, subset.repeats), (subset.against, subset.against_repeats))
    told = [name if times == 1 else f"{times} x {name}" for name, times in pairs if name is not None]
    return " against ".join(told) or "none"


def _stages(experiment: Experiment) -> RenderableType:
    rows = []
    for stage in experiment.stages:
        train = experiment.train_spec(stage)
        replay = f"{stage.replay:g} of {', '.join(stage.replay_from)}" if stage.replay else "none"
        overrides = ", ".join(f"{key}={_value(value)}" for key, value in stage.overrides.items()) or "none"
        rows.append(
            (
                stage.name,
                " ".join(stage.documents),
                str(stage.epochs),
                str(train.batch_size),
                f"{train.learning_rate:g}",
                replay,
                overrides,
            )
        )
    return plain_table(("stage", "documents", "epochs", "batch", "learning rate", "replay", "overrides"), rows)


def status_page(status: Status, command: str | None) -> RenderableType:
    """How far a folder has come, cell by cell, and the command that goes on (None: nothing is left)."""
    rows = [row for cell in status.cells for row in _status_rows(cell)]
    return Group(
        Text.assemble((status.experiment.name, "bold"), f" in {status.path}"),
        plain_table(("cell", "state", "seeds", "epochs", ""), rows),
        Text(f"to go on: {command}" if command else "all finished"),
    )


def _status_rows(cell: CellStatus) -> Iterator[tuple[str, str, str, str, str]]:
    if done := [job for job in cell.jobs if job.state == "finished"]:
        epochs = done[0].epochs
        yield cell.name, "finished", seed_range(cell.seeds("finished")), f"{epochs} of {epochs}", ""
    for job in cell.jobs:
        if job.state != "finished":
            yield cell.name, job.state, seed_range(job.seeds), f"{job.epochs_done} of {job.epochs}", _who(job)
    if cell.to_do:
        yield cell.name, "to do", seed_range(cell.to_do), "0", ""


def _who(job: JobStatus) -> str:
    """Which process runs a job, or why it stopped."""
    return f"failed: {job.why}" if job.why else "" if job.by is None else f"by {job.by}"


def documents_page(documents: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Documents with where each is used and its subset."""
    return plain_table(("used in", "subset", "document"), list(documents))


def _section(title: str, content: RenderableType) -> RenderableType:
    return Group(Text(title, style="bold"), Padding(content, (0, 0, 0, 2)))


def _spaced(parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    for position, part in enumerate(parts):
        if position:
            yield Text()
        yield part


def _value(value: object) -> str:
    """Text as it is, unless that hides spaces or line breaks at its ends; anything else as JSON."""
    return value if isinstance(value, str) and value and value == " ".join(value.split()) else canonical_json(value)
