"""A file that grows, and is cut back, is read as if it were read whole at each look."""

import random
from pathlib import Path

import pytest

from sayso.core import appended
from sayso.core.appended import Appended


@pytest.mark.parametrize("chunk", [7, 1 << 22])
def test_what_was_read_is_what_is_there_whatever_was_appended_and_cut(tmp_path: Path, monkeypatch, chunk):
    monkeypatch.setattr(appended, "_CHUNK", chunk)
    rng, path, there, seen = random.Random(0), tmp_path / "a.jsonl", b"", b""
    path.write_bytes(b"")
    file = Appended(path)
    for step in range(300):
        if rng.random() < 0.2:
            there = there[: rng.randrange(len(there) + 1)].rpartition(b"\n")[0]
            there += b"\n" if there else b""
        there += b"".join(b"%d%c" % (step % 10, rng.choice(b"x\n")) for _ in range(rng.randrange(5)))
        if rng.random() < 0.5:
            there = there[: there.rfind(b"\n") + 1]
        path.write_bytes(there)
        for lines in file.more():
            seen = seen + lines if lines else b""
            assert lines.endswith(b"\n") or not lines
        if chunk > 100:
            assert seen == there[: there.rfind(b"\n") + 1], step


def test_a_file_that_is_not_there_is_an_error_of_the_reader(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        list(Appended(tmp_path / "none").more())
