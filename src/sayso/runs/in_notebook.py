"""How a run is watched in a notebook, Jupyter or marimo: a picture in the cell's output that is drawn anew as it goes.

Nobody has to install either: what is not running has not been imported, and is not imported here.
"""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from sayso.core.seeds import seeds_in_words
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.runs.in_words import measured, plan_lines, seeds_of, speed, under_way
from sayso.runs.status import epochs_done
from sayso.runs.under_way import JobProgress, RunProgress, duration

#: Shows HTML in place of what it showed before.
Area = Callable[[str], None]

OnPlan = Callable[[Sequence[Job], Sequence[Job]], None]
OnEvent = Callable[[str, dict[str, object]], None]

#: Seconds between two pictures.
_EVERY = 0.5
_BAR = '<progress max="1" value="{:.3f}" style="width:{}em;vertical-align:middle"></progress>'


def area() -> Area | None:
    """An area of the output of the cell that runs now; None where this is no notebook."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return lambda html: marimo.output.replace(marimo.Html(html))
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:  # a terminal, or no IPython that runs
        return None
    display = importlib.import_module("IPython.display")
    handle = display.display(display.HTML(""), display_id=True)
    return lambda html: handle.update(display.HTML(html))


class Picture:
    """Watches one run: what it found, its jobs that are running, and the whole of it."""

    def __init__(self, show: Area, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._store, self._clock = show, Store(folder), clock
        self._progress, self._lines, self._drawn = RunProgress(clock), list[str](), -math.inf

    def on_plan(self, todo: Sequence[Job], done: Sequence[Job]) -> None:
        """Say what was found, and begin to show what is done."""
        self._progress.plan(todo, {job.id: epochs_done(self._store.job(job.id), job.cell.experiment) for job in todo})
        self._lines = plan_lines(list(self._progress.jobs.values()), done, self._store.path)
        self._draw()

    def on_event(self, job_id: str, event: dict[str, object]) -> None:
        """Take in an event; what is warned of is said once."""
        if event["event"] == "warning":
            job = self._progress.jobs.get(job_id)
            self._say(f"{'' if job is None else f'{job.said}: '}{event['message']}")
            return
        job = self._progress.hear(job_id, event)
        if job.training:
            self._say(f"{job.said}: trained {speed(job.training)}")
        elif self._clock() - self._drawn >= _EVERY or job.state == "finished":
            self._draw()

    def _say(self, words: str) -> None:
        if words not in self._lines:
            self._lines.append(words)
        self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock()
        self._show(f"{_text(self._lines)}{picture(self._progress)}")


class Lines:
    """Watches jobs being measured: a line for each, and what it is doing."""

    def __init__(self, show: Area, folder: Path) -> None:
        self._show, self._folder = show, folder
        self._lines: list[str] = []
        self._of: dict[str, str] = {}
        self._now: dict[str, str] = {}

    def on_plan(self, todo: Sequence[Job], done: Sequence[Job]) -> None:
        """Say what is measured, and what was before."""
        self._of = {job.id: seeds_in_words(job.seeds) for job in todo}
        self._lines = [f"records go to {self._folder}"]
        self._lines += [f"measured before: {seeds_of(done)}"] if done else []
        self._draw()

    def on_event(self, job_id: str, event: dict[str, object]) -> None:
        """Take in an event; what is warned of is said once."""
        match event:
            case {"event": "warning", "message": message}:
                if str(message) not in self._lines:
                    self._lines.append(str(message))
            case {"event": "building"}:
                self._now[job_id] = "making data and model"
            case {"event": "measuring", "stage": stage, "epoch": epoch, "measure": str(measure), "share": float(share)}:
                self._now[job_id] = f"measuring {measured(measure, share)} after epoch {epoch} of {stage}"
            case {"event": "trained", "stage": stage, "epoch": epoch}:
                self._now[job_id] = f"trained {stage} again, {epoch} epochs"
            case {"event": "finished"}:
                self._now[job_id] = "measured"
            case _:
                return
        self._draw()

    def _draw(self) -> None:
        self._show(_text([*self._lines, *(f"{self._of[job]}: {now}" for job, now in self._now.items())]))


def picture(progress: RunProgress) -> str:
    """All jobs that are running, one a row, and the whole run below them, as HTML."""
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(job))}</tr>" for job in progress.running)
    titles = "".join(f"<th>{title}</th>" for title in ("seeds", "stage", "", "now", "loss", "exact match"))
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    done, total = progress.epochs
    words = [f"{done} of {total} epochs"]
    if (left := progress.time_left()) is not None and done < total:
        words.append(f"about {duration(left)} left")
    return f"{table}<p>{_BAR.format(done / max(1, total), 24)} {', '.join(words)}</p>" if total else ""


def _cells(job: JobProgress) -> list[str]:
    loss = "" if math.isnan(job.loss) else f"{job.loss:.3f}"
    scores = ", ".join(f"{escape(name)}&nbsp;{value:.2f}" for name, value in job.headline())
    stage = f"{escape(job.stage)} {job.epoch}/{job.epochs}" if job.stage else job.state
    bar = _BAR.format((job.done + job.part) / max(1, job.total), 12)
    return [escape(job.label), stage, bar, escape(under_way(job)), loss, scores]


def _text(lines: Sequence[str]) -> str:
    return f"<p>{'<br>'.join(map(escape, lines))}</p>"


def watched(
    kind: type[Picture | Lines],
    folder: Path,
    on_plan: OnPlan | None,
    on_event: OnEvent | None,
    progress: bool | None,
) -> tuple[OnPlan | None, OnEvent | None]:
    """Listeners that show progress in the notebook this runs in, if it does, and tell those that there were.

    `progress`: whether it is to be shown; None where nobody listens.
    """
    wanted = progress or (progress is None and on_plan is None and on_event is None)
    shown = area() if wanted else None
    if shown is None:
        return on_plan, on_event
    watched, told, heard = kind(shown, folder), on_plan, on_event

    def plan(todo: Sequence[Job], done: Sequence[Job]) -> None:
        watched.on_plan(todo, done)
        if told is not None:
            told(todo, done)

    def hear(job_id: str, event: dict[str, object]) -> None:
        watched.on_event(job_id, event)
        if heard is not None:
            heard(job_id, event)

    return plan, hear
