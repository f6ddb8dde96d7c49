import os

import pytest

from sayso.core.errors import SaysoError
from sayso.learners.known_models import KNOWN_MODELS
from sayso.learners.specs import HFModel
from sayso.runs import processes
from sayso.runs.processes import cores, threads_of, usual_processes

LARGE = HFModel(name="EleutherAI/pythia-2.8b-deduped")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of eight cores without a GPU, and a function that gives it so much free memory (GB) or a GPU."""
    monkeypatch.setattr(processes, "cores", lambda: 8)
    monkeypatch.setattr(processes, "_GPUS", tmp_path / "gpus")
    monkeypatch.setattr(processes, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(processes, "_GROUP", tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def has(*, free: float | None = None, gpu: bool = False) -> None:
        if free is not None:
            lines = f"MemTotal: 999999999 kB\nMemAvailable: {int(free * 1e9 / 1024)} kB\n"
            (tmp_path / "meminfo").write_text(lines, encoding="ascii")
        if gpu:
            (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)

    return has


def test_cores_are_those_this_process_may_use():
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("quota", "share"), [("max 100000", None), ("250000 100000", 3), ("50000 100000", 1)])
def test_a_container_has_its_share_of_cores_and_memory(tmp_path, monkeypatch, quota, share):
    monkeypatch.setattr(processes, "_GROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert cores() == 64
    (tmp_path / "cpu.max").write_text(f"{quota}\n", encoding="ascii")
    assert cores() == (share or 64)
    for left, fits in ((1e9, 1), (3.5 * (20 * KNOWN_MODELS[LARGE.name].parameters + 1e9), 3)):
        (tmp_path / "memory.max").write_text(f"{int(left) + 12345}\n", encoding="ascii")
        (tmp_path / "memory.current").write_text("12345\n", encoding="ascii")
        monkeypatch.setattr(processes, "_GPUS", tmp_path / "none")
        (tmp_path / "meminfo").write_text("MemAvailable: 999999999 kB\n", encoding="ascii")
        monkeypatch.setattr(processes, "_MEMORY", tmp_path / "meminfo")
        assert usual_processes(LARGE) == min(fits, cores())


def test_a_model_that_cannot_be_read_ends_no_run_here(tmp_path, machine):
    machine(free=100.0)
    for text in ("null", '{"model_type": "llama", "hidden_size": "x"}', "{"):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        assert usual_processes(HFModel(name=str(tmp_path))) == 8
    (tmp_path / "cut.gguf").write_bytes(b"GGUF")
    assert usual_processes(HFModel(name=str(tmp_path / "cut.gguf"))) == 8


def test_a_model_that_fills_a_gpu_has_it_alone_unless_told_otherwise(machine, tiny):
    assert usual_processes(LARGE) == usual_processes(tiny.model) == 8
    machine(gpu=True)
    assert usual_processes(LARGE) == 1
    assert usual_processes(tiny.model) == 8


def test_large_models_are_no_more_than_there_is_memory_for(machine, monkeypatch, tiny):
    each = 20 * KNOWN_MODELS[LARGE.name].parameters / 1e9 + 1
    for copies, free in ((1, 1.0), (1, 1.5 * each), (3, 3.5 * each), (8, 100 * each)):
        machine(free=free)
        assert usual_processes(LARGE) == copies
    machine(free=1.0)
    assert usual_processes(tiny.model) == 8

    def unknown(name: str, **_: object) -> None:
        raise SaysoError(f"the size of model '{name}' is not known")

    monkeypatch.setattr(processes, "find_model", unknown)
    assert usual_processes(LARGE) == 8


@pytest.mark.parametrize(("beside", "each"), [(0, 8), (1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_a_large_model_shares_the_cores_with_those_beside_it(machine, tiny, beside, each):
    assert threads_of(LARGE, beside) == each
    assert threads_of(tiny.model, beside) == 1


@pytest.mark.parametrize(("said", "each"), [("1", 1), ("2", 2), ("16", 4), ("0", 4), ("two", 4), ("", 4)])
def test_there_are_no_more_threads_than_the_user_said(machine, monkeypatch, said, each):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads_of(LARGE, 2) == each
