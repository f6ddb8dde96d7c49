import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.records import Record, to_line
from sayso.runs.recorded import Reached, Recorded
from tests.core.written import record


def write(path: Path, records: Iterable[Record]) -> None:
    with path.open("ab") as file:
        file.write("".join(map(to_line, records)).encode())


def nested(seed: int, stage2_seed: int, value: float) -> Record:
    return Record("tiny", "main", seed, "stage2", 1, "exact_match", "validation", "QA3", value, 10, stage2_seed)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.jsonl"


def test_what_is_not_there_is_nothing(path):
    recorded = Recorded(path)
    assert not recorded.look()
    assert (recorded.reached, recorded.means()) == (None, {})


def test_scores_are_means_over_seeds_of_means_over_stage2_seeds(path):
    write(path, [nested(1, 0, 0.2), nested(1, 1, 0.4), nested(2, 0, 0.9), nested(2, 1, float("nan"))])
    recorded = Recorded(path)
    assert recorded.look()
    ((point, (total, seeds)),) = recorded.means().items()
    assert point == ("stage2", 1, "QA3")
    assert total == pytest.approx(0.3 + 0.9)
    assert seeds == 2
    assert recorded.reached == Reached("stage2", 1, 1)


def test_only_exact_match_on_questions_counts(path):
    others = [
        Record("tiny", "main", 1, "stage1", 2, "loss", "validation", "QA3", 3.0, 10),
        Record("tiny", "main", 1, "stage1", 2, "exact_match", "entity_attribution.who", "QA3", 0.1, 10),
        Record("tiny", "main", 1, "stage1", 2, "exact_match_by_entity", "validation", "QA3", 0.1, 10, 0, "Cleopatra"),
    ]
    write(path, [record(epoch=2), *others])
    recorded = Recorded(path)
    recorded.look()
    assert recorded.means() == {("stage1", 2, "QA3"): (0.5, 1)}


def test_a_look_reads_only_what_was_added_since(path, monkeypatch):
    write(path, [record(epoch=0, value=0.1)])
    recorded = Recorded(path)
    recorded.look()
    first = path.stat().st_size
    assert not recorded.look()
    taken: list[bytes] = []
    take = recorded._take

    def note(lines: bytes) -> None:
        taken.append(lines)
        take(lines)

    monkeypatch.setattr(recorded, "_take", note)
    write(path, [record(epoch=1, value=0.2)])
    assert recorded.look()
    assert taken == [path.read_bytes()[first:]]
    assert recorded.means() == {("stage1", 0, "QA3"): (0.1, 1), ("stage1", 1, "QA3"): (0.2, 1)}


def test_a_line_counts_when_it_is_whole(path):
    line = to_line(record(epoch=3)).encode()
    path.write_bytes(line[:20])
    recorded = Recorded(path)
    recorded.look()
    assert recorded.reached is None
    with path.open("ab") as file:
        file.write(line[20:])
    recorded.look()
    assert recorded.reached == Reached("stage1", 0, 3)


@pytest.mark.parametrize("grown", [False, True])
def test_a_file_that_was_cut_back_is_read_anew(path, grown):
    write(path, [record(epoch=epoch, value=0.1) for epoch in range(3)])
    recorded = Recorded(path)
    recorded.look()
    length = path.stat().st_size
    os.truncate(path, length // 3)
    write(path, [record(epoch=1, value=0.25)] * 1 + [record(epoch=2, value=0.375)] * grown)
    assert recorded.look()
    anew = Recorded(path)
    anew.look()
    assert recorded.means() == anew.means()
    assert recorded.means()["stage1", 1, "QA3"] == (0.25, 1)
    assert recorded.reached == Reached("stage1", 0, 2 if grown else 1)


def test_a_file_is_the_same_however_it_is_cut_in_pieces(path, monkeypatch):
    write(path, [record(seed, epoch, seed / 8, subset=name) for epoch in range(4) for seed in (1, 2) for name in "AB"])
    whole, cut = Recorded(path), Recorded(path)
    whole.look()
    monkeypatch.setattr("sayso.core.appended._CHUNK", 200)
    cut.look()
    assert cut.means() == whole.means()
    assert len(whole.means()) == 8


def test_a_file_that_is_gone_is_forgotten(path):
    write(path, [record()])
    recorded = Recorded(path)
    recorded.look()
    path.unlink()
    assert recorded.look()
    assert recorded.means() == {}
    assert not recorded.look()


@pytest.mark.parametrize("line", [b"\0\0\0\n", b"[1, 2]\n", b"{}\n", b'["exact_match", "validation", 3]\n'])
def test_a_line_that_is_no_record_is_an_error_that_names_the_file(path, line):
    path.write_bytes(line)
    with pytest.raises(SaysoError, match=r"records\.jsonl: holds a line that is no record") as caught:
        Recorded(path).look()
    assert "\n" not in str(caught.value)
