"""Event files, as TensorBoard itself reads them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sayso import Results
from sayso.core.store import Store
from sayso.export.points import Run, Series
from sayso.export.to_tensorboard import TensorBoard, to_tensorboard
from tests.core.written import record
from tests.export.written import BEGAN, FINISHED, begin, records_of

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

TAG = "exact_match/validation/QA3"
RUN = Run("tiny", "digest", "main", 1)


def read(folder: Path) -> Any:
    found = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return found


def shown(folder: Path, tag: str = TAG) -> list[tuple[int, float]]:
    return [(event.step, round(event.value, 6)) for event in read(folder).Scalars(tag)]


@pytest.fixture
def store(tiny, tmp_path):
    store = Store(tmp_path / "results")
    folder = begin(store, "a", (1, 2), tiny)
    folder.append(records_of(tiny, 1, 2))
    folder.finish(FINISHED)
    return store


def test_each_seed_is_a_run_with_every_value(store, tmp_path, tiny):
    done = Results(store.path).to_tensorboard(tmp_path / "logs")
    events = 0
    for seed in (1, 2):
        found = read(tmp_path / "logs" / "main" / f"seed-{seed}")
        own = [each for each in records_of(tiny, seed) if each.stage == "stage1" or each.epoch > 0]
        wanted = {
            (
                f"{each.measure}/{each.eval_set}/{each.subset}",
                each.epoch + (1 if each.stage == "stage1" else 5),
            ): each.value
            for each in own
        }
        there = {(tag, event.step): event.value for tag in found.Tags()["scalars"] for event in found.Scalars(tag)}
        assert there == {at: pytest.approx(value, rel=1e-6) for at, value in wanted.items()}
        assert len(there) == sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])  # none twice
        events += len(there)
    assert (done.runs, done.values) == (2, events)


def test_times_are_those_of_the_job_and_settings_are_there_as_text(store, tmp_path):
    to_tensorboard(store, tmp_path / "logs")
    found = read(tmp_path / "logs" / "main" / "seed-1")
    first, *_, last = found.Scalars(TAG)
    start, end = (datetime.fromisoformat(each).timestamp() for each in (BEGAN, FINISHED))
    assert (first.wall_time, last.wall_time) == (start + 10, end)
    (text,) = found.Tensors("settings")
    config = json.loads(text.tensor_proto.string_val[0].decode().removeprefix("```json\n").removesuffix("\n```"))
    assert (config["experiment"], config["seed"], config["settings"]["train"]["learning_rate"]) == ("tiny", 1, 3e-3)


def test_again_adds_only_what_is_new(store, tiny, tmp_path):
    later = begin(store, "b", (3,), tiny)
    records = records_of(tiny, 3)
    later.append(records[:200])
    first = to_tensorboard(store, tmp_path / "logs")
    files = sorted((tmp_path / "logs").rglob("*tfevents*"))
    contents = [file.read_bytes() for file in files]
    assert to_tensorboard(store, tmp_path / "logs").values == 0
    assert sorted((tmp_path / "logs").rglob("*tfevents*")) == files
    later.append(records[200:])
    later.finish(FINISHED)
    second = to_tensorboard(store, tmp_path / "logs")
    assert [file.read_bytes() for file in files] == contents
    alone = to_tensorboard(store, tmp_path / "at-once")
    assert first.values + second.values == alone.values
    in_parts, at_once = (read(tmp_path / name / "main" / "seed-3") for name in ("logs", "at-once"))
    for tag in at_once.Tags()["scalars"]:
        assert [(e.step, e.value) for e in in_parts.Scalars(tag)] == [(e.step, e.value) for e in at_once.Scalars(tag)]


def given(out: Path, *values: float, first: int = 0) -> TensorBoard:
    """Values of one tag, from an epoch on, given by a tracker of their own."""
    tracker = TensorBoard(out)
    series = tracker.series(RUN)
    for epoch, value in enumerate(values, start=first):
        series.take(record(epoch=epoch, value=value), epoch, 100.0 + epoch)
    tracker.add(RUN, series.fresh(), series)
    return tracker


def test_a_process_that_was_killed_while_writing_loses_no_more_than_that(tmp_path):
    given(tmp_path, 0.1, 0.2, 0.3)
    (file,) = (tmp_path / "main" / "seed-1").iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    assert shown(tmp_path / "main" / "seed-1") == [(0, 0.1), (1, 0.2)]
    given(tmp_path, 0.1, 0.2, 0.3, 0.4)
    assert shown(tmp_path / "main" / "seed-1") == [(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.4)]


def test_a_job_that_came_out_differently_is_shown_as_it_is_now(tmp_path):
    given(tmp_path, 0.1, 0.2, 0.3, 0.4)
    given(tmp_path, 0.7, 0.8, first=2)
    assert shown(tmp_path / "main" / "seed-1") == [(0, 0.1), (1, 0.2), (2, 0.7), (3, 0.8)]


def test_one_file_grows_while_a_run_is_followed(tmp_path):
    tracker = given(tmp_path, 0.1)
    series = tracker.series(RUN)
    for epoch in range(1, 5):
        series.take(record(epoch=epoch, value=epoch / 10), epoch, 100.0)
        tracker.add(RUN, series.fresh(), series)
        assert shown(tmp_path / "main" / "seed-1")[-1] == (epoch, epoch / 10)
    assert len(list((tmp_path / "main" / "seed-1").iterdir())) == 1


def test_deals_of_x2_are_below_their_seed(tmp_path):
    tracker = TensorBoard(tmp_path)
    deal, series = Run("tiny", "digest", "a/b", 1, 2), Series()
    series.take(record(), 5, 0.0)
    tracker.add(deal, series.fresh(), series)
    assert shown(tmp_path / "a%2Fb" / "seed-1" / "stage2-seed-2") == [(5, 0.5)]
    assert np.isclose(tracker.series(deal).there[TAG][5][0], 0.5)
