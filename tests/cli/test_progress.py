import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from sayso.cli.display import Display, MeasuringDisplay, picture
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.runs.in_words import plan_lines
from sayso.runs.under_way import JobProgress, RunProgress, duration

Event = dict[str, object]


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def epoch(stage: str, number: int, epochs: int, done: int, **scores: float) -> Event:
    return {
        "event": "epoch",
        "stage": stage,
        "epoch": number,
        "epochs": epochs,
        "done": done,
        "total": 11,
        "loss": 1.5,
        "exact_match": scores,
    }


def step(stage: str, number: int, epochs: int, at: int, steps: int, seconds: float, tokens: int) -> Event:
    return {
        "event": "step",
        "stage": stage,
        "epoch": number,
        "epochs": epochs,
        "step": at,
        "steps": steps,
        "seconds": seconds,
        "tokens": tokens,
    }


def measuring(stage: str, number: int, epochs: int, share: float = 0.0) -> Event:
    return {
        "event": "measuring",
        "stage": stage,
        "epoch": number,
        "epochs": epochs,
        "measure": "exact_match",
        "share": share,
    }


@pytest.fixture
def jobs(tiny: Experiment) -> list[Job]:
    (cell,) = cells(tiny)
    return [Job(cell, (100, 101)), Job(cell, (102, 103))]


def test_nothing_is_said_of_the_time_left_before_an_epoch_is_done(jobs: list[Job]) -> None:
    progress = RunProgress(Clock())
    progress.plan(jobs, {})
    progress.hear(jobs[0].id, {"event": "building"})
    assert progress.time_left() is None
    assert progress.epochs == (0, 22)


def test_time_left_goes_by_the_epochs_of_each_stage(jobs: list[Job]) -> None:
    clock = Clock()
    progress = RunProgress(clock)
    progress.plan(jobs[:1], {})
    progress.hear(jobs[0].id, {"event": "building"})
    clock.now = 30.0  # mostly making the model
    progress.hear(jobs[0].id, epoch("stage0", 1, 1, 1))
    assert progress.time_left() == pytest.approx(10 * 30)
    clock.now = 32.0
    progress.hear(jobs[0].id, epoch("stage1", 1, 4, 2))
    assert progress.time_left() == pytest.approx(3 * 2 + 6 * 2)
    clock.now = 33.0
    assert progress.time_left() == pytest.approx(17)  # it runs down between events
    clock.now = 40.0
    progress.hear(jobs[0].id, epoch("stage2", 1, 6, 6))
    assert progress.time_left() == pytest.approx(5 * 8)
    progress.hear(jobs[0].id, {"event": "finished"})
    assert progress.time_left() == 0
    assert progress.epochs == (11, 11)


def test_steps_tell_of_the_time_left_before_an_epoch_is_done(jobs: list[Job]) -> None:
    clock = Clock()
    progress = RunProgress(clock)
    progress.plan(jobs[:1], {})
    progress.hear(jobs[0].id, {"event": "building"})
    clock.now = 50.0
    job = progress.hear(jobs[0].id, step("stage1", 1, 4, 20, 80, 10.0, 5_000))
    assert (job.stage, job.epoch, job.tokens, job.part) == ("stage1", 0, 500.0, 0.25)
    assert progress.time_left() == pytest.approx(10.75 * 40)
    clock.now = 52.0
    assert progress.time_left() == pytest.approx(10.75 * 40 - 2)
    progress.hear(jobs[0].id, step("stage1", 1, 4, 40, 80, 20.0, 10_000))
    assert progress.time_left() == pytest.approx(10.5 * 40)
    progress.hear(jobs[0].id, measuring("stage1", 1, 4))
    assert progress.time_left() == pytest.approx(10 * 40)
    clock.now = 100.0
    progress.hear(jobs[0].id, epoch("stage1", 1, 4, 1))
    assert progress.time_left() == pytest.approx(10 * 100)  # a first epoch tells where nothing else does
    clock.now = 110.0
    progress.hear(jobs[0].id, step("stage1", 2, 4, 40, 80, 10.0, 10_000))
    assert progress.time_left() == pytest.approx(9.5 * 20)
    clock.now = 125.0
    progress.hear(jobs[0].id, epoch("stage1", 2, 4, 2))  # measuring takes its time as well
    assert progress.time_left() == pytest.approx(9 * 25)
    clock.now = 135.0
    job = progress.hear(jobs[0].id, step("stage1", 3, 4, 80, 80, 10.0, 10_000))
    assert progress.time_left() == pytest.approx(9 * 25 - 10)  # what is known of epochs goes before steps
    assert job.tokens == 1000.0
    clock.now = 140.0
    job = progress.hear(jobs[0].id, measuring("stage1", 3, 4))
    assert progress.time_left() == pytest.approx(9 * 25 - 15)
    assert job.tokens == 0.0
    clock.now = 190.0  # longer than ever before
    assert progress.time_left() == pytest.approx(8 * 25)


def test_jobs_beside_each_other_share_the_time_and_waiting_ones_add_to_it(jobs: list[Job]) -> None:
    clock = Clock()
    progress = RunProgress(clock)
    progress.plan(jobs, {})
    progress.hear(jobs[0].id, {"event": "building"})
    progress.hear(jobs[0].id, epoch("stage0", 1, 1, 1))
    clock.now = 2.0
    progress.hear(jobs[0].id, epoch("stage1", 1, 4, 2))
    assert progress.time_left() == pytest.approx((9 + 11) * 2)
    progress.hear(jobs[1].id, {"event": "building"})
    assert progress.time_left() == pytest.approx(11 * 2)  # not less than the longer of the two


def test_epochs_done_by_an_earlier_run_count_as_done(jobs: list[Job]) -> None:
    progress = RunProgress(Clock())
    progress.plan(jobs, {jobs[0].id: 7})
    assert progress.epochs == (7, 22)


def test_each_stage_shows_the_subsets_it_is_about(jobs: list[Job]) -> None:
    progress = RunProgress(Clock())
    progress.plan(jobs, {})
    scores = {"D1cons_QA1": 0.5, "QA3": 0.4, "D5cons": 0.3, "QA7": 0.1}
    shown: Callable[[str], list[str]] = lambda stage: [  # noqa: E731
        name for name, _ in progress.hear(jobs[0].id, epoch(stage, 1, 4, 2, **scores)).headline()
    ]
    assert shown("stage1") == ["D1cons_QA1", "QA3"]
    assert shown("stage2") == ["D5cons"]
    assert shown("stage0") == ["D1cons_QA1", "QA3", "D5cons"]  # none of its own: the first three there are


def test_the_plan_says_what_was_found_and_what_goes_on(jobs: list[Job]) -> None:
    begun, new = JobProgress(jobs[0], done=5), JobProgress(jobs[1])
    assert plan_lines([begun, new], [], Path("out")) == [
        "results go to out",
        "goes on: 100-101 after 5 of 11 epochs",
        "to run: seeds 102-103 (2 seeds)",
    ]
    assert plan_lines([], jobs, Path("out"))[1:] == [
        "finished before: seeds 100-103 (4 seeds)",
        "nothing is left to run",
    ]


def test_the_plan_of_a_sweep_names_its_cells_only_where_they_differ(tiny: Experiment) -> None:
    one, other = cells(tiny.with_axes({"train.batch_size": [16, 32]}))
    same = [JobProgress(Job(one, (100,))), JobProgress(Job(other, (100,)))]
    assert plan_lines(same, [], Path("out"))[-1] == "to run: seed 100 of each of 2 cells"
    differ = [JobProgress(Job(one, (100,))), JobProgress(Job(other, (101,)))]
    assert plan_lines(differ, [], Path("out"))[-1] == (
        "to run: train.batch_size=16 seed 100; train.batch_size=32 seed 101"
    )


def watch(jobs: list[Job], folder: Path, *, terminal: bool) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, markup=False, highlight=False)
    Store(folder).jobs_path.mkdir(parents=True)
    with Display(console, folder) as display:
        display.on_plan(jobs, [])
        display.on_event(jobs[0].id, {"event": "building"})
        for number in (1, 2, 3, 4):
            display.on_event(jobs[0].id, measuring("stage1", number, 4))
            display.on_event(jobs[0].id, epoch("stage1", number, 4, 1 + number, D1cons_QA1=0.25, QA3=0.125))
    return output.getvalue()


def test_a_terminal_gets_a_live_picture_and_its_cursor_back(jobs: list[Job], tmp_path: Path) -> None:
    output = watch(jobs, tmp_path, terminal=True)
    assert "\x1b[?25l" in output
    assert output.endswith("\x1b[?25h")
    for words in ("stage1 4/4", "D1cons_QA1\xa00.25", "5 of 22 epochs, 1 job waiting, about"):
        assert words in output


def test_anything_else_gets_plain_lines_at_the_ends_of_stages(jobs: list[Job], tmp_path: Path) -> None:
    lines = watch(jobs, tmp_path, terminal=False).splitlines()
    assert lines[:3] == [
        f"results go to {tmp_path}",
        "to run: seeds 100-103 (4 seeds)",
        "seeds 100-101: making data and model",
    ]
    assert len(lines) == 4
    assert lines[3].startswith("seeds 100-101: stage1 4/4; loss 1.500; exact match D1cons_QA1 0.25, QA3 0.12; about ")
    assert "\x1b" not in "".join(lines)


def test_jobs_that_others_run_are_said_to_be_theirs_until_they_have_finished(jobs: list[Job], tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=120)
    display = Display(console, tmp_path)
    display.on_plan(jobs, [])
    display.on_event(jobs[0].id, {"event": "elsewhere", "by": "process 7 on node3 (since 12:00)"})
    shown = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert f"seeds {display.progress.jobs[jobs[0].id].label}: left to process 7 on node3 (since 12:00)" in shown
    console.print(picture(display.progress))
    assert "some left to process 7 on node3" in str(console.file.getvalue())  # type: ignore[attr-defined]
    display.on_event(jobs[0].id, {"event": "come_to", "done": 3})
    assert f"3 of {display.progress.jobs[jobs[0].id].total} epochs" in str(console.file.getvalue())  # type: ignore[attr-defined]
    display.on_event(jobs[0].id, {"event": "finished"})
    assert display.progress.jobs[jobs[0].id].state == "finished"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_long_epoch_says_where_it_is(jobs: list[Job], tmp_path: Path, terminal: bool) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, markup=False, highlight=False)
    with Display(console, tmp_path) as display:
        clock = Clock()
        display.progress = RunProgress(clock)
        display.on_plan(jobs[:1], [])
        display.on_event(jobs[0].id, {"event": "building"})
        for seconds in range(2, 61, 2):
            clock.now = float(seconds)
            display.on_event(jobs[0].id, step("stage1", 1, 4, seconds, 90, float(seconds), 400 * seconds))
        drawn = io.StringIO()
        Console(file=drawn, width=100, markup=False, highlight=False).print(picture(display.progress))
        clock.now = 95.0
        display.on_event(jobs[0].id, measuring("stage1", 1, 4))
        clock.now = 125.0
        display.on_event(jobs[0].id, measuring("stage1", 1, 4, 0.256))
    if terminal:
        assert "step 60/90" in drawn.getvalue()
        assert "400 tokens/s" in drawn.getvalue()
        assert "measuring 25%" in output.getvalue()
        assert "tokens/s" not in output.getvalue()  # none are read while it measures
    else:
        assert output.getvalue().splitlines()[-4:] == [
            "seeds 100-101: stage1 0/4 + step 30/90; 400 tokens/s; about 16 min 00 s left",
            "seeds 100-101: stage1 0/4 + step 60/90; 400 tokens/s; about 15 min 30 s left",
            "seeds 100-101: stage1 1/4; measuring exact_match; about 15 min 00 s left",
            "seeds 100-101: stage1 1/4; measuring exact_match 25%; about 15 min 00 s left",
        ]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_large_model_says_what_share_of_the_matrix_peak_it_reaches(
    jobs: list[Job], tmp_path: Path, terminal: bool
) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, markup=False, highlight=False)
    event = step("stage1", 1, 4, 20, 80, 10.0, 5_000) | {"share_of_matrix_peak": 0.416}
    trained = {"tokens": 2_400_000, "seconds": 200.0, "tokens_a_second": 12_000.0, "share_of_matrix_peak": 0.4}
    with Display(console, tmp_path) as display:
        display.on_plan(jobs[:1], [])
        display.on_event(jobs[0].id, event)
        drawn = io.StringIO()
        Console(file=drawn, width=100, markup=False, highlight=False).print(picture(display.progress))
        display.on_event(jobs[0].id, {"event": "finished", "training": trained})
    if terminal:
        assert "step 20/80, 42% of the matrix peak" in drawn.getvalue()
    else:
        assert "; 500 tokens/s, 42% of the matrix peak; " in output.getvalue()
    last = "seeds 100-101: trained on 2,400,000 tokens in 3 min 20 s, 12,000 tokens/s, 40% of the matrix peak"
    assert last in output.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_a_job_warns_of_is_said_once(jobs: list[Job], tmp_path: Path, terminal: bool) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, markup=False, highlight=False)
    with Display(console, tmp_path) as display:
        display.on_plan(jobs, [])
        display.on_event(jobs[0].id, {"event": "building"})
        before = display.progress.jobs[jobs[0].id].since
        for job in (jobs[0], jobs[0], jobs[1]):
            display.on_event(job.id, {"event": "warning", "message": "out of memory: [train] goes on"})
        assert display.progress.jobs[jobs[0].id].since == before  # no epoch's time begins anew
    assert output.getvalue().count("seeds 100-101: out of memory: [train] goes on") == 1
    assert output.getvalue().count("out of memory") == 1


def test_measuring_afterwards_says_now_and_then_how_far_it_is(jobs: list[Job], tmp_path: Path) -> None:
    output, clock = io.StringIO(), Clock()
    display = MeasuringDisplay(Console(file=output, width=100, markup=False, highlight=False), tmp_path, clock)
    display.on_plan(jobs[:1], [])
    display.on_event(jobs[0].id, {"event": "building"})
    for seconds in range(1, 71):
        clock.now = float(seconds)
        display.on_event(jobs[0].id, measuring("stage1", 4, 4, seconds / 100))
    display.on_event(jobs[0].id, {"event": "measured", "done": 1, "total": 2})
    display.on_event(jobs[0].id, {"event": "finished"})
    assert output.getvalue().splitlines()[2:] == [
        "seeds 100-101: making data and model",
        "seeds 100-101: measuring exact_match 30% after epoch 4 of stage1",
        "seeds 100-101: measuring exact_match 60% after epoch 4 of stage1",
        "seeds 100-101: measured",
    ]


def test_numbers_are_written_as_people_read_them() -> None:
    assert [duration(s) for s in (0.2, 59.6, 61, 3600)] == ["0 s", "1 min 00 s", "1 min 01 s", "1 h 00 min"]
