"""How a run is watched: a live picture on a terminal, a plain line now and then anywhere else.

Both are drawn on standard error, so that standard output holds the results alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sayso.core.seeds import seed_range, seeds_in_words
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.runs.in_words import line, measured, plan_lines, seeds_of, speed, under_way
from sayso.runs.status import epochs_done
from sayso.runs.under_way import JobProgress, RunProgress, duration

#: Seconds between two plain lines about one job, unless a stage ends.
QUIET = 30.0

_NO_BREAK = "\N{NO-BREAK SPACE}"


class Display:
    """Watches one run: pass `on_plan` and `on_event` to `sayso.run`, inside ``with``."""

    def __init__(self, console: Console, folder: Path) -> None:
        self.console = console
        self.store = Store(folder)
        self.progress = RunProgress()
        self._live: Live | None = None
        self._said: dict[str, float] = {}
        self._warned: set[str] = set()

    def __enter__(self) -> Self:
        """Begin; nothing is drawn before the plan is known."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, with the last picture on it."""
        if self._live is not None:
            self._live.stop()

    def on_plan(self, todo: Sequence[Job], done: Sequence[Job]) -> None:
        """Say what was found, then begin to show what is done."""
        before = {job.id: epochs_done(self.store.job(job.id), job.cell.experiment) for job in todo}
        self.progress.plan(todo, before)
        for words in plan_lines(list(self.progress.jobs.values()), done, self.store.path):
            self.console.print(words, soft_wrap=True)
        if todo and self.console.is_terminal:
            self._live = Live(console=self.console, get_renderable=lambda: picture(self.progress), refresh_per_second=4)
            self._live.start()

    def on_event(self, job_id: str, event: dict[str, object]) -> None:
        """Take in an event; on a terminal the picture follows by itself. What is warned of is said once."""
        if event["event"] == "warning":
            message = str(event["message"])
            if message not in self._warned:
                self._warned.add(message)
                running = self.progress.jobs.get(job_id)
                whose = "" if running is None else f"{running.said}: "
                self.console.print(f"{whose}{message}", soft_wrap=True)
            return
        job = self.progress.hear(job_id, event)
        if job.training:
            self.console.print(f"{job.said}: trained {speed(job.training)}", soft_wrap=True)
        if self._live is None and self._worth_a_line(job):
            self._said[job_id] = job.since
            self.console.print(line(self.progress, job), soft_wrap=True)

    def _worth_a_line(self, job: JobProgress) -> bool:
        """Whether a job begins, ends a stage, or has said nothing for a while."""
        if job.state == "finished":
            return False
        ends_stage = job.state == "training" and job.epoch == job.epochs and not job.measuring
        return ends_stage or job.since - self._said.get(job.job.id, -QUIET) >= QUIET


class MeasuringDisplay:
    """Watches jobs being measured, a line for each that begins and ends, and now and then how far it has come."""

    def __init__(self, console: Console, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._folder, self._clock = console, folder, clock
        self._said: dict[str, float] = {}
        self._seeds: dict[str, str] = {}

    def on_plan(self, todo: Sequence[Job], done: Sequence[Job]) -> None:
        """Say what is measured, and what was before."""
        self._seeds = {job.id: seeds_in_words(job.seeds) for job in todo}
        self._say(f"records go to {self._folder}")
        if done:
            self._say(f"measured before: {seeds_of(done)}")
        if todo:
            self._say(f"to measure: {seeds_of(todo)}")

    def on_event(self, job_id: str, event: dict[str, object]) -> None:
        """Take in an event."""
        said = {
            "building": "making data and model",
            "finished": "measured",
            "warning": str(event.get("message")),
            "trained": f"trained {event.get('stage')} again, {event.get('epoch')} epochs",
        }
        now = self._clock()
        match event:
            case {"event": "measuring", "stage": stage, "epoch": epoch, "measure": str(measure), "share": float(share)}:
                words = f"measuring {measured(measure, share)} after epoch {epoch} of {stage}"
                if now - self._said.get(job_id, now) < QUIET:
                    return
            case {"event": str(kind)} if kind in said:
                words = said[kind]
            case _:
                return
        self._said[job_id] = now
        self._say(f"{self._seeds[job_id]}: {words}")

    def _say(self, words: str) -> None:
        self._console.print(words, soft_wrap=True)


def picture(progress: RunProgress) -> RenderableType:
    """All jobs that are running, one a row, and the whole run below them."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    several = any(job.cell for job in progress.jobs.values())
    columns: list[tuple[str, Callable[[JobProgress], RenderableType]]] = [
        ("seeds", lambda job: Text(seed_range(job.job.seeds))),
        (
            "stage",
            lambda job: Text(
                f"{job.stage} {job.epoch}/{job.epochs}"
                if job.stage
                else f"{job.done}/{job.total}"
                if job.done
                else job.state
            ),
        ),
        ("", lambda job: ProgressBar(total=max(1, job.total), completed=job.done + job.part, width=12)),
        ("now", lambda job: Text(under_way(job))),
        ("loss", lambda job: Text("" if math.isnan(job.loss) else f"{job.loss:.3f}")),
        ("exact match", lambda job: Text(_scores(dict(job.headline())))),
    ]
    if several:
        columns.insert(0, ("cell", lambda job: Text(job.cell)))
    for title, _ in columns:
        table.add_column(title, no_wrap=title not in ("exact match", "cell"))
    for job in progress.running:
        table.add_row(*(cell(job) for _, cell in columns))
    return Group(table, _overall(progress))


def _overall(progress: RunProgress) -> Table:
    done, total = progress.epochs
    left = progress.time_left()
    waiting = sum(job.state == "waiting" for job in progress.jobs.values())
    words = [f"{done} of {total} epochs"]
    if waiting:
        words.append(f"{waiting} jobs waiting" if waiting > 1 else "1 job waiting")
    if elsewhere := {job.by: None for job in progress.jobs.values() if job.state == "elsewhere"}:
        words.append(f"some left to {', '.join(elsewhere)}")
    if speed := sum(job.tokens for job in progress.running):
        words.append(f"{speed:,.0f} tokens/s")
    words.append(f"about {duration(left)} left" if left is not None else "time left: not known yet")
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_row(
        Text("all", style="bold"), ProgressBar(total=max(1, total), completed=done, width=24), Text(", ".join(words))
    )
    return row


def _scores(scores: Mapping[str, float]) -> str:
    """Subset and value stay on one line where the terminal is narrow."""
    return "  ".join(f"{name}{_NO_BREAK}{value:.2f}" for name, value in scores.items())
