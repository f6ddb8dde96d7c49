"""What runs on a machine that a scheduler gave: jobs of a results folder, as long as there are some that nobody has.

Several of these go through the same jobs, in the same order, each taking the next that is free
(`sayso.core.lease`): so machines that are quicker, or come later, do as much as they can.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.experiment import load_spec
from sayso.core.files import read_json
from sayso.core.runs_here import deal_of
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.runs.local import LocalProcesses
from sayso.runs.machine import gpus_here
from sayso.runs.manifest import require_same

log = logging.getLogger("sayso")

#: Seconds before a machine is taken away at which one is told, at most, and which share of them is for an epoch to end.
_NOTICE_S, _SHARE = 120, 0.8


def notice_s(hours: float) -> int:
    """Seconds before its time limit at which a task is told: no more than a quarter of all."""
    return max(1, min(_NOTICE_S, round(900 * hours)))


@dataclass
class Crew:
    """Runs jobs of the run `run` of a results folder; to be called on the machine. All folders are absolute.

    `side_by_side`: jobs at a time, each with so many `threads`. `notice_s`: seconds between being told that the machine
    is taken away, and that. `versions`: of the machine that sends it; `path`: where
    that one finds modules (a user's own are looked for there).
    """

    results: str
    run: str
    side_by_side: int
    threads: int
    save_models: bool
    notice_s: int
    versions: Mapping[str, str]
    path: Sequence[str]
    _running: LocalProcesses | None = field(default=None, init=False, repr=False)

    def __call__(self) -> None:
        """Run what is left.

        Raises
        ------
        SaysoError
            If Python, sayso or torch are of other versions here, or jobs fail; the others are run all the same.
        """
        require_same(self.versions)
        sys.path += [folder for folder in self.path if folder not in sys.path]
        store = Store(Path(self.results))
        if not store.experiment_path.exists():
            raise SaysoError(f"{store.path}: not there on this machine; results must be on a disk that all share")
        experiment = load_spec(read_json(store.experiment_path), str(store.experiment_path), own_only=False)
        known = {cell.name: cell for cell in cells(experiment)}
        jobs = [Job(known[cell], seeds) for cell, seeds in deal_of(store.runs.path / self.run)]
        self._running = LocalProcesses(
            store,
            processes=self.side_by_side,
            threads=self.threads,
            gpus=tuple(gpu.visible for gpu in gpus_here()),
            save_models=self.save_models,
            run_name=self.run,
        )
        self._running.run(jobs, say)

    def checkpoint(self) -> object:
        """Keep what is being done, before the machine is taken away; what to submit again (submitit's protocol)."""
        from submitit.helpers import DelayedSubmission

        if self._running is not None:
            self._running.stop(_SHARE * self.notice_s)
            self._running = None
        return DelayedSubmission(self)

    def __getstate__(self) -> dict[str, object]:
        """All but what runs at the moment."""
        return {**vars(self), "_running": None}


def say(job_id: str, event: Mapping[str, object]) -> None:
    """Keep what happens in the scheduler's log, a line for what is not a step."""
    if event["event"] not in ("step", "measuring"):
        print(job_id, *(f"{key}={value}" for key, value in event.items()), flush=True)
