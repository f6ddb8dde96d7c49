import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.records import COLUMNS, JobFolder, Manifest, Record, Store
from sayso.core.sweep import Job, cells


def record(seed: int = 1, epoch: int = 0, value: float = 0.5, cell: str = "main", subset: str = "QA3") -> Record:
    return Record("tiny", cell, seed, "stage1", epoch, "exact_match", "validation", subset, value, 10)


def manifest(job: str, seeds: tuple[int, ...] = (1, 2), cell: str = "main") -> Manifest:
    return Manifest(job, cell, seeds, "digest", {"name": "tiny"}, "00", {"python": "3"}, None, "cpu", "now")


def error(function, *arguments) -> str:
    with pytest.raises(SaysoError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def read(folder: JobFolder) -> list[Record]:
    return list(folder.records())


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    result = JobFolder(tmp_path / "job")
    result.open(manifest("job"))
    return result


@pytest.fixture
def finished(folder: JobFolder) -> JobFolder:
    folder.append([record(epoch=epoch) for epoch in range(3)])
    folder.finish("later")
    return folder


# --- one job


def test_columns_are_the_promised_ones():
    promised = "experiment,cell,seed,stage,epoch,measure,eval_set,subset,value,n,stage2_seed"
    assert ",".join(COLUMNS) == promised


def test_what_is_appended_comes_back_in_order(folder):
    records = [record(epoch=epoch, value=epoch / 7) for epoch in range(5)]
    folder.append(records[:2])
    folder.append([])
    length = folder.append(records[2:])
    assert length == folder.records_path.stat().st_size
    folder.finish("later")
    assert read(folder) == records


def test_a_value_that_could_not_be_measured_is_null_in_the_file_and_nan_again(folder):
    folder.append([record(value=math.nan), record(value=math.inf)])
    folder.finish("later")
    lines = folder.records_path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)[COLUMNS.index("value")] for line in lines] == [None, None]
    assert [math.isnan(item.value) for item in read(folder)] == [True, True]


def test_text_of_any_language_stays_on_one_line(folder):
    strange = record(subset="Zoë\u2028東京\n")
    folder.append([strange])
    folder.finish("later")
    assert read(folder) == [strange]


def test_rewinding_drops_what_a_killed_try_appended(folder):
    length = folder.append([record(epoch=0)])
    folder.append([record(epoch=1)])
    folder.rewind(length)
    folder.append([record(epoch=2)])
    folder.finish("later")
    assert [item.epoch for item in read(folder)] == [0, 2]


def test_rewinding_nothing_to_nothing_is_fine(folder):
    folder.rewind(0)
    assert not folder.records_path.exists()


def test_records_shorter_than_the_checkpoint_says_are_an_error_and_nothing_is_lost(folder):
    length = folder.append([record()])
    message = error(folder.rewind, length + 1)
    assert str(folder.records_path) in message
    assert "delete the folder" in message
    assert folder.records_path.stat().st_size == length


def test_finishing_leaves_records_and_no_checkpoints(folder):
    for name in ("checkpoint-0-1.pt", ".checkpoint-0-2.pt.part"):
        (folder.path / name).write_bytes(b"x")
    folder.position_path.write_text("{}", encoding="utf-8")
    folder.append([record()])
    assert not folder.finished
    folder.finish("later")
    assert folder.finished
    assert sorted(path.name for path in folder.path.iterdir()) == ["finished.json", "manifest.json", "records.jsonl"]


def test_a_manifest_comes_back_and_the_first_one_stays(folder):
    assert folder.begun
    folder.open(replace(manifest("job"), started="again"))
    assert folder.manifest() == manifest("job")


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"seeds": 3}', "null"])
def test_a_damaged_manifest_is_an_error_that_names_the_file(folder, content):
    folder.manifest_path.write_text(content, encoding="utf-8")
    assert str(folder.manifest_path) in error(folder.manifest)


def test_a_manifest_of_another_version_is_an_error_that_names_the_file(folder):
    content = {**asdict(manifest("job")), "colour": "red"}
    folder.manifest_path.write_text(json.dumps(content), encoding="utf-8")
    assert "not a manifest of this version" in error(folder.manifest)


# --- damaged records


def test_records_cut_off_after_a_line_are_an_error(finished):
    lines = finished.records_path.read_bytes().splitlines(keepends=True)
    finished.records_path.write_bytes(b"".join(lines[:-1]))
    message = error(read, finished)
    assert f"{sum(map(len, lines[:-1]))} bytes, where {sum(map(len, lines))} were written" in message
    assert "delete the folder" in message


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_records_cut_off_inside_a_line_are_an_error_that_names_the_line(finished, cut):
    os.truncate(finished.records_path, finished.records_path.stat().st_size - cut)
    if cut > 1:  # without its line feed a line is still whole
        assert "line 3 is cut off or not a record" in error(read, finished)
    assert str(finished.records_path) in error(read, finished)


@pytest.mark.parametrize(
    "line", [b"{}\n", b"3\n", b'"text"\n', b"[]\n", b"[1, 2]\n", b"null\n", b"\xff\n", b"\n", b'{"value": 3}\n']
)
def test_a_line_that_is_no_record_is_named(finished, line):
    lines = finished.records_path.read_bytes().splitlines(keepends=True)
    finished.records_path.write_bytes(lines[0] + line + lines[2])
    assert "line 2 is cut off or not a record" in error(read, finished)


def test_a_changed_number_is_noticed(finished):
    content = finished.records_path.read_bytes()
    finished.records_path.write_bytes(content.replace(b"0.5", b"0.6", 1))
    assert str(finished.records_path) in error(read, finished)


def test_missing_records_are_an_error(finished):
    finished.records_path.unlink()
    assert "0 bytes" in error(read, finished)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "3", '{"bytes": 3}'])
def test_a_damaged_finish_marker_is_an_error_that_names_the_file(finished, content):
    finished.finished_path.write_text(content, encoding="utf-8")
    assert str(finished.finished_path) in error(read, finished)


# --- a folder


def test_a_folder_holds_one_experiment(tiny, tmp_path):
    store = Store(tmp_path / "results")
    store.create(tiny)
    store.create(tiny.with_settings({"name": "other", "seeds.count": 3}))  # the same but for what is not in the digest
    assert store.experiment() == tiny
    before = store.experiment_path.read_bytes()
    message = error(store.create, tiny.with_settings({"train.learning_rate": 0.5}))
    assert "holds tiny with other settings (train.learning_rate is 0.003 there, 0.5 here)" in message
    assert "--out" in message
    assert store.experiment_path.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("stages.stage1.epochs", 9, "stages.stage1.epochs is 4 there, 9 here"),
        ("stages.stage1.overrides.batch_size", 9, "stages.stage1.overrides.batch_size is absent there, 9 here"),
        ("definition.order", "ATE", 'definition.order is "TAE" there, "ATE" here'),
        ("subsets.QA3.has_qa", False, "subsets.QA3.has_qa is true there, false here"),
    ],
)
def test_the_setting_in_which_two_experiments_differ_is_named(tiny, tmp_path, path, value, said):
    store = Store(tmp_path)
    store.create(tiny)
    assert said in error(store.create, tiny.with_settings({path: value}))


@pytest.mark.parametrize("below", ["file", "file/results", "file/a/b"])
def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(tiny, tmp_path, below):
    (tmp_path / "file").write_text("", encoding="utf-8")
    message = error(Store(tmp_path / below).create, tiny)
    assert "cannot write here" in message
    assert "--out" in message
    assert (tmp_path / "file").read_text(encoding="utf-8") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_error_of_one_line(tiny, tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in error(Store(tmp_path / "results").create, tiny)


def test_another_folder_is_no_results_folder(tmp_path):
    assert "not a results folder" in error(Store(tmp_path).experiment)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "null"])
def test_a_damaged_experiment_is_an_error_that_names_the_file(tmp_path, content):
    store = Store(tmp_path)
    store.experiment_path.write_text(content, encoding="utf-8")
    assert str(store.experiment_path) in error(store.experiment)


def add_job(store: Store, job: Job, records: list[Record], *, finish: bool = True) -> JobFolder:
    folder = store.job(job.id)
    folder.open(manifest(job.id, job.seeds, job.cell.name))
    folder.append(records)
    if finish:
        folder.finish("later")
    return folder


def test_records_come_by_cell_in_the_experiments_order_then_seed_then_as_measured(tiny, tmp_path):
    sweep = tiny.vary("sweep", train__batch_size=[64, 256, 16])
    store = Store(tmp_path)
    store.create(sweep)
    names = [cell.name for cell in cells(sweep)]
    assert names != sorted(names)
    expected = [
        record(seed, epoch, cell=name, subset=subset)
        for name in names
        for seed in (2, 3, 10, 11)
        for epoch, subset in ((0, "b"), (0, "a"), (1, "b"))
    ]
    for cell in cells(sweep):
        for seeds in ((10, 3), (2, 11)):
            own = [item for item in expected if item.cell == cell.name and item.seed in seeds]
            by_epoch = sorted(own, key=lambda item: item.epoch)  # as a job writes them: seeds mixed, epoch by epoch
            add_job(store, Job(cell, seeds), by_epoch)
    assert store.records() == expected


def test_only_finished_jobs_are_read(tiny, tmp_path):
    store = Store(tmp_path)
    store.create(tiny)
    (cell,) = cells(tiny)
    add_job(store, Job(cell, (1,)), [record(1)])
    add_job(store, Job(cell, (2,)), [record(2)], finish=False)
    (store.jobs_path / "just-a-folder").mkdir()
    assert [item.seed for item in store.records()] == [1]
    assert len(store.jobs()) == 2


def test_an_empty_results_folder_has_no_records(tiny, tmp_path):
    store = Store(tmp_path / "results")
    store.create(tiny)
    assert store.records() == []
    assert store.jobs() == []
