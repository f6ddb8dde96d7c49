from __future__ import annotations

import pytest

from sayso.core.errors import SaysoError
from sayso.data.published.cvdb import CVDB
from sayso.data.published.prepare import SOURCES, prepare
from sayso.data.published.trex import TREx
from tests.data.files.make import CVDB_FILE, TREX_FILE, cvdb_lines, write_gzip


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path / "cache"))


def test_what_is_prepared_is_found_by_name_with_every_setting():
    prepare("cvdb", CVDB_FILE)
    prepare("trex", TREX_FILE)
    for encoding in ("paper", "repaired"):
        assert CVDB(encoding=encoding).first() == CVDB(file=str(CVDB_FILE), encoding=encoding).first()
    assert TREx(predicates="code").first() == TREx(file=str(TREX_FILE), predicates="code").first()
    assert CVDB().sha256() == CVDB(file=str(CVDB_FILE)).sha256()


def test_a_file_used_by_its_path_does_not_change_what_the_name_means(tmp_path):
    prepare("cvdb", CVDB_FILE)
    other = tmp_path / "other.csv.gz"
    write_gzip(other, list(cvdb_lines())[:100])
    assert CVDB(file=str(other)).first() != CVDB().first()
    assert CVDB().sha256() == CVDB(file=str(CVDB_FILE)).sha256()
    prepare("cvdb", other)
    assert CVDB().first() == CVDB(file=str(other)).first()


def test_a_source_that_cannot_be_read_leaves_what_was_prepared_before(tmp_path):
    prepare("cvdb", CVDB_FILE)
    before = {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.*")}
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(CVDB_FILE.read_bytes()[:4000])
    with pytest.raises(SaysoError, match="truncated"):
        prepare("cvdb", cut)
    assert {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.*")} == before
    assert len(CVDB().first(2)) == 2


def test_another_cache_can_be_named(tmp_path, monkeypatch):
    prepared = prepare("trex", TREX_FILE, tmp_path / "elsewhere")
    assert prepared[0].path.parent == tmp_path / "elsewhere" / "trex"
    with pytest.raises(SaysoError, match="sayso data prepare trex"):
        TREx().first(1)
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path / "elsewhere"))
    assert len(TREx().first(1)) == 1


def test_progress_is_told_for_what_is_done_and_not_for_what_is_there():
    heard: list[tuple[str, int, int | None]] = []

    def listen(what: str):
        return lambda done, total: heard.append((what, done, total))

    prepare("cvdb", CVDB_FILE, on_progress=listen)
    assert {what for what, _, _ in heard} == {"read paper", "read repaired"}
    size = CVDB_FILE.stat().st_size
    assert heard[-1] == ("read repaired", size, size)
    heard.clear()
    prepare("cvdb", CVDB_FILE, on_progress=listen)
    assert heard == []


def test_a_source_that_is_not_known_is_one_line():
    with pytest.raises(SaysoError, match="no source 'cvbd'; did you mean 'cvdb'"):
        prepare("cvbd")
    assert set(SOURCES) == {"cvdb", "trex"}
