"""Wall time of `make demo`'s command next to a peer in the same run: matrix products of one size on every core.

Machines differ fourfold, so seconds say little; the ratio to the peer does. `--sayso` names other installations to be
run by turns with this one, such as that of an earlier commit.

    python -m benchmarks demo
    python -m benchmarks.demo --sayso ../before/.venv/bin/sayso
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Products of a round, of two square matrices of this size, one process a core; about 20 seconds on a slow core.
SIZE, PRODUCTS = 1024, 300
_PEER = f"""
import numpy as np
one = np.random.default_rng(0).random(({SIZE}, {SIZE}), dtype=np.float32)
for _ in range({PRODUCTS}): one @ one
"""


def peer() -> float:
    """Seconds of the matrix products."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    begin = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-c", _PEER], env={**os.environ, **threads})
        for _ in range(len(os.sched_getaffinity(0)))
    ]
    if any(process.wait() for process in running):
        raise SystemExit("the peer failed")
    return time.perf_counter() - begin


def demo(sayso: Path) -> float:
    """Seconds of ``sayso run pocket`` into a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        command = [str(sayso), "run", "pocket", "--out", str(Path(folder) / "pocket")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin


def main() -> None:
    """Print seconds of the demo and of its peer, and their ratio, for each installation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sayso", type=Path, action="append", default=[], help="another installation's command")
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args(sys.argv[1:] if sys.argv[0].endswith("demo.py") else [])
    commands = [Path(sys.executable).with_name("sayso"), *chosen.sayso]
    ratios: dict[Path, list[float]] = {command: [] for command in commands}
    for _ in range(chosen.rounds):
        for command in commands:
            before, taken, after = peer(), demo(command), peer()
            ratios[command].append(taken / ((before + after) / 2))
            print(f"{command}: {taken:.1f} s, peer {before:.1f} and {after:.1f} s, ratio {ratios[command][-1]:.2f}")
    for command, found in ratios.items():
        print(f"{command}: {statistics.median(found):.2f} times the peer ({min(found):.2f}-{max(found):.2f})")


if __name__ == "__main__":
    main()
