"""What ``sayso watch`` draws on a terminal, and the lines it prints anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.core.seeds import seed_range, seeds_in_words
from sayso.runs.under_way import duration
from sayso.runs.watching import CellSeen, Curves, JobSeen, Seen

#: Most moments that the table of curves shows: evenly chosen, the first and the last among them.
MOMENTS = 8
#: Seconds between two plain lines about the whole.
QUIET_S = 30.0
#: Lines of the page besides rows of jobs and cells and the table of curves.
_FRAME = 12
#: Seconds after which the time of day no longer says which day it is.
_HALF_A_DAY = 43_200


def live(console: Console) -> Live:
    """A picture that is drawn when it is told to."""
    return Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")


def watch_page(seen: Seen, curves: Curves, command: str | None, height: int | None = None) -> RenderableType:
    """All that is known of a folder; on a terminal of so many lines as much of it as has room.

    `command`: what goes on with it, where nothing runs.
    """
    several = len(seen.cells) > 1
    table = _curves(seen, curves, several=several)
    rows = None if height is None else max(4, (height - _FRAME - (len(curves.subsets(seen.experiment)) + 3)) // 2)
    bar = Table.grid(padding=(0, 2, 0, 0))
    bar.add_row(ProgressBar(total=max(1, seen.total), completed=seen.done, width=24), Text(overall(seen)))
    parts: list[RenderableType] = [Text.assemble((seen.experiment.name, "bold"), f" in {seen.path}"), bar, Text()]
    parts += [_cells(seen.cells, rows), Text()]
    if seen.jobs:
        parts += [_jobs(seen, rows, several=several), Text()]
    parts += [table] if table else []
    if command:
        parts.append(Text(f"no job is running; to go on: {command}"))
    return Group(*parts)


def overall(seen: Seen) -> str:
    """How far all of it has come, how fast it goes, and when it will be done."""
    words = [f"{seen.done} of {seen.total} epochs"]
    if seen.finished:
        return f"{words[0]}; all finished"
    if seen.a_minute is not None:
        words.append(f"{seen.a_minute:.3g} a minute")
    if seen.left is None:
        words.append("time left: not known")
    else:
        form = "%a %H:%M" if seen.left > _HALF_A_DAY else "%H:%M"
        words.append(f"done about {datetime.fromtimestamp(seen.at + seen.left):{form}}, in {duration(seen.left)}")
    return "; ".join(words)


def _cells(cells: Sequence[CellSeen], rows: int | None) -> Table:
    """Seeds by state; where there is no room for all cells, those under way first."""
    shown = list(cells)
    if rows is not None and len(shown) > rows:
        shown = sorted(shown, key=lambda cell: (not cell.running, not cell.stopped, not (cell.finished and cell.to_do)))
        shown = shown[: rows - 1]
    states = [(cell.finished, cell.running, cell.stopped, cell.to_do) for cell in shown]
    lines = [(cell.name, *map(_seeds, of)) for cell, of in zip(shown, states, strict=True)]
    if rest := len(cells) - len(shown):
        lines.append((f"and {rest} more cells", *[""] * 4))
    return plain_table(("cell", "finished", "running", "stopped", "to do"), lines)


def _seeds(seeds: Sequence[int]) -> str:
    return f"{seed_range(seeds)} ({len(seeds)})" if len(seeds) > 1 else seed_range(seeds)


def _jobs(seen: Seen, rows: int | None, *, several: bool) -> Table:
    """Jobs that have not finished, running ones first."""
    jobs = sorted(seen.jobs, key=lambda job: job.state != "running")
    shown = jobs if rows is None or len(jobs) <= rows else jobs[: rows - 1]
    lines = [(job.cell, *_job(job, seen.at)) for job in shown]
    if rest := len(jobs) - len(shown):
        lines.append(("", f"and {rest} more", *[""] * 5))
    header = ("cell", "seeds", "state", "stage", "all stages", "files moved", "on, or why")
    return plain_table(header[not several :], [line[not several :] for line in lines])


def _job(job: JobSeen, now: float) -> tuple[str, ...]:
    return (
        seed_range(job.seeds),
        job.state,
        f"{job.stage} {job.epoch}/{job.epochs}",
        f"{job.done}/{job.total}",
        f"{duration(max(0.0, now - job.moved))} ago",
        job.said or job.where,
    )


def _curves(seen: Seen, curves: Curves, *, several: bool) -> Group | None:
    """Exact match on questions of each subset at some moments."""
    moments = curves.moments()
    if not moments:
        return None
    moments = _some(moments)
    lines = []
    for subset in curves.subsets(seen.experiment):
        found = [curves.means.get((*moment, subset)) for moment in moments]
        lines.append((subset, *("" if one is None else f"{one[0]:.2f}" for one in found)))
    of = f" of {curves.cell}" if several else ""
    header = ("subset", *(f"{stage} {epoch}" for stage, epoch in moments))
    return Group(Text(f"exact match on questions{of}, means over seeds so far"), plain_table(header, lines))


def _some(moments: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """No more than `MOMENTS`, with the last of each stage; the others evenly chosen."""
    ends = {stage: place for place, (stage, _) in enumerate(moments)}
    last = len(moments) - 1
    for number in range(min(MOMENTS, len(moments)), 1, -1):
        even = {round(place * last / (number - 1)) for place in range(number)}
        if len(even | {*ends.values()}) <= MOMENTS:
            return [moments[place] for place in sorted(even | {*ends.values()})]
    return [moments[place] for place in sorted(ends.values())[-MOMENTS:]]


class Lines:
    """What has changed, in plain lines: jobs that begin, come to a stage, stop or finish; all of it now and then."""

    def __init__(self, seen: Seen) -> None:
        self._before, self._said = seen, seen.at

    def news(self, seen: Seen) -> Iterator[str]:
        """Lines about what is new since the last time."""
        before = {(job.cell, job.seeds): job for job in self._before.jobs}
        finished = {cell.name: {*cell.finished} for cell in self._before.cells}
        for cell in seen.cells:
            if more := {*cell.finished} - finished.get(cell.name, set()):
                yield f"{_whose(seen, cell.name, sorted(more))}: finished"
        for job in seen.jobs:
            known = before.get((job.cell, job.seeds))
            if known is None or (known.state, known.stage) != (job.state, job.stage):
                where = f"{job.stage} {job.epoch}/{job.epochs}" if job.state == "running" else f"{job.done}/{job.total}"
                why = f"; end of its log: {job.said}" if job.said else ""
                yield f"{_whose(seen, job.cell, job.seeds)}: {job.state}, {where}{why}"
        moved = seen.done != self._before.done and seen.at - self._said >= QUIET_S
        if moved or seen.finished:
            self._said = seen.at
            yield overall(seen)
        self._before = seen


def _whose(seen: Seen, cell: str, seeds: Sequence[int]) -> str:
    return f"{cell}, {seeds_in_words(seeds)}" if len(seen.cells) > 1 else seeds_in_words(seeds)
