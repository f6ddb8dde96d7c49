"""The whole command killed at random moments, as a machine that goes down would kill it.

pytest -m slow tests/runs/test_kill.py
"""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import make_tiny

KILLS = 10


def command(spec: Path, out: Path) -> list[str]:
    run = ["run", str(spec), "--out", str(out), "--seeds", "0-3", "--jobs", "2"]
    return [sys.executable, "-c", "from sayso.cli import main; main()", *run]


def records(out: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in out.glob("jobs/*/records.jsonl")}


def epochs_done(out: Path) -> int:
    """Epochs for good, over all jobs."""
    total = 0
    for folder in out.glob("jobs/*"):
        position = folder / "position.json"
        if position.exists():
            there = json.loads(position.read_text(encoding="utf-8"))
            total += 100 * int(there["leg"]) + int(there["epoch"])
        elif (folder / "finished.json").exists():
            total += 1000
    return total


@pytest.mark.slow
def test_ten_kills_at_random_moments_leave_the_same_results(tmp_path: Path) -> None:
    longer = {"stages.stage0.epochs": 10, "stages.stage1.epochs": 20, "stages.stage2.epochs": 20}
    spec = tmp_path / "tiny.json"
    spec.write_text(make_tiny().with_settings(longer).model_dump_json(), encoding="utf-8")
    start = time.monotonic()
    subprocess.run(command(spec, tmp_path / "whole"), check=True, capture_output=True)
    duration = time.monotonic() - start
    moments = random.Random(5)
    killed = finished = before = 0
    while killed < KILLS:
        out = tmp_path / f"killed-{finished}"
        process = subprocess.Popen(command(spec, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert process.wait(moments.uniform(0.2, 0.9) * duration) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            now = epochs_done(out)
            assert now >= before, "an epoch that was done is done no more"
            before = now
        else:
            assert records(out) == records(tmp_path / "whole") != {}
            finished += 1
            before = 0
    subprocess.run(command(spec, out), check=True, capture_output=True)
    assert records(out) == records(tmp_path / "whole") != {}
