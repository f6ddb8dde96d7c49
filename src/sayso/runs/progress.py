"""How far a job has come: its position, its checkpoints and its records, on disk and in step with each other.

A job can be killed at any moment. It goes on from the newest checkpoint that can be read, with the records there were
then; what was recorded after it is dropped and made again, with the same result. Two generations of checkpoints are
kept. A position is written when its checkpoint is wholly on disk, so it always describes files that exist.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.learner import Learner
from sayso.core.records import Record

log = logging.getLogger("sayso")

#: Checkpoints kept at a time.
GENERATIONS = 2


@dataclass(frozen=True)
class Position:
    """How far a job has come: epochs done in a leg, its checkpoint's file name, and the length of its records."""

    leg: int
    epoch: int
    checkpoint: str
    records: int


def read_positions(folder: JobFolder) -> list[Position]:
    """Read the positions a job can go on from, the newest first; none where it has to begin.

    Raises
    ------
    SaysoError
        If the file is damaged.
    """
    if not folder.position_path.exists():
        return []
    data = read_json(folder.position_path)
    try:
        found = [Position(**each) for each in data]
    except TypeError:
        found = []
    kinds = [[type(value) for value in vars(position).values()] for position in found]
    if not found or any(kind != [int, int, str, int] for kind in kinds):
        raise SaysoError(f"{folder.position_path}: not a position ({data}); delete {folder.path} to begin anew")
    return found


class Progress:
    """Keeps the files of a job in step with its training.

    `minutes`: the time that passes at least between two checkpoints; there is always one where `keep` is told so.
    `states`: legs and epochs whose weights are kept apart.
    """

    def __init__(
        self,
        folder: JobFolder,
        learner: Learner,
        minutes: float,
        states: Collection[tuple[int, int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._learner, self._states = folder, learner, states
        self._minutes, self._clock = minutes, clock
        self._last = clock()
        self._positions: list[Position] = []
        self._waiting: tuple[Position, Future[None]] | None = None

    def resume(self) -> Position | None:
        """Load the newest checkpoint that can be read and drop records that came after it; None to begin anew.

        Raises
        ------
        SaysoError
            If there are checkpoints and none can be read, or records are missing.
        """
        positions = read_positions(self._folder)
        while positions:
            try:
                self._learner.load(self._folder.path / positions[0].checkpoint)
                break
            except SaysoError as error:
                if len(positions) == 1:
                    raise
                log.warning("%s; going on from the checkpoint before it", error)
                del positions[0]
        self._folder.rewind(positions[0].records if positions else 0)
        self._positions = positions
        return positions[0] if positions else None

    def begin(self, at: tuple[int, int] | None) -> None:
        """Load the state that a leg starts from, where that is not where the leg before ended."""
        if at is not None:
            self._learner.load(self._folder.state_path(*at))

    def record(self, records: Sequence[Record]) -> None:
        """Append records of a moment between epochs."""
        self._folder.append(records)

    def keep_state(self, leg: int, epoch: int) -> None:
        """Keep the weights as they are now, if they are among those to be kept."""
        if (leg, epoch) in self._states:
            self._learner.save_weights(self._folder.state_path(leg, epoch)).result()

    def keep(self, leg: int, epoch: int, records: Sequence[Record], *, last: bool) -> None:
        """Append the records of an epoch; write a checkpoint after the `last` of a leg, or if it is time for one."""
        length = self._folder.append(records)
        self.keep_state(leg, epoch)
        if self._waiting is not None and self._waiting[1].done():
            self._settle()
        if last or self._clock() - self._last >= 60 * self._minutes:
            self._settle()  # one at a time
            path = self._folder.checkpoint_path(leg, epoch)
            self._waiting = (Position(leg, epoch, path.name, length), self._learner.save(path))
            if last or self._waiting[1].done():
                self._settle()
            self._last = self._clock()

    def _settle(self) -> None:
        """Wait until the checkpoint being written is on disk, then let the position say so."""
        if self._waiting is None:
            return
        position, written = self._waiting
        self._waiting = None
        written.result()
        self._positions = [position, *self._positions][:GENERATIONS]
        self._folder.require_held()
        text = json.dumps([vars(each) for each in self._positions]) + "\n"
        write_atomically(self._folder.position_path, text)
        self._folder.drop_checkpoints(besides=[each.checkpoint for each in self._positions])
