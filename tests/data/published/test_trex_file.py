from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.data.published.cache import cache_folder, prepare_file, read
from sayso.data.published.trex import triples
from sayso.data.published.trex_file import documents
from sayso.data.tables import json_items
from tests.data.files.make import TREX_FILE, trex_files, write_zip

FILES = {name: json.dumps(documents) for name, documents in trex_files().items()}


def rows(file: Path) -> list[tuple[str, str, str]]:
    return [tuple(row.values()) for row in read(prepare_file(triples(), file)).to_pylist()]


def refused(file: Path) -> str:
    with pytest.raises(SaysoError) as caught:
        prepare_file(triples(), file)
    assert not list(cache_folder().rglob("*.part"))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{file}: ")
    return message


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    file = folder / "mine.zip"
    write_zip(file, dict(files))
    return file


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    items=st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=5),
    chunk=st.integers(1, 60),
    indent=st.none() | st.integers(0, 2),
    ascii_only=st.booleans(),
    cut=st.floats(0, 1, exclude_max=True),
)
def test_documents_are_those_of_the_array_however_it_is_cut_into_chunks(items, chunk, indent, ascii_only, cut):
    text = json.dumps(items, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    with mock.patch.object(json_items, "CHUNK", chunk):
        found = list(documents("x", io.BytesIO(data)))
        assert [item for _, item in found] == items
        assert all(text[end - 1] == "}" for end, _ in found)
        with pytest.raises(SaysoError, match=r"x: (JSON breaks at character|not UTF-8)"):
            list(documents("x", io.BytesIO(data[: int(len(data) * cut)])))


def test_an_item_that_broke_long_ago_is_not_read_to_the_end_of_the_file():
    read: list[int] = []

    class Heard(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            found = super().read1(size)
            read.append(len(found))
            return found

    data = Heard(b'[{"a": oops}' + b" " * 1_000_000)
    small = mock.patch.multiple(json_items, CHUNK=100, LONGEST=1000)
    with small, pytest.raises(SaysoError, match="JSON breaks at character 7: Expecting value"):
        list(documents("x", data))
    assert 1000 < sum(read) < 20_000


def document(*told: tuple[str, str, str]) -> dict[str, object]:
    return {
        "triples": [
            {"subject": {"surfaceform": s}, "predicate": {"uri": f"x/{p}"}, "object": {"surfaceform": o}}
            for s, p, o in told
        ]
    }


BOOK = [("Book", "P50", "Ann Bee"), ("Book", "P577", "1920"), ("Book", "P136", "satire"), ("Book", "P840", "Rome")]


def test_triples_come_in_the_order_of_the_numbers_in_file_names_whatever_that_of_the_zip(tmp_path):
    numbered = {"a/re-nlg_100-200.json": 2, "a/re-nlg_20-30.json": 1, "a/re-nlg_0-20.json": 0, "__MACOSX/x.json": 9}
    files = {
        name: json.dumps([document(*((f"{s}{number}", p, o) for s, p, o in BOOK))]) for name, number in numbered.items()
    }
    for order in (files, dict(reversed(files.items()))):
        assert [subject for subject, _, _ in rows(written(tmp_path, order))[::4]] == ["Book0", "Book1", "Book2"]


def test_a_subject_told_of_in_several_files_is_one_and_each_triple_is_kept_once(tmp_path):
    files = {
        "re-nlg_0-1.json": json.dumps([document(*BOOK[:2]), document(*BOOK[:1])]),
        "re-nlg_1-2.json": json.dumps([document(*BOOK[1:])]),
    }
    assert rows(written(tmp_path, files)) == BOOK


def test_what_is_no_use_is_left_out(tmp_path):
    more = [
        ("She", "P50", "Ann Bee"), ("She", "P577", "1920"), ("She", "P136", "satire"), ("She", "P840", "Rome"),
        ("Rome", "P36", "Rome"),
        ("Seldom", "P50", "Cid Dee"),
        ("Languages", "P407", "Latin"), ("Languages", "P364", "Greek"), ("Languages", "P577", "1920"),
        ("Languages", "P136", "satire"),
    ]  # fmt: skip
    file = written(tmp_path, {"re-nlg_0-1.json": json.dumps([document(*more, *BOOK)])})
    assert rows(file) == BOOK
    counts = prepare_file(triples(), file).counts
    assert counts["triples"] == len(more) + len(BOOK)
    assert counts["dropped for a pronoun or an empty name"] == 4
    assert counts["dropped for another predicate"] == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_zip_is_one_line(tmp_path, share):
    data = TREX_FILE.read_bytes()
    file = tmp_path / "cut.zip"
    file.write_bytes(data[: int(len(data) * share)])
    assert "not a whole zip file" in refused(file)


def test_a_damaged_zip_names_the_file_inside(tmp_path):
    with zipfile.ZipFile(TREX_FILE) as archive:
        start = archive.getinfo("re-nlg_0-10000.json").header_offset
    data = bytearray(TREX_FILE.read_bytes())
    data[start + 1000] ^= 0xFF
    file = tmp_path / "damaged.zip"
    file.write_bytes(bytes(data))
    assert "re-nlg_0-10000.json" in refused(file)


def test_json_that_breaks_in_the_middle_of_the_third_file_names_it_and_where(tmp_path):
    third = FILES["re-nlg_100000-110000.json"]
    place = third.index('"predicate"', len(third) // 2)
    message = refused(written(tmp_path, {**FILES, "re-nlg_100000-110000.json": third[:place] + "?" + third[place:]}))
    assert f"re-nlg_100000-110000.json: JSON breaks at character {place}: Expecting property name" in message


def test_json_that_ends_too_early_names_the_file(tmp_path):
    third = FILES["re-nlg_100000-110000.json"]
    message = refused(written(tmp_path, {**FILES, "re-nlg_100000-110000.json": third[: len(third) // 2]}))
    assert "re-nlg_100000-110000.json: JSON breaks at character " in message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"readme.txt": "x"}, ["holds no .json file"]),
        ({"re-nlg_0-1.json": '{"triples": []}'}, ["re-nlg_0-1.json", "where an array"]),
        ({"re-nlg_0-1.json": "[]"}, ["no subject with 4 different questions", "0 triples"]),
        (
            {"re-nlg_0-1.json": '[{"triples": [{"subject": "x"}]}]'},
            ["re-nlg_0-1.json: the document that ends", "'surfaceform'"],
        ),
        ({"re-nlg_0-1.json": "[3]"}, ["re-nlg_0-1.json: the document that ends", "lacks 'triples'"]),
        ({"re-nlg_0-1.json": "[] []"}, ["the array has ended, yet more follows"]),
        ({"re-nlg_0-1.json": '[{"triples": []} {}]'}, ["JSON breaks at character 17", "Expecting ','"]),
        ({"re-nlg_0-1.json": ""}, ["where an array"]),
        ({"re-nlg_0-1.json": b'["\xe9"]'}, ["not UTF-8"]),
    ],
)
def test_a_zip_of_another_form_is_one_line(tmp_path, files, words):
    message = refused(written(tmp_path, files))
    assert all(word in message for word in words), message


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "absent.zip")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's record of a process's peak memory")
def test_a_large_file_is_never_whole_in_memory(tmp_path, fresh_python):
    """Forty megabytes of JSON in one file are read with a few more megabytes of memory than a small one."""
    peaks = []
    for copies in (1, 400):
        filler = {"text": "lorem ipsum " * 8000, **document(*[("Rome", "P36", "Rome")] * 20)}
        text = "[" + ",".join([json.dumps(document(*BOOK))] + [json.dumps(filler)] * copies) + "]"
        file = tmp_path / f"large-{copies}.zip"
        write_zip(file, {"re-nlg_0-1.json": text})
        code = (
            "import re\nfrom pathlib import Path\n"
            "from sayso.data.published.cache import prepare_file\nfrom sayso.data.published.trex import triples\n"
            f"assert prepare_file(triples(), Path({str(file)!r})).counts['subjects kept'] == 1\n"
            "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
        )
        peaks.append(int(fresh_python(code)) / 1024)
    assert len(text) > 38e6
    assert peaks[1] - peaks[0] < 15, peaks
