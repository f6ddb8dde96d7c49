"""Which GPUs may be used, with files and child processes that only look like those of a machine that has some."""

import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from sayso.runs.devices import Asked, Device, are_hidden, ask_child, devices, signs_of_gpus

pytestmark = pytest.mark.usefixtures("no_device_asked")

GPUS = ["proc/driver/nvidia/gpus/0000:01:00.0", "dev/nvidia0", "dev/nvidia17", "dev/dxg"]


def never(environment: Mapping[str, str], request: Mapping[str, JsonValue]) -> Asked:
    raise AssertionError("no process is begun")


def two(environment: Mapping[str, str], request: Mapping[str, JsonValue]) -> Asked:
    return Asked(devices=(Device(0, "0", "H100"), Device(1, "1", "P100", trouble="no kernel image")))


@pytest.mark.parametrize("sign", GPUS)
def test_torch_is_asked_where_something_says_that_there_is_a_gpu(sign, tmp_path):
    assert signs_of_gpus(tmp_path) == []
    assert devices(tmp_path, {}, never) == Asked()
    (tmp_path / sign).mkdir(parents=True)
    assert signs_of_gpus(tmp_path) == [str(tmp_path / sign)]
    assert [device.name for device in devices(tmp_path, {}, two).usable] == ["H100"]


@pytest.mark.parametrize("other", ["dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia-caps/nvidia-cap1", "proc/driver/rtc"])
def test_other_files_of_a_driver_are_no_gpu(other, tmp_path):
    (tmp_path / other).mkdir(parents=True)
    assert devices(tmp_path, {}, never) == Asked()


@pytest.mark.parametrize(
    ("said", "hidden"),
    [("", True), (" ", True), ("-1", True), ("-1,0", True), ("0", False), ("0,-1", False), ("GPU-1f3c", False)],
)
def test_gpus_that_the_user_hides_are_not_asked_for(said, hidden, tmp_path):
    (tmp_path / "dev/nvidia0").mkdir(parents=True)
    assert are_hidden({"CUDA_VISIBLE_DEVICES": said}) == hidden
    assert not are_hidden({})
    found = devices(tmp_path, {"CUDA_VISIBLE_DEVICES": said}, never if hidden else two)
    assert bool(found.devices) == (not hidden)


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Instead of Python a script is begun, which has `$CUDA_VISIBLE_DEVICES` and its request on standard input."""

    def runs(script: str) -> None:
        path = tmp_path / "fake-python"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))

    return runs


def answer(devices: int, **more: object) -> str:
    found = [{"name": f"card {number}", "memory": 10, "free": 9} for number in range(devices)]
    return f"echo library says hello; echo '{json.dumps({'devices': found, **more})}'"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (None, ["0", "1"]),
        ("3,1", ["3", "1"]),
        ("2, 0,-1,1", ["2", "0"]),
        ("GPU-8f3e,GPU-77aa", ["GPU-8f3e", "GPU-77aa"]),
        ("MIG-11,MIG-22", ["MIG-11", "MIG-22"]),
    ],
)
def test_devices_are_called_what_the_user_called_them(said, names, child):
    child(answer(2))
    found = ask_child({} if said is None else {"CUDA_VISIBLE_DEVICES": said}, {})
    assert [device.visible for device in found.usable] == names
    assert [device.number for device in found.usable] == [0, 1]
    assert found.devices[1].name == "card 1"


def test_the_child_is_told_what_is_requested_in_the_environment_given(child):
    child('read line; echo "{\\"devices\\": [], \\"trouble\\": \\"$CUDA_VISIBLE_DEVICES\\", \\"versions\\": $line}"')
    found = ask_child({"CUDA_VISIBLE_DEVICES": "7"}, {"a": "b"})
    assert (found.trouble, found.versions) == ("7", {"a": "b"})


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo oh no >&2; exit 7", "ended with code 7: oh no"),
        ("kill -9 $$", "ended with code -9: without a word"),
        ("echo '{'; exit 0", "ended with code 0: without a word"),
    ],
)
def test_whatever_becomes_of_the_child_is_an_answer(script, said, child):
    child(script)
    found = ask_child({}, {})
    assert found.usable == ()
    assert (found.trouble or "").endswith(said)


def test_a_child_that_hangs_is_not_waited_for_long(child):
    child("sleep 600")
    start = time.monotonic()
    assert ask_child({"PATH": os.environ["PATH"]}, {}, wait_s=0.3).trouble == "torch had not loaded after 0.3 s"
    assert time.monotonic() - start < 30


def test_a_python_that_is_not_there_is_an_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert ask_child({}, {}).trouble == "no process could be begun: No such file or directory"


#: A torch for a GPU that it cannot use, for one of its two, or that does not load.
TORCHES = {
    "old driver": """
class cuda:
    def init(): raise RuntimeError("The NVIDIA driver on your system is too old\\n(found version 11040)")
""",
    "one of two": """
class Properties:
    name, total_memory, major, minor = "H100", 85, 9, 0
class cuda:
    init = lambda: None
    device_count = lambda: 2
    get_device_properties = lambda number: Properties
    mem_get_info = lambda: (80, 85)
    is_bf16_supported = lambda including_emulation: not including_emulation
    class device:
        def __init__(self, number): cuda.number = number
        __enter__ = __exit__ = lambda *_: None
class ones:
    def __init__(self, *_, device): assert device == "cuda"
    def add_(self, _): return self
    def item(self):
        if cuda.number: raise RuntimeError("no kernel image is available")
""",
    "broken": "raise OSError('libcudart.so.12: cannot open shared object file')",
    "dies": "import os; os.kill(os.getpid(), 9)",
    "for CPUs": "version.cuda = None",
}


@pytest.fixture
def with_torch(tmp_path):
    """An environment in which a torch of the tests is found first."""

    def environment(name: str) -> dict[str, str]:
        begins = "print('a library says hello')\n__version__ = '2.13.0'\nclass version: cuda, hip = '12.8', None\n"
        (tmp_path / "torch.py").write_text(begins + TORCHES[name], encoding="utf-8")
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    return environment


def test_the_child_says_what_keeps_torch_from_a_gpu(with_torch):
    found = ask_child(with_torch("old driver"), {})
    assert found.trouble == "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)"
    assert (found.versions, found.built_for, found.devices) == ({"torch": "2.13.0"}, "CUDA 12.8", ())
    found = ask_child(with_torch("one of two"), {})
    assert found.usable == (Device(0, "0", "H100", 85, 80, "9.0", bfloat16=True),)
    assert found.devices[1].trouble == "RuntimeError: no kernel image is available"
    found = ask_child(with_torch("broken"), {})
    assert found.broken == {"torch": "OSError: libcudart.so.12: cannot open shared object file"}
    assert (found.devices, found.trouble) == ((), None)
    assert (ask_child(with_torch("dies"), {}).trouble or "").startswith("a process that looked ended with code -9")
    assert ask_child(with_torch("for CPUs"), {}).built_for is None


def test_the_libraries_of_training_load_here():
    found = ask_child({**os.environ, "CUDA_VISIBLE_DEVICES": ""}, {"libraries": True})
    assert found.versions.keys() == {"torch", "transformers", "tokenizers", "safetensors"}
    assert found.broken == {}
    assert found.devices == ()


def test_asking_leaves_this_process_light(fresh_python, tmp_path: Path):
    (tmp_path / "dev/nvidia0").mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from sayso.runs.devices import devices\n"
        f"devices(Path({str(tmp_path)!r})); print('torch' in sys.modules)"
    )
    assert fresh_python(code) == "False\n"
