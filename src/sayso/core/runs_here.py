"""Who runs jobs of a results folder, and which jobs they mean to run: several may at a time, on any machines.

DIR/runs/ID/deal.json    the seeds of each job of a run, by cell
DIR/runs/ID/.lease-N     held for as long as the run lasts (`sayso.core.lease`)

A run that begins beside others takes their jobs as they are, so that all speak of the same ones; who trains which,
leases of the jobs' folders say. A run that has ended leaves nothing here; the next one clears up after one that was
killed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically
from sayso.core.lease import held
from sayso.core.lease_file import disk_time, is_held
from sayso.core.sweep import Job

#: Seeds of jobs, by cell.
Deals = Mapping[str, list[tuple[int, ...]]]


class Runs:
    """The runs of a results folder that are under way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folders(self) -> list[Path]:
        """Folders of runs that live, by name."""
        now = functools.cache(lambda: disk_time(self.path))
        return [folder for folder in self._all() if is_held(folder, now) is not None]

    def deals(self) -> Deals:
        """The jobs of all of them.

        Raises
        ------
        SaysoError
            If a file is damaged.
        """
        found: dict[str, list[tuple[int, ...]]] = {}
        for folder in self.folders():
            for cell, jobs in _read(folder / "deal.json").items():
                there = found.setdefault(cell, [])
                there += [seeds for seeds in jobs if seeds not in there]
        return found

    @contextlib.contextmanager
    def joined(self, jobs: Iterable[Job]) -> Iterator[None]:
        """Run these jobs: others see them until the end. What runs left that were killed is cleared away."""
        living = self.folders()
        for folder in self._all():
            if folder not in living:
                shutil.rmtree(folder, ignore_errors=True)
        folder = self.path / uuid.uuid4().hex[:12]
        folder.mkdir(parents=True)
        try:
            with held(folder):
                deal: dict[str, list[list[int]]] = {}
                for job in jobs:
                    deal.setdefault(job.cell.name, []).append(list(job.seeds))
                write_atomically(folder / "deal.json", json.dumps(deal) + "\n")
                yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # others are there
                self.path.rmdir()

    def _all(self) -> list[Path]:
        return sorted(path for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []


def _read(path: Path) -> Deals:
    """A deal as it was written; nothing where its run has just ended."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {str(cell): [tuple(map(int, seeds)) for seeds in jobs] for cell, jobs in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise SaysoError(f"{path}: not lists of seeds by cell ({error}); delete {path.parent}") from error
