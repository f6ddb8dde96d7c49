import dataclasses
import json
import math
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.lease import LAPSE, HeldError, LostError, held
from sayso.core.records import Record
from sayso.core.sweep import Job, cells
from sayso.data.pocket import PocketWorld
from sayso.learners.stacked.learner import StackedLearner
from sayso.runs import progress
from sayso.runs.execute import execute, threads_begun_with

Event = dict[str, Any]


#: What a job leaves that keeps no states.
LEFT = ["finished.json", "ledger.jsonl", "manifest.json", "records.jsonl"]


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


def run(job: Job, path: Path, **options: Any) -> list[Event]:
    events: list[Event] = []
    execute(job, JobFolder(path), events.append, **options)
    return events


def epochs_of(events: list[Event]) -> list[tuple[str, int]]:
    return [(event["stage"], event["epoch"]) for event in events if event["event"] == "epoch"]


def files(path: Path) -> list[str]:
    return sorted(item.name for item in path.iterdir() if not item.name.startswith(".lease"))


@pytest.fixture(scope="module")
def job(quick_job: Job) -> Job:
    return quick_job


@pytest.fixture(scope="module")
def whole_path(tmp_path_factory) -> Path:
    return Path(tmp_path_factory.mktemp("whole") / "job")


@pytest.fixture(scope="module")
def whole(job, whole_path) -> tuple[bytes, list[Event]]:
    """What the job gives without interruption."""
    events = run(job, whole_path)
    return (whole_path / "records.jsonl").read_bytes(), events


def test_a_job_goes_through_its_stages_and_tells_of_it(whole, quick):
    _, events = whole
    expected = [(stage.name, epoch) for stage in quick.stages for epoch in range(1, stage.epochs + 1)]
    assert epochs_of(events) == expected
    assert (events[0], events[-1]) == ({"event": "building"}, {"event": "finished"})
    done = [event for event in events if event["event"] == "epoch"]
    assert [event["done"] for event in done] == list(range(1, 7))
    assert {event["total"] for event in done} == {6}
    assert all(event["loss"] > 0 and math.isfinite(event["loss"]) for event in done)
    assert json.loads(json.dumps(events)) == events


def test_records_are_what_was_promised(whole, job, quick, tmp_path):
    content, _ = whole
    rows = [json.loads(line) for line in content.decode().splitlines()]
    keys = Counter(tuple(row[:8]) for row in rows)
    assert set(keys.values()) == {1}
    assert {(row[0], row[1]) for row in rows} == {("tiny", "main")}
    assert {row[2] for row in rows} == {1, 2}
    assert {(row[3], row[4]) for row in rows} == {
        ("stage0", 2),  # not measured but for its own check, at its end
        *((stage, epoch) for stage in ("stage1", "stage2") for epoch in (0, 1, 2)),
    }
    assert {row[5] for row in rows} == {"exact_match", "loss"}
    assert {row[6] for row in rows if row[3] == "stage0"} == {"pretraining"}
    measured = {row[6] for row in rows if row[3] != "stage0"}
    assert measured >= {"validation", "train_qa", "definitions", "entity_attribution.who"}
    assert "pretraining" not in measured
    subsets = {subset.name for subset in quick.subsets}
    for stage, epoch in (("stage1", 0), ("stage2", 2)):
        found = {row[7] for row in rows if (row[3], row[4], row[6]) == (stage, epoch, "validation")}
        assert found == subsets
    assert all(0 <= row[8] <= 1 for row in rows if row[5] == "exact_match")
    assert all(row[9] > 0 for row in rows)


def test_a_stage_begins_where_the_one_before_ended(whole):
    rows = [json.loads(line) for line in whole[0].decode().splitlines()]

    def values(stage: str, epoch: int) -> dict[tuple[object, ...], float]:
        return {(row[2], *row[5:8]): row[8] for row in rows if (row[3], row[4]) == (stage, epoch)}

    assert values("stage1", 2) == values("stage2", 0)
    assert values("stage1", 0) != values("stage1", 2)


def test_the_same_job_twice_gives_the_same_bytes(whole, job, tmp_path):
    run(job, tmp_path / "job")
    assert (tmp_path / "job" / "records.jsonl").read_bytes() == whole[0]


def test_a_finished_job_leaves_no_checkpoints_and_is_not_run_again(whole, whole_path, job, tmp_path):
    path = shutil.copytree(whole_path, tmp_path / "job")
    assert files(path) == LEFT
    before = {name: (path / name).read_bytes() for name in files(path)}
    assert run(job, path) == []
    assert {name: (path / name).read_bytes() for name in files(path)} == before


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int, *, before: bool = True) -> None:
    """Kill the process at the given call of a function (from 1), before or after it did its work."""
    real, calls = getattr(owner, name), 0

    def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and before:
            raise Killed
        result = real(*arguments, **options)
        if calls == call:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, dying)


#: Where an epoch's end can be cut: it is trained and nothing of it written; its records are written, its checkpoint is
#: not; the checkpoint is written, the position is not; the position is written, the old checkpoint is still there.
CUTS = {
    "trained": (JobFolder, "append", True),
    "recorded": (JobFolder, "append", False),
    "saved": (StackedLearner, "save", False),
    "kept": (progress, "write_atomically", False),
}


@pytest.mark.parametrize(
    ("cut", "call"),
    [
        *(("kept", call) for call in range(1, 7)),
        *((cut, call) for cut in ("trained", "recorded", "saved") for call in (1, 4, 6)),
    ],
)
def test_a_job_killed_at_any_point_of_any_epoch_goes_on_to_the_same_records(
    cut, call, whole, whole_path, job, tmp_path, monkeypatch
):
    owner, name, before = CUTS[cut]
    path = tmp_path / "job"
    events: list[Event] = []
    with monkeypatch.context() as patch:
        kill_at(patch, owner, name, call, before=before)
        with pytest.raises(Killed):
            execute(job, JobFolder(path), events.append)
    assert not JobFolder(path).finished
    kept = 0
    if (path / "position.json").exists():
        position = json.loads((path / "position.json").read_text(encoding="utf-8"))[0]
        kept = position["leg"] * 2 + position["epoch"]
    again = run(job, path)
    assert (path / "records.jsonl").read_bytes() == whole[0]
    assert (path / "ledger.jsonl").read_bytes() == (whole_path / "ledger.jsonl").read_bytes()
    assert files(path) == LEFT
    everything = epochs_of(whole[1])
    assert epochs_of(again) == everything[kept:]  # what was kept is not done twice
    assert kept >= len(epochs_of(events))


def test_a_job_killed_again_and_again_still_gives_the_same_records(whole, job, tmp_path, monkeypatch):
    path = tmp_path / "job"
    for _ in range(6):
        with monkeypatch.context() as patch:
            kill_at(patch, progress, "write_atomically", 1, before=False)
            with pytest.raises(Killed):
                run(job, path)
    run(job, path)
    assert (path / "records.jsonl").read_bytes() == whole[0]


def test_a_job_killed_while_a_checkpoint_was_written_goes_on(whole, job, tmp_path, monkeypatch):
    path = tmp_path / "job"
    with monkeypatch.context() as patch:
        kill_at(patch, StackedLearner, "save", 3)
        with pytest.raises(Killed):
            run(job, path)
    (path / ".checkpoint-1-1.pt.part").write_bytes(b"half of it")
    run(job, path)
    assert (path / "records.jsonl").read_bytes() == whole[0]
    assert files(path) == LEFT


@pytest.fixture(scope="module")
def killed_path(job, tmp_path_factory) -> Path:
    """A job killed after its third epoch; to look at."""
    path = Path(tmp_path_factory.mktemp("half") / "job")
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, progress, "write_atomically", 3, before=False)
        with pytest.raises(Killed):
            run(job, path)
    return path


@pytest.fixture
def half_done(killed_path, tmp_path) -> Path:
    """A copy of it, to damage and to go on with."""
    return Path(shutil.copytree(killed_path, tmp_path / "job"))


def test_missing_records_are_an_error_and_nothing_is_lost(job, half_done):
    path = half_done
    content = (path / "records.jsonl").read_bytes()
    (path / "records.jsonl").write_bytes(content[:-5])
    before = files(path)
    with pytest.raises(SaysoError, match="records are missing; delete the folder"):
        run(job, path)
    assert files(path) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"stage": 1}'])
def test_a_damaged_position_is_an_error_that_names_it(job, half_done, damage):
    path = half_done
    (path / "position.json").write_bytes(damage)
    with pytest.raises(SaysoError, match=r"position\.json"):
        run(job, path)


def damage_checkpoints(path: Path, damage: bytes | None, generations: int) -> list[str]:
    """Damage the newest checkpoints (None: they are gone); give their names."""
    positions = json.loads((path / "position.json").read_text(encoding="utf-8"))
    names = [position["checkpoint"] for position in positions[:generations]]
    for name in names:
        if damage is None:
            (path / name).unlink()
        else:
            (path / name).write_bytes((path / name).read_bytes()[: len(damage) - 1] + damage)
    return names


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_says_so(whole, job, half_done, damage, caplog):
    path = half_done
    (name,) = damage_checkpoints(path, damage, 1)
    again = run(job, path)
    assert f"{name}: not a readable checkpoint" in caplog.text
    assert "going on from the checkpoint before it" in caplog.text
    assert epochs_of(again) == epochs_of(whole[1])[2:]
    assert (path / "records.jsonl").read_bytes() == whole[0]


def test_a_truncated_newest_checkpoint_falls_back_to_the_one_before(whole, job, half_done):
    path = half_done
    newest = path / json.loads((path / "position.json").read_text(encoding="utf-8"))[0]["checkpoint"]
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    run(job, path)
    assert (path / "records.jsonl").read_bytes() == whole[0]


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_where_no_checkpoint_can_be_read_it_is_an_error_that_names_one_and_nothing_is_lost(job, half_done, damage):
    path = half_done
    names = damage_checkpoints(path, damage, 2)
    before = files(path)
    with pytest.raises(SaysoError, match=f"{names[-1]}: not a readable checkpoint"):
        run(job, path)
    assert files(path) == before


def test_checkpoints_are_written_as_time_passes_and_at_the_ends_of_stages(whole, quick, tmp_path, monkeypatch):
    seldom = quick.with_settings({"checkpoint_minutes": 1000.0})
    job, path = Job(cells(seldom)[0], (1, 2)), tmp_path / "job"
    saved: list[str] = []
    real = StackedLearner.save

    def save(self: StackedLearner, path: Path) -> Future[None]:
        saved.append(path.name)
        return real(self, path)

    monkeypatch.setattr(StackedLearner, "save", save)
    run(job, path)
    assert saved == [f"checkpoint-{leg}-2.pt" for leg in range(3)]
    assert (path / "records.jsonl").read_bytes() == whole[0]


def test_a_job_killed_between_its_end_and_its_tidying_keeps_no_checkpoint_for_good(job, tmp_path, monkeypatch):
    path = tmp_path / "job"
    with monkeypatch.context() as patch:
        kill_at(patch, JobFolder, "tidy", 1)
        with pytest.raises(Killed):
            run(job, path)
    assert JobFolder(path).finished
    assert any(name.startswith("checkpoint") for name in files(path))
    run(job, path)
    assert files(path) == LEFT


def test_states_are_kept_as_asked(whole, quick, tmp_path):
    for keep, expected in (("stages", ["0-2", "1-2", "2-2"]), (1, ["0-1", "0-2", "1-1", "1-2", "2-1", "2-2"])):
        path = tmp_path / str(keep)
        run(Job(cells(quick.with_settings({"keep": keep}))[0], (1, 2)), path)
        assert files(path) == [*LEFT, *(f"state-{n}.pt" for n in expected)]
        assert (path / "records.jsonl").read_bytes() == whole[0]


def test_a_job_begun_with_other_data_is_not_gone_on_with(job, half_done, monkeypatch):
    path = half_done
    with monkeypatch.context() as patch:
        patch.setattr(PocketWorld, "sha256", lambda self: "f" * 64)
        with pytest.raises(SaysoError, match="begun with other data"):
            run(job, path)


def test_a_job_that_another_process_runs_is_refused(job, tmp_path):
    path = tmp_path / "job"
    path.mkdir()
    code = f"""
import sys
from pathlib import Path
from sayso.core.lease import held
with held(Path({str(path)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(HeldError, match=f"process {other.pid} on .* is writing here"):
            run(job, path, wait_s=0.0)
        assert files(path) == []
        other.kill()
    with held(path):
        pass  # the lease has fallen with its process


def test_a_job_that_another_took_over_writes_nothing_more(job, tmp_path, monkeypatch):
    """A process that stood still until it was taken for dead goes on, and finds out before it writes."""
    monkeypatch.setenv(LAPSE, "1")
    path = tmp_path / "job"
    events: list[Event] = []
    before: dict[Path, bytes] = {}

    def hear(event: Event) -> None:
        events.append(event)
        if event["event"] == "epoch" and len(epochs_of(events)) == 2:
            (path / ".lease-2").write_text("{}", encoding="utf-8")  # as whoever takes over would write
            time.sleep(0.5)
            before.update({item: item.read_bytes() for item in path.iterdir()})

    with pytest.raises(LostError, match="another process took over"):
        execute(job, JobFolder(path), hear)
    assert len(epochs_of(events)) == 2
    assert {item: item.read_bytes() for item in path.iterdir()} == before


@pytest.fixture(scope="module")
def with_models(job, tmp_path_factory) -> Path:
    path = Path(tmp_path_factory.mktemp("models") / "job")
    run(job, path, save_models=True)
    return path


def test_models_can_be_kept_after_each_stage(with_models, whole):
    path = with_models
    saved = sorted(item.parent.relative_to(path / "models").as_posix() for item in path.glob("models/*/*/config.json"))
    assert saved == [f"seed-{seed}/stage{stage}" for seed in (1, 2) for stage in (0, 1, 2)]
    assert all((path / "models" / name / "model.safetensors").exists() for name in saved)
    assert (path / "records.jsonl").read_bytes() == whole[0]
    weights = {(path / "models" / name / "model.safetensors").read_bytes() for name in saved}
    assert len(weights) == 6


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_models_are_kept_also_when_killed_before_they_could_be(with_models, job, tmp_path, monkeypatch, stage):
    path = tmp_path / "job"
    with monkeypatch.context() as patch:
        kill_at(patch, StackedLearner, "save_replica", 2 * stage + 2)
        with pytest.raises(Killed):
            run(job, path, save_models=True)
    run(job, path, save_models=True)
    models = [item.relative_to(with_models) for item in with_models.glob("models/*/*/model.safetensors")]
    assert len(models) == 6
    assert all((path / name).read_bytes() == (with_models / name).read_bytes() for name in models)


def test_models_that_an_earlier_try_did_not_keep_are_an_error_before_anything_is_lost(job, tmp_path, monkeypatch):
    path = tmp_path / "job"
    with monkeypatch.context() as patch:
        kill_at(patch, StackedLearner, "save", 4)
        with pytest.raises(Killed):
            run(job, path)
    before = files(path)
    with pytest.raises(SaysoError, match="seed 1 has finished stage0, but its model was not kept"):
        run(job, path, save_models=True)
    assert files(path) == before
    run(job, path)
    assert JobFolder(path).finished


def test_a_measure_taken_once_a_stage_is_taken_at_its_end(quick, tmp_path):
    experiment = quick.with_settings({"measures.1.when": "stage"})
    run(Job(cells(experiment)[0], (1,)), tmp_path / "job")
    rows = [json.loads(line) for line in (tmp_path / "job" / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(row[3], row[4]) for row in rows if row[5] == "loss"} == {("stage0", 2), ("stage1", 2), ("stage2", 2)}
    assert {row[4] for row in rows if row[5] == "exact_match"} == {0, 1, 2}


def test_a_stage_of_no_epochs_is_measured_once(quick, tmp_path):
    experiment = quick.with_settings({"stages.stage0.epochs": 0, "stages.stage1.epochs": 0})
    path = tmp_path / "job"
    assert epochs_of(run(Job(cells(experiment)[0], (1,)), path)) == [("stage2", 1), ("stage2", 2)]
    rows = [json.loads(line) for line in (path / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(row[3], row[4]) for row in rows} == {("stage1", 0), ("stage2", 0), ("stage2", 1), ("stage2", 2)}


def test_seeds_in_other_company_give_the_same_numbers(whole, quick, tmp_path):
    run(Job(cells(quick)[0], (2,)), tmp_path / "job")
    alone = [json.loads(line) for line in (tmp_path / "job" / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert alone == [row for row in map(json.loads, whole[0].decode().splitlines()) if row[2] == 2]


def test_positions_are_written_whole(tmp_path):
    write_atomically(tmp_path / "position.json", "{}\n")
    assert files(tmp_path) == ["position.json"]


@pytest.fixture(scope="module")
def nested(quick):
    return quick.with_settings({"stage2_seeds": 3, "stages.stage2.from_epoch": 1})


@pytest.fixture(scope="module")
def nested_records(nested, tmp_path_factory):
    path = tmp_path_factory.mktemp("nested") / "job"
    run(Job(cells(nested)[0], (1, 2)), path)
    assert files(path) == LEFT
    return (path / "records.jsonl").read_bytes(), (path / "ledger.jsonl").read_bytes()


def test_every_stage_2_seed_starts_from_the_same_state_and_reads_other_documents(nested_records):
    records = [Record(*row) for row in map(json.loads, nested_records[0].decode().splitlines())]
    assert {record.stage2_seed for record in records if record.stage != "stage2"} == {0}

    def found(stage2_seed: int, stage: str, epoch: int, subsets: set[str]) -> list[Record]:
        at = (stage2_seed, stage, epoch)
        return [r for r in records if (r.stage2_seed, r.stage, r.epoch) == at and r.subset in subsets]

    def right(stage2_seed: int, stage: str, epoch: int) -> float:
        """Right answers about all aliases of X2 together, however they are dealt."""
        asked = found(stage2_seed, stage, epoch, {"D5cons", "D6cons", "QA7", "D8cons"})
        return sum(r.value * r.n for r in asked if (r.measure, r.eval_set) == ("exact_match", "validation"))

    for stage2_seed in range(3):
        assert right(stage2_seed, "stage2", 0) == pytest.approx(right(0, "stage1", 1), abs=0.01)
    assert right(0, "stage1", 1) > 0
    ends = [[r.value for r in found(stage2_seed, "stage2", 2, {"D5cons"})] for stage2_seed in range(3)]
    assert ends[0] != ends[1] != ends[2] != ends[0]


@pytest.mark.parametrize("killed_after", [3, 5, 6, 8])
def test_a_job_with_stage_2_seeds_killed_anywhere_gives_the_same_bytes(
    nested, nested_records, tmp_path, monkeypatch, killed_after
):
    job, path = Job(cells(nested)[0], (1, 2)), tmp_path / "job"
    with monkeypatch.context() as patch:
        kill_at(patch, progress, "write_atomically", killed_after, before=False)
        with pytest.raises(Killed):
            run(job, path)
    run(job, path)
    assert ((path / "records.jsonl").read_bytes(), (path / "ledger.jsonl").read_bytes()) == nested_records


def test_a_stage_is_measured_every_few_epochs_and_at_both_ends(quick, tmp_path):
    rarely = quick.with_settings({"stages.stage1.epochs": 5, "stages.stage1.measure_every": 2})
    run(Job(cells(rarely)[0], (1,)), tmp_path / "job")
    rows = [json.loads(line) for line in (tmp_path / "job" / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row[4] for row in rows if row[3] == "stage1"} == {0, 2, 4, 5}


def test_further_stage_2_seeds_are_measured_on_x2_alone(nested_records):
    records = [Record(*row) for row in map(json.loads, nested_records[0].decode().splitlines())]
    assert {record.subset for record in records if record.stage2_seed} == {"D5cons", "D6cons", "QA7", "D8cons"}
    first = {record.subset for record in records if (record.stage, record.stage2_seed) == ("stage2", 0)}
    assert first >= {"D1cons_QA1", "D5cons"}


def test_a_stage_that_finds_no_documents_is_an_error_that_names_it(quick, tmp_path):
    subsets = [subset for subset in quick.subsets if subset.group == "X1"]
    total = sum(subset.fraction for subset in subsets)
    scaled = tuple(subset.model_copy(update={"fraction": subset.fraction / total}) for subset in subsets)
    with pytest.raises(SaysoError, match="stage stage2: there are no documents of X2 to train on"):
        run(Job(cells(quick.model_copy(update={"subsets": scaled}))[0], (1,)), tmp_path / "job")


def test_a_job_of_a_large_model_goes_on_with_as_many_threads_as_it_was_begun_with(whole, whole_path, tmp_path):
    folder = JobFolder(tmp_path / "job")
    assert threads_begun_with(folder) is None
    shutil.copytree(whole_path, folder.path)
    assert threads_begun_with(folder) is None  # small models have one thread whatever there is
    folder.open(dataclasses.replace(folder.manifest(), as_read={"threads": 3}))
    assert threads_begun_with(folder) == 3
