"""How long it takes until sayso is there: ``import sayso`` and ``sayso --help``, against a bare import of its peers.

The peer is ``python -c "import numpy, pydantic"``. Each round starts every one of them once, in turn, so that a busy
machine slows all alike; ratios are medians over rounds of the ratio within a round.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 25
PEER = "import numpy, pydantic"
STARTS = {
    "import sayso": ["-c", "import sayso"],
    "sayso --help": ["-c", "import sys; sys.argv = ['sayso', '--help']; from sayso.cli.app import main; main()"],
    "sayso --version": ["-c", "import sys; sys.argv = ['sayso', '--version']; from sayso.cli.app import main; main()"],
    "sayso.load": ["-c", "import sayso; sayso.load('pocket')"],
}


def main() -> None:
    """Print each start's median time and its ratio to the peer's."""
    seconds: dict[str, list[float]] = {PEER: [], **{name: [] for name in STARTS}}
    for words in (["-c", PEER], *STARTS.values()):
        started(words)  # compiled, and in the machine's cache
    for _ in range(ROUNDS):
        seconds[PEER].append(started(["-c", PEER]))
        for name, words in STARTS.items():
            seconds[name].append(started(words))
    for name, taken in seconds.items():
        ratio = statistics.median(one / peer for one, peer in zip(taken, seconds[PEER], strict=True))
        print(f"{name:24} {1e3 * statistics.median(taken):6.0f} ms   {ratio:.2f}x")


def started(words: list[str]) -> float:
    """Seconds from the start of a Python to its end."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
