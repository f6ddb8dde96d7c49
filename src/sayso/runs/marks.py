"""How fast a job goes, told from outside: when it had done how many epochs, by the times of its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg
from sayso.runs.progress import GENERATIONS, Position, read_positions

#: Seconds that a pace is taken over, where there are that many.
WINDOW_S = 300.0


class Marks:
    """Epochs that one try of a job had done, and when.

    Times are those of files, in seconds since 1970 by the clock of the disk they are on, so that differences between
    them do not depend on the clock of whoever looks.
    """

    def __init__(self, marks: Sequence[tuple[float, int]] = ()) -> None:
        self._marks = sorted(marks)

    def add(self, time: float, epochs: int) -> None:
        """Note that so many epochs are done, from this time on if that was not known before."""
        if not self._marks or (epochs > self._marks[-1][1] and time > self._marks[-1][0]):
            self._marks.append((time, epochs))

    def pace(self, now: float) -> float | None:
        """Epochs a second over the last minutes there were epochs in; None until there is something to go by.

        Where nothing has come for longer than that, the pace falls.
        """
        if len(self._marks) < 2:
            return None
        last, done = self._marks[-1]
        before = [mark for mark in self._marks[:-1] if mark[0] <= last - WINDOW_S]
        first, done_before = before[-1] if before else self._marks[0]
        return (done - done_before) / max(last - first, (now - first) / 2, 1e-3)


def marks_of(folder: JobFolder, run: Sequence[Leg], began: float) -> Marks:
    """What the files of a job say of the try that `began` (when its manifest was written): its checkpoints' times.

    `run`: its legs.
    """
    written = [(time, position) for position in read_positions(folder) if (time := _time(folder, position)) is not None]
    here = [(time, _epochs(position, run)) for time, position in written if time >= began]
    before = [_epochs(position, run) for time, position in written if time < began]
    if before:
        here.append((began, max(before)))
    elif len(written) < GENERATIONS:  # else there may have been earlier ones, which are gone
        here.append((began, 0))
    return Marks(here)


def _epochs(position: Position, run: Sequence[Leg]) -> int:
    return run[min(position.leg, len(run) - 1)].before + position.epoch


def _time(folder: JobFolder, position: Position) -> float | None:
    return time_of(folder.path / position.checkpoint)


def time_of(path: Path) -> float | None:
    """When a file was written last, None if there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None
