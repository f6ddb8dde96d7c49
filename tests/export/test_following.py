"""A folder is handed on as it grows, whoever runs what."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime

import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.store import Store
from sayso.export.following import Added, Exported, export
from sayso.export.points import Steps, tag_of
from tests.core.written import error, make_store
from tests.export.written import BEGAN, FINISHED, Kept, begin, records_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def wanted(experiment: Experiment, records: Iterable[Record]) -> dict[tuple[int, str], float]:
    """What a tracker is to have of the records of one run, worked out without it: the first value of a step."""
    steps = Steps(experiment)
    found: dict[tuple[int, str], float] = {}
    for each in records:
        found.setdefault((steps.step(each), tag_of(each)), each.value)
    return found


def values(tracker: Kept) -> dict[tuple[str, int], dict[tuple[int, str], float]]:
    return {(run.cell, run.seed): {at: value for at, (value, _) in of.items()} for run, of in tracker.runs.items()}


def test_a_folder_is_handed_on_once(tiny, store):
    folder, tracker = begin(store, "a", (1, 2), tiny), Kept()
    records = records_of(tiny, 1, 2)
    folder.append(records)
    folder.finish(FINISHED)
    done = export(store, tracker)
    expected = {("main", seed): wanted(tiny, [each for each in records if each.seed == seed]) for seed in (1, 2)}
    assert values(tracker) == expected
    assert done == Exported(runs=2, values=sum(map(len, expected.values())), finished=False)  # of 16 seeds planned
    assert export(store, tracker) == Exported(runs=2, values=0, finished=False)
    assert tracker.open == set()


def test_times_go_evenly_from_when_a_job_began_to_when_it_finished(tiny, store):
    folder, tracker = begin(store, "a", (1,), tiny), Kept()
    folder.append(records_of(tiny, 1))
    folder.finish(FINISHED)
    export(store, tracker)
    (of,) = tracker.runs.values()
    start = datetime.fromisoformat(BEGAN).timestamp()
    assert {step: round(time - start) for (step, _), (_, time) in of.items()} == {
        step: 10 * step for step in range(1, 12)
    }


def test_a_run_is_followed_until_all_its_jobs_have_finished(tiny, store):
    experiment = tiny.with_settings({"seeds.first": 1, "seeds.count": 3})
    make_store(store, experiment)
    first, tracker, looks = begin(store, "a", (1, 2), experiment), Kept(), []
    records, rest = records_of(experiment, 1, 2), records_of(experiment, 3)
    fresh: list[Added] = []

    def go_on(seconds):
        looks.append(seconds)
        match len(looks):
            case 1:  # something was written, to the middle of a line
                first.append(records[:100])
                with first.records_path.open("ab") as file:
                    file.write(b'["tiny", "ma')
            case 2:  # it was killed, and went on from an earlier place
                first.rewind(0)
                first.append(records[:60])
            case 3:
                first.append(records[60:])
                first.finish(FINISHED)
                begin(store, "b", (3,), experiment)
            case 4:  # all of the other at once
                store.job("b").append(rest)
                store.job("b").finish(FINISHED)
            case _:
                raise AssertionError("it should have ended")

    done = export(store, tracker, follow=True, every=2.5, on_added=fresh.append, sleep=go_on)
    assert looks == [2.5] * 4
    expected = {("main", seed): wanted(tiny, [each for each in records if each.seed == seed]) for seed in (1, 2)}
    assert values(tracker) == {**expected, ("main", 3): wanted(tiny, rest)}
    assert done == Exported(3, sum(map(len, values(tracker).values())), finished=True)
    assert tracker.given == done.values == sum(each.values for each in fresh)
    assert [each.seeds for each in fresh if each.finished] == [(1, 2), (3,)]
    assert tracker.open == set()


def test_every_cell_of_a_sweep_is_waited_for(tiny, store):
    sweep = tiny.with_settings({"seeds.first": 1, "seeds.count": 1}).with_axes({"train.learning_rate": [0.1, 0.2]})
    make_store(store, sweep)
    names = ("train.learning_rate=0.1", "train.learning_rate=0.2")

    def finish(number: int) -> None:
        cell = tiny.with_settings({"train.learning_rate": (0.1, 0.2)[number]})
        folder = begin(store, f"job-{number}", (1,), cell, cell=names[number])
        folder.append(records_of(cell, 1, cell=names[number]))
        folder.finish(FINISHED)

    finish(0)
    assert not export(store, Kept()).finished
    tracker = Kept()
    assert export(store, tracker, follow=True, sleep=lambda _: finish(1)).finished
    assert sorted(run.cell for run in tracker.runs) == list(names)
    rates = {run.cell: run.config["settings"]["train"]["learning_rate"] for run in tracker.runs}
    assert rates == {names[0]: 0.1, names[1]: 0.2}


def test_a_seed_of_two_jobs_is_that_of_the_one_that_finished_or_began_last(tiny, store):
    right, wrong = records_of(tiny, 1), [dataclasses.replace(each, value=9.0) for each in records_of(tiny, 1)]
    begin(store, "a", (1, 2), tiny).append(wrong)  # given up
    other = begin(store, "b", (1,), tiny, started="2024-05-02T10:00:00+00:00")
    other.append(right[:50])
    tracker = Kept()
    export(store, tracker)
    assert values(tracker) == {("main", 1): wanted(tiny, right[:50])}
    other.append(right[50:])
    other.finish("2024-05-02T11:00:00+00:00")
    begin(store, "c", (1,), tiny, started="2024-05-03T10:00:00+00:00").append(wrong)
    export(store, tracker)
    assert values(tracker) == {("main", 1): wanted(tiny, right)}


def test_what_was_measured_later_is_handed_on_then(tiny, store):
    folder, tracker = begin(store, "a", (1,), tiny), Kept()
    folder.append(records_of(tiny, 1))
    folder.finish(FINISHED)
    export(store, tracker)
    later = [dataclasses.replace(each, measure="f1") for each in records_of(tiny, 1) if each.measure == "loss"]
    folder.add_measured("f1", later, {})
    given = tracker.given
    assert export(store, tracker).values == tracker.given - given == len(wanted(tiny, later))
    assert export(store, tracker).values == 0


def test_each_deal_of_x2_is_a_run_of_its_own(tiny, store):
    experiment = tiny.with_settings({"stage2_seeds": 2})
    again = [dataclasses.replace(each, stage2_seed=1) for each in records_of(tiny, 1) if each.stage == "stage2"]
    folder, tracker = begin(store, "a", (1,), experiment), Kept()
    folder.append([*records_of(tiny, 1), *again])
    folder.finish(FINISHED)
    export(store, tracker)
    steps = {run.stage2_seed: {step for step, _ in of} for run, of in tracker.runs.items()}
    assert steps == {0: set(range(1, 12)), 1: set(range(5, 12))}


def test_where_nothing_was_recorded_that_is_said(tiny, store):
    begin(store, "a", (1,), tiny)
    assert "nothing was recorded yet" in error(export, store, Kept())
    assert "not a results folder" in error(export, Store(store.path / "other"), Kept())


def test_runs_are_closed_when_it_is_stopped(tiny, store):
    begin(store, "a", (1,), tiny).append(records_of(tiny, 1)[:30])
    tracker = Kept()

    def stop(_):
        assert len(tracker.open) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(store, tracker, follow=True, sleep=stop)
    assert tracker.open == set()


def test_a_damaged_finished_job_is_refused(tiny, store):
    folder = begin(store, "a", (1,), tiny)
    folder.append(records_of(tiny, 1))
    folder.finish(FINISHED)
    folder.rewind(500)
    assert "records.jsonl" in error(export, store, Kept())
