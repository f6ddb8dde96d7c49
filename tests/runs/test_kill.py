"""A run killed without warning: its workers end with it, and the same run goes on.

pytest -m slow tests/runs/test_kill.py      kills it ten times
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.lease import held
from sayso.core.store import Store
from sayso.core.sweep import plan
from sayso.runs.execute import execute
from sayso.runs.progress import read_positions

WAIT_S = 60.0
TO_THE_END = 10_000

RUN = """
import json, sys, sayso
def tell(job, event): print(json.dumps([job, event]), flush=True)
sayso.run(sys.argv[1], out=sys.argv[2], seeds="1-2", jobs=2, on_event=tell)
"""

Told = Counter[tuple[str, int, int]]


def write(experiment: Experiment, folder: Path) -> Path:
    path = folder / "experiment.json"
    path.write_text(experiment.model_dump_json(), encoding="utf-8")
    return path


def run_until(file: Path, out: Path, epochs: int, delay: float) -> Told:
    """Run until so many epochs were told of and a moment longer, then kill the parent; give the epochs told of."""
    told: Told = Counter()
    command = [sys.executable, "-c", RUN, str(file), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        killed = False
        for line in process.stdout:
            if not line.endswith("\n"):  # cut off by its end
                break
            job, event = json.loads(line)
            if event["event"] == "epoch":
                told[str(job), int(event["done"]), int(event["epoch"])] += 1
            if told.total() == epochs and not killed:
                killed = True
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
        assert process.wait(WAIT_S) in ((-signal.SIGKILL, 0) if killed else (0,))  # it may have been at its end
    return told


def truncate_newest(folder: JobFolder) -> None:
    """Cut the newest checkpoint in half, where there is one before it."""
    positions = read_positions(folder)
    if len(positions) > 1:
        newest = folder.path / positions[0].checkpoint
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])


@pytest.mark.parametrize(
    ("kills", "settings"),
    [
        (1, {}),
        pytest.param(
            10, {"stages.stage0.epochs": 20, "stages.stage2.epochs": 20, "stage2_seeds": 2}, marks=pytest.mark.slow
        ),
    ],
)
def test_a_run_killed_at_random_moments_goes_on_to_the_same_records(kills, settings, quick, tmp_path):
    """Of two jobs side by side one also loses the end of its newest checkpoint each time."""
    experiment = quick.with_settings(settings)
    file, store = write(experiment, tmp_path), Store(tmp_path / "results")
    jobs = plan(experiment, (1, 2), 2)
    kept, truncated = jobs
    chance = random.Random()  # other moments each time: whatever they are, the outcome is the same
    told: Told = Counter()
    for kill in range(kills):
        told += run_until(file, store.path, chance.choice((0, 2, 4)) if kill else 4, chance.uniform(0, 0.4))
        for job in jobs:  # a worker holds its job for as long as it lives
            if store.job(job.id).path.exists():
                with held(store.job(job.id).path, WAIT_S):
                    if job is truncated:
                        truncate_newest(store.job(job.id))
    told += run_until(file, store.path, TO_THE_END, 0)
    # no epoch of a job that was told of is done twice
    assert {count for (job_id, _, _), count in told.items() if job_id == kept.id} == {1}
    for job in jobs:
        whole = JobFolder(tmp_path / job.id)
        execute(job, whole, lambda event: None)
        assert store.job(job.id).finished
        assert store.job(job.id).records_path.read_bytes() == whole.records_path.read_bytes()


def test_workers_end_with_a_run_that_is_killed_long_before_its_end(short, tmp_path):
    long = short.with_settings({"stages.stage0.epochs": 100_000})
    store = Store(tmp_path / "results")
    assert run_until(write(long, tmp_path), store.path, 2, 0)
    for job in plan(long, (1, 2), 2):
        folder = store.job(job.id)
        with held(folder.path, WAIT_S):  # falls with the process that held it
            assert not folder.finished
