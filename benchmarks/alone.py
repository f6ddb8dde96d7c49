"""Running part of a benchmark in a process of its own, whose memory is then its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def run_alone(module: str, *words: str) -> None:
    """Run ``python -m benchmarks.MODULE WORDS``, and wait for it."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *words]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def peak_megabytes() -> float:
    """Most memory this process has had; `resource.getrusage` would take in its parent's at the fork."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")
