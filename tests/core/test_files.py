"""Files appear whole or not at all, and damaged ones are named."""

import os

import pytest

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_atomically(path, "old")

    def fail(*arguments):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_damaged_json_file_is_named(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SaysoError) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_a_missing_json_file_is_named(tmp_path):
    with pytest.raises(SaysoError, match=r"x\.json"):
        read_json(tmp_path / "x.json")


def test_files_have_the_mode_that_any_new_file_has(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("", encoding="utf-8")
    write_atomically(tmp_path / "ours", "text")
    assert (tmp_path / "ours").stat().st_mode == ordinary.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ordinary", "ours"]
