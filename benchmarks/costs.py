"""What rows of the table take: hours of a GPU, and minutes of two cores; writes ``src/sayso/paper/costs.json``.

    python -m benchmarks.costs                       # hours of a GPU, for every row whose model needs one
    python -m benchmarks.costs sayso-results/*       # and minutes of two cores, from results folders

Hours are what ``sayso show NAME --gpu A100`` and ``--gpu H100`` estimate where no facts are at hand, of all runs, and
memory is that of the cell that needs most. Minutes are from the
fastest finished job of each cell: its time from start to end, a seed, by the seeds there are and two cores. A folder
without a finished job of every cell says nothing; nor does a job that was resumed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import sayso
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.paper.costs import CARD, FILE, NEWER_CARD, Cost
from sayso.paper.table import TABLE
from sayso.results import Results
from sayso.runs.estimate import on_gpu
from sayso.runs.gpus import find_gpu
from sayso.runs.workload import workload

COSTS = Path(sayso.__file__).parent / "paper" / FILE
CORES = 2


def main() -> None:
    """Hours of all that needs a GPU; minutes of the folders named."""
    known = {name: Cost.model_validate(cost) for name, cost in json.loads(COSTS.read_text(encoding="utf-8")).items()}
    for name, row in TABLE.items():
        if name.startswith("paper-"):
            known[name] = hours(row.experiment)
            print(f"{name:40} {known[name].gpu_hours:>10} hours", flush=True)
    for folder in map(Results, sys.argv[1:]):
        experiment = folder.experiment
        if (found := minutes(folder)) is not None and experiment.name in TABLE:
            known[experiment.name] = Cost(of=experiment.digest(), minutes=found)
            print(f"{experiment.name:40} {found:>10} minutes", flush=True)
    kept = {name: known[name].model_dump(exclude_none=True) for name in TABLE if name in known}
    COSTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def hours(experiment: Experiment) -> Cost:
    """Hours of a GPU for all runs, and its memory, with no facts at hand."""
    before = os.environ.get("SAYSO_CACHE")
    with tempfile.TemporaryDirectory() as empty:
        os.environ["SAYSO_CACHE"] = empty
        try:
            work = [(cell.experiment, workload(cell.experiment)) for cell in cells(experiment)]
            found, newer = ([on_gpu(*each, find_gpu(card)) for each in work] for card in (CARD, NEWER_CARD))
        finally:
            if before is None:
                del os.environ["SAYSO_CACHE"]
            else:
                os.environ["SAYSO_CACHE"] = before
    seeds = experiment.seeds.count
    return Cost(
        of=experiment.digest(),
        gpu_hours=round(sum(each.hours for each in found) * seeds, 1),
        newer_gpu_hours=round(sum(each.hours for each in newer) * seeds, 1),
        gpu_memory=round(max(each.memory.total for each in newer) / 1e9, 1),
    )


def minutes(results: Results) -> float | None:
    """Minutes of two cores for the default seeds of the row of the same name; None where a cell has no clean job."""
    experiment = TABLE[results.experiment.name].experiment if results.experiment.name in TABLE else None
    if experiment is None or experiment.digest() != results.experiment.digest():
        return None
    fastest: dict[str, float] = {}
    for job in results.store.jobs():
        manifest = job.manifest()
        if job.finished and not manifest.resumed:
            began, ended = (datetime.fromisoformat(at) for at in (manifest.started, job.finish_marker()["finished"]))
            took = (ended - began).total_seconds() / 60 / len(manifest.seeds)
            fastest[manifest.cell] = min(took, fastest.get(manifest.cell, took))
    if set(fastest) != {cell.name for cell in cells(experiment)}:
        return None
    return round(sum(fastest.values()) * experiment.seeds.count / CORES, 1)


if __name__ == "__main__":
    main()
