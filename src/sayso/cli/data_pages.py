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
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.check import Finding, check
from sayso.data.people import NOTABLES
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.data.pocket_facts import columns_asked, without_gaps
from sayso.data.progress import OnProgress
from sayso.data.published.cache import Prepared
from sayso.data.tables import table as facts_table
from sayso.data.tables.delimiters import called
from sayso.data.tables.entities import Asked, Taken

#: As many columns, gaps and names are listed; of others it is said how many there are.
_LISTED = 12


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


def taken_page(taken: Taken) -> RenderableType:
    """What was taken for what in a table, in three lines: the file, the entities, the questions."""
    how = taken.how
    found = [f"{taken.rows:,} {'row' if taken.rows == 1 else 'rows'}", taken.kind.removeprefix(".").upper()]
    found += [how.encoding.upper()] if how.encoding else []
    found += [f"{called(how.delimiter)} between columns"] if how.delimiter else []
    found += [f"sheet '{how.sheet}'"] if how.sheet else []
    grid = Table.grid(padding=(0, 3, 0, 0))
    name = taken.file.encode(errors="backslashreplace").decode()  # what UTF-8 cannot write is written in ASCII
    grid.add_row("file", ", ".join([name, *found]))
    grid.add_row("entities", _entities(taken))
    asked = [_asked(item) for item in taken.asked]
    left_out = [f"{column} ({why})" for column, why in taken.left_out]
    grid.add_row("questions", _some(asked) + (f"; left out: {_some(left_out)}" if left_out else ""))
    return grid


def own_facts(experiment: Experiment) -> tuple[RenderableType | None, list[Finding]]:
    """What was taken for what in an experiment's table, and what may spoil a run (None without a table); what stops it.

    Raises
    ------
    SaysoError
        If the table cannot be read.
    """
    first = cells(experiment)[0].experiment
    knowledge, lines, stops = first.knowledge, list[RenderableType](), list[Finding]()
    table: object = knowledge
    if isinstance(knowledge, PocketWorld):
        table = knowledge.facts
        if isinstance(table, facts_table.Table):
            columns = columns_asked(table, knowledge.attributes)
            whole = len(without_gaps(table.first(), columns))
            have = f"{whole:,} {'entity has' if whole == 1 else 'entities have'} an answer to each"
            lines.append(Text(f"asked about: {', '.join(columns)}; {have}"))
        elif table not in (NOTABLES, SYNTHETIC):
            lines.append(Text(f"{table}: people in the Cross-Verified Database's columns, years told as centuries"))
    if isinstance(table, facts_table.Table):
        found = check(table, first)
        stops, spoils = ([each for each in found if each.severity == kind] for kind in ("error", "warning"))
        lines = [taken_page(table.taken()), *lines, *([findings_page(spoils)] if spoils else [])]
    return (Group(*lines) if lines else None), stops


def _asked(asked: Asked) -> str:
    """A column or relation, and how many entities have no answer to it or several, cut at which sign."""
    told = [f"{asked.gaps:,} without"] if asked.gaps else []
    cut = f", at '{asked.cut}'" if asked.cut is not None else ""
    told += [f"{asked.several:,} with several{cut}"] if asked.several else []
    return f"{asked.what} ({'; '.join(told)})" if told else asked.what


def _entities(taken: Taken) -> str:
    """How many entities there are, and where their names are."""
    text = f"{taken.entities:,}, named in column '{taken.names}'"
    if taken.facts is not None:
        text += f", a row a fact: '{taken.facts[0]}', '{taken.facts[1]}'"
    if taken.example is not None:
        outer, inner = taken.example
        text += f"; {taken.inside:,} {'holds' if taken.inside == 1 else 'hold'} another's name ('{outer}', '{inner}')"
    return text + (f"; {taken.unasked:,} without any answer left out" if taken.unasked else "")


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - _LISTED:,} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def findings_page(findings: Sequence[Finding]) -> RenderableType:
    """What was found in a table, a line each: what stops a run, what may spoil it, what to know."""
    grid = Table.grid(padding=(0, 3, 0, 0))
    for finding in findings:
        grid.add_row(finding.severity, finding.line)
    return grid


def facts_page(entities: Sequence[EntityFacts]) -> RenderableType:
    """Entities, each with its questions and their answers; a bar stands between several."""
    parts: list[RenderableType] = []
    for entity in entities:
        grid = Table.grid(padding=(0, 3, 0, 0))
        for pair in entity.questions:
            grid.add_row(pair.question, " | ".join(pair.answers))
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
