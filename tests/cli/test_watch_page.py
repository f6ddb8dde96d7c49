"""The page on a terminal: what has room, what is left out, and the lines that are printed elsewhere."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from sayso.cli.watch_page import MOMENTS, QUIET_S, Lines, overall, watch_page
from sayso.core.experiment import Experiment
from sayso.runs.status import Status
from sayso.runs.watching import CellSeen, Curves, JobSeen, Seen

HOUR = 3600.0


def job(number: int, **changes: Any) -> JobSeen:
    at = JobSeen("main", (number,), "running", "stage1", 2, 4, 3, 11, 990.0, "cpu", "", 0.1)
    return dataclasses.replace(at, **changes)


@pytest.fixture
def seen(tiny: Experiment) -> Seen:
    cell = CellSeen("main", (1, 2), (3,), (4,), (5, 6))
    jobs = (job(3), job(4, state="stopped", said="RuntimeError: no card", pace=None))
    return Seen(Status(Path("there"), tiny, ()), 1000.0, (cell,), jobs, 28, 66, 6.0, 380.0)


@pytest.fixture
def curves() -> Curves:
    means = {("stage1", epoch, "QA3"): (epoch / 100, 2) for epoch in range(41)}
    means |= {("stage2", epoch, "QA3"): (0.5, 2) for epoch in range(3)}
    return Curves("main", (("stage1", 40), ("stage2", 10)), means)


def drawn(page: RenderableType, width: int = 120) -> list[str]:
    said = io.StringIO()
    Console(file=said, width=width).print(page)
    return said.getvalue().splitlines()


def test_every_state_has_its_seeds_and_every_job_its_row(seen, curves):
    lines = drawn(watch_page(seen, curves, None))
    text = "\n".join(lines)
    assert "28 of 66 epochs; 6 a minute; done about " in text
    assert "in 6 min 20 s" in text
    assert next(line for line in lines if line.startswith("main")).split() == [
        *("main", "1-2", "(2)", "3", "4", "5-6", "(2)")
    ]
    rows = [line.split() for line in lines]
    assert ["3", "running", "stage1", "2/4", "3/11", "10", "s", "ago", "cpu"] in rows
    assert ["4", "stopped", "stage1", "2/4", "3/11", "10", "s", "ago", "RuntimeError:", "no", "card"] in rows


def test_curves_have_the_last_moment_of_each_stage_and_no_more_than_fit(seen, curves):
    lines = drawn(watch_page(seen, curves, None))
    (header,) = (line for line in lines if line.startswith("subset"))
    shown = header.split()[1:]
    assert 4 < len(shown) // 2 <= MOMENTS
    assert header.endswith("stage2 2")
    assert "stage1 40" in header
    assert "stage1 0" in header
    assert next(line for line in lines if line.startswith("QA3")).split()[-1] == "0.50"


@pytest.mark.parametrize("height", [24, 40, 60])
def test_what_has_no_room_is_counted(seen, curves, height):
    cells = tuple(CellSeen(f"size={size}", (1,), (2,) if size == 77 else (), (), ()) for size in range(100))
    many = dataclasses.replace(seen, cells=cells, jobs=tuple(job(number) for number in range(50)))
    lines = drawn(watch_page(many, curves, None, height))
    assert len(lines) <= height
    text = "\n".join(lines)
    assert "size=77" in text  # what is under way comes first
    left_out = [int(line.split()[1]) for line in lines if line.strip().startswith("and ")]
    assert sum(left_out) + text.count("size=") + text.count("running  ") - 1 >= 150
    whole = "\n".join(drawn(watch_page(many, curves, None)))
    assert "more cells" not in whole


def test_the_day_is_said_where_it_is_not_today(seen):
    assert overall(dataclasses.replace(seen, left=20 * HOUR)).split("done about ")[1].split()[0].isalpha()
    assert overall(dataclasses.replace(seen, left=None, a_minute=None)) == "28 of 66 epochs; time left: not known"


def test_lines_tell_what_is_new_and_nothing_twice(seen):
    lines = Lines(seen)
    assert list(lines.news(seen)) == []
    onward = dataclasses.replace(seen, jobs=(job(3, stage="stage2", epoch=0, epochs=6), seen.jobs[1]), at=1001.0)
    assert list(lines.news(onward)) == ["seed 3: running, stage2 0/6"]
    assert list(lines.news(dataclasses.replace(onward, at=1002.0))) == []
    stopped = job(3, state="stopped", done=7, said="RuntimeError: no card")
    halt = dataclasses.replace(onward, jobs=(stopped, seen.jobs[1]), at=1003.0)
    assert list(lines.news(halt)) == ["seed 3: stopped, 7/11; end of its log: RuntimeError: no card"]
    cell = dataclasses.replace(seen.cells[0], finished=(1, 2, 3), running=())
    done = dataclasses.replace(halt, jobs=(seen.jobs[1],), cells=(cell,), done=36, at=1004.0)
    assert list(lines.news(done)) == ["seed 3: finished"]


def test_the_whole_is_told_of_now_and_then_while_it_moves(seen):
    lines = Lines(seen)
    for at, done, said in ((QUIET_S - 1, 29, 0), (QUIET_S + 1, 30, 1), (QUIET_S + 2, 31, 0), (3 * QUIET_S, 31, 0)):
        moved = dataclasses.replace(seen, at=1000.0 + at, done=done)
        assert len(list(lines.news(moved))) == said, at
