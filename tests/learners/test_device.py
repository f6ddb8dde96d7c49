"""Which device a process computes on: asked for, found or not, without any of them here but the CPU."""

import logging

import numpy as np
import pytest
import torch

from sayso.core.device_asked import DEVICE, device_asked
from sayso.core.errors import SaysoError
from sayso.learners import device as devices
from sayso.learners.device import carried, device_here, wide, widest
from sayso.learners.memory import Fitting, again, one_line, ran_out


@pytest.fixture(autouse=True)
def said_anew() -> None:
    devices._say_missing.cache_clear()


def finds(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in kinds)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in kinds)


@pytest.mark.parametrize(
    ("said", "there", "device"),
    [
        (None, (), "cpu"),
        (None, ("cuda",), "cuda"),
        (None, ("mps",), "cpu"),  # it has not been tried on one: it is used by whoever asks for it
        ("auto", ("cuda", "mps"), "cuda"),
        ("cpu", ("cuda", "mps"), "cpu"),
        ("MPS ", ("mps",), "mps"),
        ("cuda", ("cuda",), "cuda"),
        ("", ("cuda",), "cuda"),
    ],
)
def test_what_is_asked_for_and_there_is_used(
    said: str | None, there: tuple[str, ...], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, *there)
    monkeypatch.delenv(DEVICE, raising=False)
    if said is not None:
        monkeypatch.setenv(DEVICE, said)
    assert device_here().type == device


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_what_is_not_there_is_said_once_and_the_cpu_used(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    finds(monkeypatch)
    monkeypatch.setenv(DEVICE, kind)
    with caplog.at_level(logging.WARNING, "sayso"):
        assert [device_here().type, device_here().type] == ["cpu", "cpu"]
    (line,) = caplog.messages
    assert line.startswith(f"SAYSO_DEVICE={kind}, and torch ")
    assert line.endswith("computing on the CPU")


def test_what_is_no_device_is_an_error() -> None:
    with pytest.raises(SaysoError, match="SAYSO_DEVICE is 'gpu'; set it to auto, cpu, cuda or mps"):
        device_asked({DEVICE: "gpu"})


def test_apples_gpus_have_no_float64() -> None:
    assert widest(torch.device("mps")) == torch.float32
    assert {widest(torch.device(kind)) for kind in ("cpu", "cuda")} == {torch.float64}
    assert wide(torch.ones(2)).dtype == torch.float64


def test_numbers_go_where_they_are_sent_whatever_the_default_device() -> None:
    with torch.device("meta"):
        found = carried(np.arange(6).reshape(2, 3)[:, ::2], torch.device("cpu"))
    assert found.tolist() == [[0, 2], [3, 5]]


def test_memory_that_runs_out_on_apples_gpu_is_met_as_on_others() -> None:
    words = "MPS backend out of memory (MPS allocated: 9.07 GB). Tried to allocate 1 GB on private pool."
    assert ran_out(RuntimeError(words))
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory"))
    assert not ran_out(RuntimeError("shapes do not fit"))
    tried = []

    def work(most: int | None) -> int | None:
        tried.append(most)
        if most is None or most > 2:
            raise RuntimeError(words)
        return most

    assert Fitting(None, "evaluation", "a smaller model").run(work, 8) == 2
    assert tried == [None, 4, 2]
    with pytest.raises(SaysoError, match="too large"), one_line("too large"):
        raise RuntimeError(words)
    with pytest.raises(RuntimeError, match="shapes"), one_line("too large"):
        raise RuntimeError("shapes do not fit")
    with pytest.raises(RuntimeError, match="shapes"):
        again(work_that_fails)


def work_that_fails() -> None:
    raise RuntimeError("shapes do not fit")
