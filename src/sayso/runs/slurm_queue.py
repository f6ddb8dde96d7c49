"""What a SLURM cluster has of the runs of a results folder, as far as its queue can be asked."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.files import read_json
from sayso.core.runs_here import SUBMITTED
from sayso.core.store import Store

#: States of tasks that wait or run.
ACTIVE = frozenset(
    (
        *("PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"),
        *("RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "PREEMPTED", "SPECIAL_EXIT"),
    )
)


@dataclass(frozen=True)
class Task:
    """A task in the queue: its state there, and why it waits or how it ended."""

    id: str
    state: str
    reason: str


@dataclass(frozen=True)
class Submission:
    """Arrays that were submitted for a run: their ids, when, and their tasks (None: the queue cannot be asked)."""

    folder: Path
    arrays: tuple[str, ...]
    submitted: str
    tasks: tuple[Task, ...] | None

    @property
    def active(self) -> bool:
        """Whether some of it waits or runs; taken to be so where nobody can be asked."""
        return self.tasks is None or any(task.state in ACTIVE for task in self.tasks)

    @property
    def states(self) -> dict[str, int]:
        """How many tasks are in each state."""
        return dict(Counter(task.state.lower() for task in self.tasks or ()))


def submissions(store: Store) -> list[Submission]:
    """What was submitted for runs of a folder, and where it stands.

    Raises
    ------
    SaysoError
        If a file is damaged.
    """
    found = []
    for folder in store.runs.folders():
        if (folder / SUBMITTED).exists():
            data = read_json(folder / SUBMITTED)
            try:
                arrays = tuple(map(str, data["arrays"]))
                found.append(Submission(folder, arrays, str(data["submitted"]), queue(arrays)))
            except (TypeError, KeyError) as error:
                raise SaysoError(f"{folder / SUBMITTED}: not what was submitted; delete {folder}") from error
    return found


def queue(arrays: Sequence[str]) -> tuple[Task, ...] | None:
    """Tasks of arrays as the queue has them; none of those it has forgotten, None where there is no queue here."""
    if not arrays or shutil.which("squeue") is None:
        return None
    tasks: list[Task] = []
    for array in arrays:
        command = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={array}", "--format=%i|%T|%r"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            if "Invalid job id" in done.stderr:  # long over
                continue
            return None
        tasks += [Task(*line.split("|", 2)) for line in done.stdout.splitlines() if line.count("|") >= 2]
    return tuple(tasks)


def clear(store: Store) -> list[Submission]:
    """Forget submissions of which nothing waits or runs any more; those that are left."""
    found = submissions(store)
    for each in found:
        if not each.active:
            store.runs.remove(each.folder)
    return [each for each in found if each.active]
