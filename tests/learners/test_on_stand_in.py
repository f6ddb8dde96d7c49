"""Tests for GPUs (``pytest -m gpu``) on GPUs that are none (`tests.stand_in`), where there is no real one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stand_in import can_be_built, environment

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not can_be_built(), reason="no c++ and ninja to build it with")
def test_what_is_tested_on_a_gpu_holds_on_the_stand_in(tmp_path):
    files = [str(ROOT / "tests" / part / "test_on_gpu.py") for part in ("learners", "runs")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.stand_in.plugin", "-n0", "-q", "-m", "gpu", *files],
        cwd=ROOT,
        env={**os.environ, **environment(tmp_path / "built")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 80
