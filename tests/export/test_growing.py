"""A file of records is read as it grows, whatever happens to it."""

import os
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.records import to_line
from sayso.export.growing import Growing, began, last_heard
from tests.core.written import manifest, record

LINES = [to_line(record(epoch=epoch, value=epoch / 10)) for epoch in range(8)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


def epochs(growing: Growing) -> list[int]:
    return [each.epoch for each in growing.more()]


def test_each_line_is_given_once_when_it_is_whole(path):
    growing = Growing(path)
    assert epochs(growing) == []
    text, given = "".join(LINES), list[int]()
    for end in range(0, len(text) + 1, 17):
        path.write_text(text[:end], encoding="utf-8")
        given += epochs(growing)
        assert given == list(range(text[:end].count("\n")))
    path.write_text(text, encoding="utf-8")
    assert given + epochs(growing) == list(range(8))
    assert epochs(growing) == []


def test_a_file_that_was_cut_back_goes_on_from_there(path):
    growing = Growing(path)
    path.write_text("".join(LINES[:6]), encoding="utf-8")
    assert epochs(growing) == [0, 1, 2, 3, 4, 5]
    os.truncate(path, len("".join(LINES[:3])))
    assert epochs(growing) == [0, 1, 2]
    path.write_text("".join(LINES[:5]), encoding="utf-8")
    assert epochs(growing) == [3, 4]


def test_a_file_that_was_written_anew_meanwhile_is_read_from_its_beginning(path):
    growing = Growing(path)
    path.write_text("".join(LINES[:4]), encoding="utf-8")
    growing.more()
    path.write_text("".join(LINES[4:] + LINES[:4]), encoding="utf-8")
    assert epochs(growing) == [4, 5, 6, 7, 0, 1, 2, 3]


def test_a_line_that_is_no_record_is_named(path):
    path.write_text(LINES[0] + '{"seed": 3}\n', encoding="utf-8")
    with pytest.raises(SaysoError, match=r"records\.jsonl: has a line that is not a record"):
        Growing(path).more()


def test_times_are_those_of_the_files(tmp_path):
    folder = JobFolder(tmp_path / "job")
    folder.open(manifest("job"))  # which says "now"
    os.utime(folder.manifest_path, (50, 50))
    assert (began(folder), last_heard(folder)) == (50, 50)
    folder.append([record()])
    os.utime(folder.records_path, (70, 70))
    assert last_heard(folder) == 70
    folder.finish("1970-01-01T00:01:30+00:00")
    assert last_heard(folder) == 90
