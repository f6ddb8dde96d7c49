import errno
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.learners import checkpoint as module
from sayso.learners.checkpoint import Checkpoints

BESIDE = pytest.mark.parametrize("beside", [False, True])


def weights(scale: float = 1.0, width: int = 3) -> dict[str, Tensor]:
    return {"matrix": scale * torch.arange(4.0 * width).view(4, width), "vector": scale * torch.ones(7)}


def optimizer_state() -> dict[str, Any]:
    return {
        "state": {0: {"step": torch.tensor(3.0), "row": torch.ones(4)}},
        "param_groups": [{"lr": 0.1, "params": [0]}],
    }


@BESIDE
def test_what_was_saved_comes_back(beside, tmp_path):
    Checkpoints([3, 4], weights(2.0), beside=beside).save(tmp_path / "state", optimizer_state(), {"rows": 5}).result()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    own = weights()
    state, extra = Checkpoints([3, 4], own, beside=beside).load(tmp_path / "state")
    assert all(torch.equal(tensor, weights(2.0)[name]) for name, tensor in own.items())
    assert state is not None
    assert torch.equal(state["state"][0]["row"], torch.ones(4))
    assert state["param_groups"] == [{"lr": 0.1, "params": [0]}]
    assert extra == {"rows": 5}


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that writes nothing until it is told to."""
    go = threading.Event()
    write = module._write

    def waits(path: Path, state: dict[str, Any]) -> None:
        assert go.wait(10)
        write(path, state)

    monkeypatch.setattr(module, "_write", waits)
    yield go
    go.set()


def test_written_beside_training_it_is_the_state_at_the_time_of_the_call(tmp_path, slow_disk):
    own, state = weights(), optimizer_state()
    checkpoints = Checkpoints([3], own, beside=True)
    future = checkpoints.save(tmp_path / "state", state, {})
    own["matrix"].zero_()
    state["state"][0]["row"].zero_()
    assert not future.done()
    assert not (tmp_path / "state").exists()
    slow_disk.set()
    future.result(10)
    found, _ = checkpoints.load(tmp_path / "state")
    assert found is not None
    assert torch.equal(own["matrix"], weights()["matrix"])
    assert torch.equal(found["state"][0]["row"], torch.ones(4))


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "text", "other"])
def test_a_damaged_file_is_one_line(damage, tmp_path):
    checkpoints = Checkpoints([3], weights(), beside=False)
    path = tmp_path / damage
    checkpoints.save(path, None, {})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "missing":
        path.unlink()
    elif damage == "other":
        torch.save([1, 2], path)
    else:
        path.write_bytes(b"" if damage == "empty" else b"no checkpoint at all")
    with pytest.raises(SaysoError, match=f"^{path}: not a readable checkpoint; delete its folder") as caught:
        checkpoints.load(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_code_is_not_read(tmp_path):
    class Runs:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"seeds": [3], "weights": {}, "optimizer": Runs()}, tmp_path / "state")
    with pytest.raises(SaysoError, match="not a readable checkpoint"):
        Checkpoints([3], weights(), beside=False).load(tmp_path / "state")
    assert not (tmp_path / "made").exists()


def test_checkpoints_of_others_are_told_apart_and_change_nothing(tmp_path):
    path = tmp_path / "state"
    Checkpoints([3, 4], weights(2.0), beside=False).save(path, None, {})
    own, wide = weights(), weights(width=5)
    with pytest.raises(SaysoError, match=r"a checkpoint of seeds \[3, 4\], where \[4, 3\] are trained"):
        Checkpoints([4, 3], own, beside=False).load(path)
    for other in (wide, {**weights(), "more": torch.ones(1)}, {"vector": torch.ones(7)}):
        with pytest.raises(SaysoError, match="a checkpoint of another model"):
            Checkpoints([3, 4], other, beside=False).load(path)
    torch.save({"seeds": [3, 4], "weights": weights(), "optimizer": None}, path)
    with pytest.raises(SaysoError, match="a checkpoint of another version of sayso"):
        Checkpoints([3, 4], own, beside=False).load(path)
    assert torch.equal(own["matrix"], weights()["matrix"])


@BESIDE
@pytest.mark.parametrize("fails", ["small", "large", "fsync"])
def test_a_disk_that_takes_no_more_says_why_and_leaves_nothing(fails, beside, tmp_path, monkeypatch):
    checkpoints = Checkpoints([3], {"matrix": torch.zeros(1_000_000)}, beside=beside)
    checkpoints.save(tmp_path / "state", None, {}).result()
    before = (tmp_path / "state").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    expected = errno.EFBIG
    try:
        if fails == "fsync":
            expected = errno.ENOSPC

            def full(_: int) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(os, "fsync", full)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100 if fails == "small" else 100_000, limit[1]))
        with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at
            checkpoints.save(tmp_path / "state", None, {}).result()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert caught.value.errno == expected
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (tmp_path / "state").read_bytes() == before
    monkeypatch.undo()
    checkpoints.save(tmp_path / "state", None, {}).result()  # one that failed does not stop the next


def test_file_and_folder_are_on_the_disk_before_it_is_said(tmp_path, monkeypatch):
    order: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted(number: int) -> None:
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{number}") else "file")
        sync(number)

    def moved(path: Path, target: Path) -> Path:
        order.append("moved")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", moved)
    Checkpoints([3], weights(), beside=False).save(tmp_path / "state", None, {})
    assert order == ["file", "moved", "folder"]
