"""Eight seeds one by one, side by side in one process, and in one process per core: time ratios and results.

Every way trains and measures the same shortened pocket experiment, in processes of one thread each. Times leave out
starting Python and importing torch. The ways are run in turn, several times; ratios are of the same round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.store import Store
from sayso.core.sweep import Cell, Job, stacks
from sayso.runs.machine import cores

SEEDS = tuple(range(8))
ROUNDS = 3


def experiment() -> Experiment:
    """The pocket experiment with fewer epochs."""
    from sayso.paper.pocket_settings import POCKET

    epochs = {"stages.stage0.epochs": 2, "stages.stage1.epochs": 2, "stages.stage2.epochs": 2}
    return POCKET.with_settings(epochs)


def run_stacks(folder: Path, groups: list[list[int]]) -> float:
    """Run groups of seeds one after the other in this process; return seconds."""
    import torch

    from sayso.runs.execute import execute

    torch.set_num_threads(1)
    cell = Cell("main", experiment())
    start = time.perf_counter()
    for group in groups:
        job = Job(cell, tuple(group))
        execute(job, Store(folder).job(job.id), lambda _: None)
    return time.perf_counter() - start


def timed(folder: Path, processes: list[list[list[int]]]) -> float:
    """Run one process for each item at the same time; return the seconds of the slowest."""
    command = [sys.executable, "-m", "benchmarks.stacking", str(folder)]
    started = [
        subprocess.Popen([*command, json.dumps(groups)], stdout=subprocess.PIPE, text=True) for groups in processes
    ]
    return max(float(process.communicate()[0]) for process in started)


def results(folder: Path) -> list[Record]:
    """All records in one order, whatever the jobs."""
    return sorted(Store(folder).records(), key=lambda r: (r.seed, r.stage, r.epoch, r.measure, r.eval_set, r.subset))


def main() -> None:
    """Print seconds of each way, the ratios to one by one, and how far the results agree."""
    per_core = [[list(stack)] for stack in stacks(SEEDS, cores(), 16)]
    ways = {
        "one by one": [[[seed] for seed in SEEDS]],
        f"{len(SEEDS)} side by side": [[list(SEEDS)]],
        f"{len(per_core)} processes": per_core,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, list[Record]] = {}
    for _ in range(ROUNDS):
        for way, processes in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                with Store(Path(folder)).held(experiment()):
                    pass
                seconds[way].append(timed(Path(folder), processes))
                found[way] = results(Path(folder))
    first = next(iter(ways))
    for way, times in seconds.items():
        ratios = np.array(seconds[first]) / np.array(times)
        print(f"{way:18} {np.median(times):7.1f} s   {np.median(ratios):.2f}x ({ratios.min():.2f}-{ratios.max():.2f})")
    for way, records in found.items():
        pairs = list(zip(found[first], records, strict=True))
        same = np.mean([one == other for one, other in pairs])
        largest = max(abs(one.value - other.value) for one, other in pairs)
        print(
            f"{way:18} {100 * same:.1f}% of {len(pairs)} records equal to those of {first}, "
            f"largest difference {largest:.2g}"
        )


if __name__ == "__main__":
    print(run_stacks(Path(sys.argv[1]), json.loads(sys.argv[2])))
