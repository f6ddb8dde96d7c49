"""Who runs jobs of a results folder, and which jobs they mean to run: several may at a time, on any machines.

DIR/runs/ID/deal.json         jobs of a run, in the order they are to be begun in: cell and seeds of each
DIR/runs/ID/.lease-N          held for as long as the run lasts (`sayso.core.lease`)
DIR/runs/ID/submitted.json    in place of a lease: a scheduler has these jobs, and whoever can ask it says for how long

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
from typing import TypeAlias

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically
from sayso.core.lease import held
from sayso.core.lease_file import disk_time, is_held
from sayso.core.sweep import Job

#: Seeds of jobs, by cell.
Deals: TypeAlias = Mapping[str, list[tuple[int, ...]]]

SUBMITTED = "submitted.json"


class Runs:
    """The runs of a results folder that are under way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folders(self) -> list[Path]:
        """Folders of runs that live, by name."""
        now = functools.cache(lambda: disk_time(self.path))
        return [each for each in self._all() if (each / SUBMITTED).exists() or is_held(each, now) is not None]

    def deals(self) -> Deals:
        """The jobs of all of them.

        Raises
        ------
        SaysoError
            If a file is damaged.
        """
        found: dict[str, list[tuple[int, ...]]] = {}
        for folder in self.folders():
            for cell, seeds in deal_of(folder):
                there = found.setdefault(cell, [])
                if seeds not in there:
                    there.append(seeds)
        return found

    def new(self, jobs: Iterable[Job]) -> Path:
        """Make the folder of a run of these jobs; others do not see it before it is held or submitted."""
        folder = self.path / uuid.uuid4().hex[:12]
        folder.mkdir(parents=True)
        deal = [{"cell": job.cell.name, "seeds": list(job.seeds)} for job in jobs]
        write_atomically(folder / "deal.json", json.dumps(deal) + "\n")
        return folder

    def remove(self, folder: Path) -> None:
        """Remove the folder of a run that is over."""
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # others are there
            self.path.rmdir()

    @contextlib.contextmanager
    def joined(self, jobs: Iterable[Job]) -> Iterator[None]:
        """Run these jobs: others see them until the end. What runs left that were killed is cleared away."""
        living = self.folders()
        for folder in self._all():
            if folder not in living:
                shutil.rmtree(folder, ignore_errors=True)
        folder = self.new(jobs)
        try:
            with held(folder):
                yield
        finally:
            self.remove(folder)

    def _all(self) -> list[Path]:
        return sorted(path for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []


def deal_of(folder: Path) -> list[tuple[str, tuple[int, ...]]]:
    """Cell and seeds of each job of a run, in its order; nothing where it has just ended.

    Raises
    ------
    SaysoError
        If the file is damaged.
    """
    path = folder / "deal.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [(str(each["cell"]), tuple(map(int, each["seeds"]))) for each in data]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SaysoError(f"{path}: not cells and seeds of jobs ({error}); delete {folder}") from error
