"""A results folder of 10,000 jobs: how far it has come, its results, and SQL over its records; seconds and memory.

The folder is made by the store's own code: a sweep of 100 cells with 100 seeds each, one seed a job, measured at the
ends of stages as ``pocket`` is (212 records a job). One job in a hundred was stopped. Each line is a process of its
own: seconds on the clock, with all that it imports, those of its processor, and its peak memory. Where the folder is
writable the first query makes the index. ``python -m benchmarks.many FOLDER`` makes the folder there and keeps it, or
reads the one that is there; with a number behind it stages are measured so many times (8: as often as ``pocket``).
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.alone import peak_megabytes, run_alone

if TYPE_CHECKING:
    from sayso.core.records import Record
    from sayso.core.sweep import Cell

AXES: dict[str, list[object]] = {
    "train.learning_rate": [0.0005, 0.001, 0.002, 0.004, 0.008],
    "train.batch_size": [16, 32, 64, 128, 256],
    "model.config.num_hidden_layers": [1, 2, 4, 8],
}
SEEDS = 100
#: One job in so many was stopped.
UNFINISHED = 100

PHRASINGS = ("name", "who", "meaning", "stands_for")
#: What is measured at the end of each stage, by evaluation set, of how many subsets.
EVAL_SETS = {
    "validation": 8,
    "train_qa": 4,
    "definitions": 5,
    **{f"entity_attribution.{name}": 8 for name in PHRASINGS},
    **{f"attribution_as_defined.{name}": 1 for name in PHRASINGS},
}

MEANS = "select subset, avg(value) from final where measure = 'exact_match' group by all order by all"
READERS = {
    "status": ["status"],
    "results": ["results"],
    "Results.records()": [],
    "query, first": ["query", MEANS],
    "query, again": ["query", MEANS],
}


def main(folder: str | None = None, moments: int = 1) -> None:
    """Make the folder, then read it in every way."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(folder or temporary)
        if not (path / "experiment.json").exists():
            begun = time.perf_counter()
            jobs, records = make(path, moments)
            print(f"{jobs:,} jobs, {records:,} records, made in {time.perf_counter() - begun:.0f} s", flush=True)
        shutil.rmtree(path / "index", ignore_errors=True)
        for reader in READERS:
            run_alone("many", "read", reader, str(path))


def make(path: Path, moments: int = 1) -> tuple[int, int]:
    """Write the folder; how many jobs and records it has. Each stage's end is measured `moments` times."""
    import sayso
    from sayso.core.identity import Today
    from sayso.core.seeds import Seeds
    from sayso.core.spec import canonical_json, digest_of
    from sayso.core.store import Store
    from sayso.core.sweep import Job, cells
    from sayso.runs.manifest import describe

    sweep = sayso.load("pocket").with_axes(AXES).model_copy(update={"seeds": Seeds(first=100, count=SEEDS)})
    store, today, draw = Store(path), Today(own_only=True), random.Random(0)  # noqa: S311
    jobs = count = 0
    with store.held(sweep):
        for cell in cells(sweep):
            first = describe(Job(cell, ()), None, today.origin(cell.experiment))
            digest = cell.experiment.digest()
            for seed in sweep.seeds:
                id_ = digest_of(canonical_json([digest, cell.name, [seed]]))  # `Job.id`, the digest worked out once
                folder = store.job(id_)
                folder.open(dataclasses.replace(first, job=id_, seeds=(seed,)))
                jobs += 1
                if jobs % UNFINISHED:
                    found = list(_records(cell, seed, moments, draw))
                    folder.append(found)
                    folder.finish("2026-01-01T00:00:00+00:00")
                    count += len(found)
    return jobs, count


def _records(cell: Cell, seed: int, moments: int, draw: random.Random) -> Iterator[Record]:
    from sayso.core.records import Record

    experiment = cell.experiment
    subsets = [subset.name for subset in experiment.subsets]
    for stage in ("stage1", "stage2"):
        for epoch in range(1, moments + 1):
            for measure in ("exact_match", "loss"):
                for eval_set, several in EVAL_SETS.items():
                    for subset in subsets[:several]:
                        where = (cell.name, seed, stage, epoch, measure, eval_set, subset)
                        yield Record(experiment.name, *where, round(draw.random(), 6), 192)


def read(reader: str, folder: str) -> str:
    """Read a folder; what was read, seconds and memory."""
    begun, before = time.perf_counter(), time.process_time()
    if reader == "Results.records()":
        from sayso.results import Results

        said = f"{len(Results(folder).records()):,} records"
    else:
        said = _called([*READERS[reader][:1], folder, *READERS[reader][1:]])
    seconds, busy = time.perf_counter() - begun, time.process_time() - before
    return f"{reader:18} {seconds:6.2f} s, {busy:6.2f} s of a processor, {peak_megabytes():6,.0f} MB   {said}"


def _called(words: list[str]) -> str:
    """Run a command of sayso in this process; how many lines it printed."""
    from typer.testing import CliRunner

    from sayso.cli.commands import app

    result = CliRunner().invoke(app, words)
    if result.exit_code:
        sys.exit(result.stderr)
    return f"{len(result.stdout.splitlines()):,} lines"


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        print(read(*sys.argv[2:4]), flush=True)
    else:
        main(sys.argv[1], *map(int, sys.argv[2:3]))
