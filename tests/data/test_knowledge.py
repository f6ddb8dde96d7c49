import gzip
import shutil

import pytest

from sayso.core.errors import SaysoError
from sayso.data.knowledge import knowledge_of
from sayso.data.published.cvdb import CVDB
from sayso.data.published.trex import TREx
from sayso.data.tables.table import Table
from tests.data.files.make import CVDB_FILE, FOLDER, TREX_FILE


def test_names_mean_what_was_prepared():
    assert knowledge_of("cvdb") == CVDB()
    assert knowledge_of("trex") == TREx()


def test_files_are_known_by_their_ends_and_columns(tmp_path):
    plain = tmp_path / "plain.csv"
    plain.write_bytes(gzip.decompress(CVDB_FILE.read_bytes()))
    assert knowledge_of(CVDB_FILE) == CVDB(file=str(CVDB_FILE))
    assert knowledge_of(plain) == CVDB(file=str(plain))
    assert knowledge_of(TREX_FILE) == TREx(file=str(TREX_FILE))
    countries = FOLDER / "countries.csv"
    assert knowledge_of(countries) == Table(file=str(countries))
    for suffix in (".jsonl", ".parquet"):
        other = tmp_path / f"mine{suffix}"
        shutil.copy(countries, other)
        assert knowledge_of(other) == Table(file=str(other))


def test_a_folder_is_not_said_to_be_missing(tmp_path):
    with pytest.raises(SaysoError, match="is a folder; facts are cvdb, trex, or a file"):
        knowledge_of(tmp_path)


def test_a_cvdb_file_that_lacks_a_column_is_told_apart_from_a_table(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_bytes(gzip.decompress(CVDB_FILE.read_bytes()).replace(b"un_region", b"region", 1))
    with pytest.raises(SaysoError, match="no column 'un_region'"):
        knowledge_of(file).first(2)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "no such file"),
        ("mine.doc", b"name\n", "not a kind of file that holds facts"),
        ("cut.csv.gz", CVDB_FILE.read_bytes()[:30], "truncated or damaged"),
        ("other.csv.gz", b"\x1f\x8bnothing of the kind", "truncated or damaged"),
    ],
)
def test_what_is_no_knowledge_is_one_line(tmp_path, name, content, words):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SaysoError, match=words) as caught:
        knowledge_of(file)
    assert "\n" not in str(caught.value)


def test_a_table_that_excel_wrote_is_a_table_whatever_marks_its_beginning(tmp_path):
    file = tmp_path / "excel.csv"
    file.write_text("name,birth\nAda,1815\n", encoding="utf-8-sig")
    (ada,) = knowledge_of(file).first()
    assert ada.name == "Ada"
    file.write_text("name,wiki_readers_2015_2018\nAda,1\n", encoding="utf-8-sig")
    assert type(knowledge_of(file)).__name__ == "CVDB"
