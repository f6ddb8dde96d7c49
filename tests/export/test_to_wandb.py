"""What wandb keeps of runs, read from its own files: a log of blocks, as LevelDB has it, of protocol buffers."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from sayso import Results
from sayso.core.store import Store
from sayso.export.to_wandb import mode
from tests.export.written import BEGAN, FINISHED, begin, records_of

pytest.importorskip("wandb")

_BLOCK, _HEAD = 32768, 7


def logged(path: Path):
    """All records of a file."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, parts = path.read_bytes(), _HEAD, b""
    assert content[:4] == b":W&B"
    while at + _HEAD <= len(content):
        if _BLOCK - at % _BLOCK < _HEAD:  # too little room for another
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + _HEAD])
        parts += content[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length
        if kind in (1, 4):  # whole, or the last part
            found = Record()
            found.ParseFromString(parts)
            yield found
            parts = b""


def rows(path: Path) -> list[dict[str, Any]]:
    return [
        {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in each.history.item}
        for each in logged(path)
        if each.WhichOneof("record_type") == "history"
    ]


@pytest.fixture(autouse=True)
def no_account(monkeypatch, tmp_path):
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_PROJECT", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_runs_are_kept_on_disk_and_nothing_twice(tiny, tmp_path):
    store, out = Store(tmp_path / "results"), tmp_path / "wandb"
    folder, records = begin(store, "a", (1,), tiny), records_of(tiny, 1)
    folder.append(records[:400])
    first = Results(store.path).to_wandb(out)
    assert Results(store.path).to_wandb(out).values == 0
    folder.append(records[400:])
    folder.finish(FINISHED)
    second = Results(store.path).to_wandb(out)
    assert first.values > 0 < second.values
    before, after = sorted(out.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns)
    assert before.name == after.name  # one run
    found = rows(before) + rows(after)
    assert [row["_step"] for row in found] == list(range(len(found)))
    values = {(tag, row["epoch"]): value for row in found for tag, value in row.items() if tag.count("/") == 2}
    assert len(values) == first.values + second.values
    wanted = {
        (f"{each.measure}/{each.eval_set}/{each.subset}", each.epoch + (1 if each.stage == "stage1" else 5)): each.value
        for each in records
        if each.stage == "stage1" or each.epoch > 0
    }
    assert values == wanted
    (run,) = (each.run for each in logged(after) if each.WhichOneof("record_type") == "run")
    assert (run.display_name, run.run_group, run.project) == ("main, seed 1", "tiny", "sayso")
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["settings"]["train"]["learning_rate"] == tiny.train.learning_rate
    assert (config["seed"], config["cell"], config["digest"]) == (1, "main", tiny.digest())
    assert BEGAN.startswith("2024-05-01")
    assert {int(row["_timestamp"]) // 86400 for row in rows(after)} == {19844}  # days since 1970 to 2024-05-01


def test_nothing_is_sent_unless_there_is_a_key(monkeypatch, tmp_path):
    assert mode() == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert mode() == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode() == "disabled"
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.wandb.ai\n  login user\n  password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    assert mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert mode() == "offline"
