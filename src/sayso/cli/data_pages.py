"""What the commands about data print: how far a file is, what was prepared, entities with their questions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sayso.core.examples import EntityFacts
from sayso.data.progress import OnProgress
from sayso.data.published.cache import Prepared


class Bars:
    """Bars of how far files are; where there is no terminal, a plain line for each as it begins."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, with the last picture on it."""
        if self._console.is_terminal:
            self._progress.stop()

    def begin(self, what: str) -> OnProgress:
        """A new bar; nothing is drawn of what is not done because it is there already."""
        task = self._progress.add_task(what, visible=False)
        begun = False

        def on_progress(done: int, total: int | None) -> None:
            nonlocal begun
            if not (begun or self._console.is_terminal):
                self._console.print(what)
            begun = True
            self._progress.update(task, completed=done, total=total, visible=True)

        return on_progress


def prepared_page(prepared: Sequence[Prepared]) -> RenderableType:
    """Where the tables are, and what was read, kept and dropped."""
    lines: list[RenderableType] = []
    for item in prepared:
        counts = ", ".join(f"{count:,} {what}" for what, count in item.counts.items())
        lines += [Text(str(item.path), style="bold"), Padding(Text(counts), (0, 0, 0, 2))]
    return Group(*lines, Text(f"sha256 of the source: {prepared[0].sha256}"))


def facts_page(entities: Sequence[EntityFacts]) -> RenderableType:
    """Entities, each with its questions and their answers."""
    parts: list[RenderableType] = []
    for entity in entities:
        grid = Table.grid(padding=(0, 3, 0, 0))
        for pair in entity.questions:
            grid.add_row(pair.question, "; ".join(pair.answers))
        parts += [Text(entity.name, style="bold"), Padding(grid, (0, 0, 1, 2))]
    return Group(*parts)


def facts_json(entities: Sequence[EntityFacts]) -> str:
    """A line of JSON for each question."""
    return "".join(
        json.dumps(
            {
                "entity": entity.name,
                "attribute": pair.attribute,
                "question": pair.question,
                "answers": list(pair.answers),
            },
            ensure_ascii=False,
        )
        + "\n"
        for entity in entities
        for pair in entity.questions
    )
