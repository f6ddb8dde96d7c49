"""What it takes to watch 500 jobs, 20 of them running: seconds of each look, and how much of it `status` takes alone.

The folder is a sweep of 25 cells with 20 seeds each, one seed a job, with as many records as ``pocket`` has (about
2,000 a seed): 300 jobs have finished, 20 run (this process holds their locks), the rest is to do. Then each running
job records another epoch between two looks. ``python -m benchmarks watching``.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.alone import peak_megabytes

if TYPE_CHECKING:
    from sayso.core.job_folder import JobFolder
    from sayso.core.records import Record
    from sayso.core.store import Store
    from sayso.core.sweep import Job

FINISHED, RUNNING, SEEDS = 300, 20, 20
RATES = [round(0.0005 + 0.0001 * number, 4) for number in range(25)]
#: Evaluation sets that are measured after each epoch, of each of ten subsets, by two measures.
EVAL_SETS = ("validation", "train_qa", "definitions", *(f"entity_attribution.{number}" for number in range(5)))
LOOKS = 5


def main() -> None:
    """Make the folder, and look at it."""
    from sayso.core.store import Store
    from sayso.runs.status import status
    from sayso.runs.watching import Watcher

    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as locks:
        store = Store(Path(temporary))
        running = _make(store, locks)
        watcher, before = Watcher(store), peak_megabytes()
        print(f"first look: {_seconds(watcher.look):.2f} s")
        print(f"status alone: {min(_seconds(lambda: status(store)) for _ in range(LOOKS)):.2f} s")
        print(f"another look: {min(_seconds(watcher.look) for _ in range(LOOKS)):.2f} s")
        took = []
        for epoch in range(3, 3 + LOOKS):
            for job, folder in running:
                folder.append(_records(job, "stage1", epoch))
            took.append(_seconds(watcher.look))
        print(f"a look after {len(running)} jobs have recorded an epoch: {min(took):.2f} s")
        seen = watcher.look()
        print(f"curves of a cell: {_seconds(lambda: watcher.curves(seen.of_interest())):.3f} s")
        print(f"at most {peak_megabytes():.0f} MB, of which making the folder took {before:.0f}")


def _make(store: Store, locks: contextlib.ExitStack) -> list[tuple[Job, JobFolder]]:
    """Write the folder; the jobs that run, and their folders."""
    import sayso
    from sayso.core.identity import Origin
    from sayso.core.lease import held
    from sayso.core.seeds import Seeds
    from sayso.core.sweep import Job, cells
    from sayso.runs.manifest import describe

    sweep = sayso.load("pocket").vary("watched", train__learning_rate=RATES)
    sweep = sweep.model_copy(update={"seeds": Seeds(first=1, count=SEEDS)})
    jobs = [Job(cell, (seed,)) for cell in cells(sweep) for seed in sweep.seeds]
    running = []
    with store.held(sweep):
        for place, job in enumerate(jobs[: FINISHED + RUNNING]):
            folder = store.job(job.id)
            folder.open(describe(job, object(), Origin("data", None)))
            done = place < FINISHED
            for stage, epochs in (("stage1", 6 if done else 2), ("stage2", 5 if done else -1)):
                for epoch in range(epochs + 1):
                    folder.append(_records(job, stage, epoch))
            if done:
                folder.finish("2026-01-01T00:00:00+00:00")
            else:
                locks.enter_context(held(folder.path))
                running.append((job, folder))
    return running


def _records(job: Job, stage: str, epoch: int) -> Iterator[Record]:
    from sayso.core.records import Record

    for seed in job.seeds:
        for measure in ("exact_match", "loss"):
            for eval_set in EVAL_SETS:
                for subset in job.cell.experiment.subsets:
                    of = (measure, eval_set, subset.name)
                    yield Record("watched", job.cell.name, seed, stage, epoch, *of, value=0.512345, n=138)


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
