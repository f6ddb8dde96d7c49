"""The shipped files are those that the script beside them makes."""

import gzip
import json
import zipfile

from tests.data.files import make


def test_the_cvdb_like_file_is_what_the_script_makes():
    lines = gzip.decompress(make.CVDB_FILE.read_bytes()).split(b"\n")
    assert lines == [*make.cvdb_lines(), b""]
    assert len(make.CVDB_COLUMNS) == len(set(make.CVDB_COLUMNS)) == 49


def test_the_trex_like_file_is_what_the_script_makes():
    with zipfile.ZipFile(make.TREX_FILE) as archive:
        found = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert found == make.trex_files()
    assert len(found) == 3


def test_the_cvdb_like_file_is_in_two_encodings():
    kinds = set()
    for line in gzip.decompress(make.CVDB_FILE.read_bytes()).split(b"\n"):
        try:
            kinds.add("utf-8" if not line.decode("utf-8").isascii() else "ascii")
        except UnicodeDecodeError:
            kinds.add("latin-1")
    assert kinds == {"ascii", "utf-8", "latin-1"}
