import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sayso.core.job_folder import JobFolder
from sayso.core.records import COLUMNS, Record
from tests.core.written import error, manifest, record


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
    for name in ("state-0-1.pt", "state-1-2.pt", ".state-1-2.pt.part"):
        (folder.path / name).write_bytes(b"x")
    for name in ("checkpoint-0-3.pt", "state-0-3.pt", ".state-0-4.pt.part"):  # of a sharded model
        (folder.path / name).mkdir()
        (folder.path / name / "part").write_bytes(b"x")
    folder.position_path.write_text("{}", encoding="utf-8")
    folder.append([record()])
    assert not folder.finished
    folder.finish("later")
    assert folder.finished
    folder.tidy({(1, 2)})
    assert sorted(path.name for path in folder.path.glob("state-*")) == ["state-1-2.pt"]
    folder.tidy(())
    assert sorted(path.name for path in folder.path.iterdir()) == ["finished.json", "manifest.json", "records.jsonl"]


def test_a_manifest_comes_back(folder):
    assert folder.begun
    again = replace(manifest("job"), resumed=("with other versions",))
    folder.open(again)
    assert folder.manifest() == again


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


# --- measured later


def test_records_measured_later_follow_those_of_training(finished):
    later = [replace(record(epoch=epoch), measure="f1", what="a") for epoch in range(2)]
    before = read(finished)
    finished.add_measured("f1", later, {"digest": "d"})
    assert read(finished) == [*before, *later]
    assert finished.measured()["f1"]["digest"] == "d"
    assert sorted(path.name for path in finished.path.glob("measured-*")) == ["measured-f1.json", "measured-f1.jsonl"]


def test_damaged_records_measured_later_are_an_error_that_says_to_measure_again(finished):
    finished.add_measured("f1", [record()], {"digest": "d"})
    path = finished.measured_path("f1")
    path.write_bytes(path.read_bytes()[:-4])
    message = error(read, finished)
    assert f"{path}: line 1 is cut off" in message
    assert "measure again" in message
