"""One job's files, followed from look to look."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg
from sayso.runs.marks import Marks, marks_of, time_of
from sayso.runs.recorded import Point, Recorded

#: Bytes at the end of a log that its last line is looked for in.
_TAIL = 4096
#: Longest line of a log that is shown.
_LONGEST = 300


class Followed:
    """A job that was begun.

    `cell`, `seeds`: what it is; `where`: what its manifest says it was begun on. `means`: see `Recorded.means`.
    `moved`: when its files changed last, in seconds since 1970. `marks`: how fast it goes. `took`: seconds from its
    beginning to its end, pauses included, once it has finished.
    """

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        manifest = folder.manifest()
        self.cell, self.seeds, self.where = manifest.cell, manifest.seeds, manifest.device
        self.moved = 0.0
        self.marks = Marks()
        self.means: dict[Point, tuple[float, int]] = {}
        self._recorded: Recorded | None = Recorded(folder.records_path)
        self._began: float | None = None
        self._started = manifest.started
        self.took: float | None = None

    def look(self, run: Sequence[Leg]) -> None:
        """Read what has changed of a job that has not finished; `run`: its legs.

        Raises
        ------
        SaysoError
            If a file is damaged.
        """
        began = time_of(self.folder.manifest_path) or 0.0
        if began != self._began:  # a try writes its manifest when it begins
            self._began, self.marks = began, marks_of(self.folder, run, began)
        self.moved = max(_times(self.folder), default=began)
        self._records()
        recorded = time_of(self.folder.records_path)
        if recorded is not None and recorded >= began:
            self.marks.add(recorded, self.epochs(run))

    def finish(self) -> None:
        """Read the rest of a job that has finished; later looks read nothing of it."""
        if self._recorded is not None:
            self._records()
            self._recorded = None
            self.took = _seconds(self._started, self.folder.finish_marker().get("finished"))

    def epochs(self, run: Sequence[Leg]) -> int:
        """How many epochs of all legs are done by what was recorded; 0 where that does not say it."""
        reached = self._recorded.reached if self._recorded else None
        if reached is None:
            return 0
        here = (leg for leg in run if (leg.stage.name, leg.stage2_seed) == (reached.stage, reached.stage2_seed))
        return next((leg.before + reached.epoch for leg in here), 0)

    def last_of_log(self) -> str:
        """The last line of what the last try said in its log; empty where it said nothing."""
        path = self.folder.path / "log.txt"
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_mtime < (self._began or 0.0):
                    return ""
                file.seek(max(0, found.st_size - _TAIL))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return "".join(sign if sign.isprintable() else " " for sign in said)[:_LONGEST]

    def _records(self) -> None:
        if self._recorded is None:  # it had finished, and was begun anew
            self._recorded = Recorded(self.folder.records_path)
        if self._recorded.look():
            self.means = self._recorded.means()


def _seconds(start: object, end: object) -> float | None:
    """From one time to another, as manifests and markers write them; None where that is not after this, or no time."""
    try:
        found = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return None
    return found if found > 0 else None


def _times(folder: JobFolder) -> list[float]:
    """When each file of a job was written, but for those that are no part of what it computes."""
    found: list[float] = []
    try:
        with os.scandir(folder.path) as entries:
            found.extend(entry.stat().st_mtime for entry in entries if not entry.name.startswith("."))
    except OSError:  # tidied, or withdrawn, meanwhile
        pass
    return found
