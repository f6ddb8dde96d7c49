"""What is said of machines that are not there: their files, environments and libraries are given."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.learners.specs import HFModel
from sayso.runs.devices import Asked, Device
from sayso.runs.doctor import Checkup, examine
from sayso.runs.surroundings import Folder
from tests.runs.fake_devices import gpus

pytestmark = pytest.mark.usefixtures("no_device_asked")

LOADED = {"torch": "2.13.0", "transformers": "5.24.0", "tokenizers": "0.23", "safetensors": "0.8"}
FINE = Asked(versions=LOADED, built_for="CUDA 12.8")

Examine = Callable[..., Checkup]


def version_of(package: str) -> str:
    """A version of everything that suits."""
    return {"torch": "2.13.0", "transformers": "5.24.0"}.get(package, "9999")


@pytest.fixture
def look(tmp_path) -> Examine:
    """Examine a machine with a GPU's files, whose libraries say what is given; all else is in order."""

    def at(asked: Asked = FINE, experiment: Any = None, *, sign: str | None = "dev/nvidia0", **more: Any) -> Checkup:
        root = tmp_path / f"machine-{sign is None}"
        (root / (sign or "dev")).mkdir(parents=True, exist_ok=True)
        environment = {"HF_HOME": str(tmp_path), "SAYSO_CACHE": str(tmp_path), **more.pop("environment", {})}
        given = {"reach": lambda *_: True, "results": tmp_path / "results", "version": version_of, **more}
        return examine(experiment, root=root, environment=environment, ask=lambda *_: asked, **given)

    return at


def test_where_all_is_there_nothing_is_missing(look, tiny):
    found = look(Asked(versions=LOADED, built_for="CUDA 12.8", devices=gpus(2)))
    assert (found.ready, found.troubles) == (True, [])
    assert [(use.processes, use.training, use.evaluation) for use in found.uses] == [
        (2, "float32", "float32"),
        (2, "bfloat16", "bfloat16"),
    ]
    assert found.uses[0].side_by_side is None


def test_what_an_experiment_would_use_is_how_it_would_be_planned(look, tiny):
    two = Asked(versions=LOADED, built_for="CUDA 12.8", devices=gpus(2))
    (use,) = look(two, tiny, fits=lambda *_: 100).uses
    assert (use.what, use.processes, use.threads, use.side_by_side) == ("tiny", 2, 1, 8)
    (use,) = look(two, tiny, fits=lambda *_: 3).uses
    assert (use.processes, use.side_by_side) == (2, 3)
    (use,) = look(two, tiny.with_settings({"seeds.count": 1}), fits=lambda *_: 3).uses
    assert (use.processes, use.side_by_side) == (1, 1)
    one = HFModel(name="EleutherAI/pythia-70m-deduped", evaluation_precision="fastest")
    (use,) = look(two, tiny.model_copy(update={"model": one})).uses
    assert (use.processes, use.side_by_side, use.training, use.evaluation) == (2, 1, "bfloat16", "bfloat16")
    (use,) = look(FINE, tiny.model_copy(update={"model": one}), sign=None).uses
    assert (use.training, use.evaluation) == ("float32", "bfloat16 if the CPU has it")


def test_a_card_that_emulates_bfloat16_trains_in_float32(look):
    old = Device(0, "0", "Tesla V100", 32 * 10**9, 31 * 10**9, "7.0", bfloat16=False)
    assert look(Asked(versions=LOADED, built_for="CUDA 12.8", devices=(old,))).uses[1].training == "float32"


def said(found: Checkup) -> str:
    (trouble,) = found.troubles
    return f"{trouble.what}: {trouble.helps}"


def test_a_torch_for_cpus_beside_a_gpu_is_named_with_the_command_that_replaces_it(look):
    found = look(Asked(versions={**LOADED, "torch": "2.13.0+cpu"}))
    assert found.ready
    assert said(found).startswith("torch 2.13.0+cpu is built for CPUs alone, and there is a GPU (")
    assert said(found).endswith("pip install --force-reinstall torch==2.13.0 --index-url https://pypi.org/simple")
    assert look(Asked(versions=LOADED), sign=None).troubles == []
    hidden = look(Asked(versions=LOADED), environment={"CUDA_VISIBLE_DEVICES": ""})
    assert (hidden.hidden, hidden.troubles) == (True, [])


def test_the_device_that_is_asked_for_is_what_runs_would_use(look):
    two = Asked(versions=LOADED, built_for="CUDA 12.8", devices=gpus(2))
    passed_over = look(two, environment={"SAYSO_DEVICE": "cpu"})
    assert (passed_over.hidden, passed_over.wanted, passed_over.troubles) == (True, "cpu", [])
    assert passed_over.uses[1].training == "float32"
    lacking = look(Asked(versions=LOADED), sign=None, environment={"SAYSO_DEVICE": "mps"})
    (trouble,) = lacking.troubles
    assert trouble.what == "SAYSO_DEVICE=mps, and torch finds no such device"
    assert (trouble.helps, lacking.ready) == ("the CPU is used; unset SAYSO_DEVICE", True)
    apples = look(Asked(versions=LOADED, mps=True), sign=None, environment={"SAYSO_DEVICE": "mps"})
    assert apples.troubles == []
    with pytest.raises(SaysoError, match="SAYSO_DEVICE is 'tpu'"):
        look(FINE, environment={"SAYSO_DEVICE": "tpu"})


@pytest.mark.parametrize(
    ("trouble", "helps"),
    [
        ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040)", "update NVIDIA's driver"),
        ("RuntimeError: Found no NVIDIA driver on your system", "docker run --gpus all"),
        ("RuntimeError: CUDA unknown error", "nvidia-smi"),
    ],
)
def test_what_keeps_torch_from_a_gpu_is_said(look, trouble, helps):
    found = look(Asked(versions=LOADED, built_for="CUDA 12.8", trouble=trouble))
    assert found.ready
    assert trouble in said(found)
    assert helps in said(found)


def test_a_card_that_this_torch_has_no_code_for_is_left_out(look):
    old = Device(1, "1", "P100", trouble="no kernel image")
    found = look(Asked(versions=LOADED, built_for="CUDA 12.8", devices=(*gpus(1), old)))
    assert said(found) == (
        "torch cannot use GPU 1, P100 (no kernel image): export CUDA_VISIBLE_DEVICES=0 leaves it out"
    )
    assert found.uses[0].processes == 1


def test_packages_that_are_not_there_are_named_with_the_command_that_installs_them(look):
    have = {"transformers": "5.24.0", "tokenizers": "0.23", "safetensors": "0.8", "sentencepiece": "1", "protobuf": "5"}
    none = look(Asked(broken={"torch": "ModuleNotFoundError: No module named 'torch'"}), version=have.get)
    assert not none.ready
    lines = {f"{trouble.what}: {trouble.helps}": trouble.stops for trouble in none.troubles}
    assert lines["not installed: torch: pip install --upgrade 'sayso[train]'"]
    assert any(line.startswith("not installed: altair") and "sayso[report]" in line for line in lines)
    (optional,) = [line for line, stops in lines.items() if not stops]
    assert "peft (lora)" in optional
    assert re.search(r"pip install --upgrade 'sayso\[(\w+,)*lora(,\w+)*\]'$", optional)


def test_libraries_that_do_not_load_are_said(look):
    broken = Asked(versions={"torch": "2.13.0"}, broken={"transformers": "RuntimeError: oh no"}, built_for="CUDA 12.8")
    found = look(broken)
    assert not found.ready
    expected = "transformers does not load (RuntimeError: oh no): pip install --force-reinstall transformers"
    assert said(found) == expected
    found = look(Asked(trouble="a process that looked ended with code -11: without a word"))
    assert not found.ready
    assert "code -11" in said(found)


def test_disks_and_folders_are_looked_at(look, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    found = look(results=tmp_path / "file")
    assert not found.ready
    assert said(found) == f"results cannot be written to {tmp_path / 'file'}: sayso run NAME --out DIR"
    found = look(environment={"SAYSO_CACHE": str(tmp_path / "file" / "below")})
    assert found.ready
    assert said(found).endswith("export SAYSO_CACHE=DIR")

    def little(environment: object, results: Path) -> list[Folder]:
        return [Folder("results", str(results), 10**9, writable=True)]

    monkeypatch.setattr("sayso.runs.doctor.folders", little)
    assert said(look()).startswith("little disk: 1.0 GB left for results")


def test_a_hub_that_does_not_answer_is_said_and_stops_only_who_needs_it(look, tiny):
    found = look(reach=lambda *_: False)
    assert found.ready
    assert "did not answer" in said(found)
    model = HFModel(name="nobody/knows-this")
    experiment = tiny.model_copy(update={"model": model})
    found = look(FINE, experiment, reach=lambda *_: False)
    assert not found.ready
    assert found.troubles[-1].helps == "hf download nobody/knows-this"
    assert look(FINE, experiment).ready  # it is fetched when a run begins


def test_facts_that_are_not_at_hand_are_said(look, tiny, own_cache):
    import sayso

    found = look(FINE, sayso.load("paper-main"), fits=lambda *_: 1)
    assert not found.ready
    (facts,) = [trouble for trouble in found.troubles if trouble.what == "facts are not at hand"]
    assert "sayso data prepare cvdb" in facts.helps


def test_this_machine_is_looked_at_as_it_is(tmp_path):
    found = examine(results=tmp_path, reach=lambda *_: False, environment={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert found.ready
    assert found.machine.cores >= 1
    assert found.versions.keys() >= {"sayso", "python", "torch", "transformers"}
