import json
import os
import re
import sys
from pathlib import Path

import pytest

from sayso.cli.doctor_page import doctor_data, doctor_page
from sayso.cli.terminal import console
from sayso.runs.devices import Asked, Device
from sayso.runs.doctor import examine
from tests.cli.calling import call, error_of, process
from tests.runs.fake_devices import gpus

pytestmark = pytest.mark.usefixtures("no_device_asked")


def test_the_page_has_about_ten_lines_and_says_that_runs_can_be_done(tmp_path: Path) -> None:
    done = process(["doctor"], tmp_path, {"HF_HUB_OFFLINE": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert 8 <= len(lines) <= 12
    assert re.match(r"versions +sayso .*, python .*, torch .*, transformers ", lines[0])
    assert lines[-1].split(maxsplit=1) == ["so", "runs can be done"]
    assert "offline by HF_HUB_OFFLINE" in done.stdout


def test_for_an_experiment_and_as_data(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = json.loads(call("doctor", tiny_file, "--json").stdout)
    assert found["ready"] is True
    assert [use["what"] for use in found["uses"]] == ["tiny"]
    assert 1 <= found["uses"][0]["side_by_side"] <= 16
    assert error_of(call("doctor", "no-such-thing")).startswith("no experiment 'no-such-thing'")


@pytest.mark.parametrize(
    "torch", ["raise RuntimeError('broken')", "import os; os.kill(os.getpid(), 9)", "import sys; sys.exit(3)"]
)
def test_nothing_that_is_broken_ends_in_a_traceback(torch: str, tmp_path: Path) -> None:
    """A torch that does not load, no home, no place to write to, no network."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "torch.py").write_text(torch, encoding="utf-8")
    environment = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "modules"), *sys.path]),
        "HOME": "/proc/nowhere",
        "SAYSO_CACHE": "/proc/nowhere",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HF_ENDPOINT": "https://localhost:9",
    }
    for words in (["doctor"], ["doctor", "pocket"]):
        done = process(words, tmp_path, environment)
        assert (done.returncode, done.stderr) == (1, ""), done.stderr
        said = " ".join(done.stdout.split())
        assert "models cannot be written to /proc/nowhere/.cache/huggingface/hub: export HF_HOME=DIR" in said
        assert "did not answer" in done.stdout
        assert "no run can be done here" in done.stdout.splitlines()[-1]
        assert "torch" in done.stdout


def test_gpus_are_shown_by_name(tmp_path: Path) -> None:
    (tmp_path / "dev/nvidia0").mkdir(parents=True)
    old = Device(2, "2", "P100", trouble="no kernel image")
    asked = Asked(versions={"torch": "2.13.0"}, built_for="CUDA 12.8", devices=(*gpus(2), old))
    found = examine(root=tmp_path, results=tmp_path, environment={}, ask=lambda *_: asked, reach=lambda *_: True)
    output = console()
    with output.capture() as page:
        output.print(doctor_page(found))
    text = " ".join(page.get().split())
    assert "torch 2.13.0 (for CUDA 12.8)" in text
    assert "0: H100, 85 GB (80 GB free), compute capability 9.0, bfloat16" in text
    assert "P100 that cannot be used" in text
    assert "seeds side by side: 2 processes of 1 thread, each with a GPU, as many seeds as fit each" in text
    assert [gpu["visible"] for gpu in doctor_data(found)["gpus"]] == ["0", "1", "2"]
    assert json.loads(json.dumps(doctor_data(found)))["ready"] is True


def test_a_folder_stands_for_the_model_of_an_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    (tmp_path / "model").mkdir()
    without = json.loads(call("doctor", "laptop", "--json").stdout)
    assert any("is not downloaded" in each["what"] for each in without["missing"])
    found = json.loads(call("doctor", "laptop", "--model", tmp_path / "model", "--json").stdout)
    assert not any("is not downloaded" in each["what"] for each in found["missing"])
    assert found["ready"] is True
