"""What a job has recorded so far, read while it is being written: only what was added since the last look is read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from sayso.core.appended import Appended
from sayso.core.errors import SaysoError

#: What is in every line about exact match on questions, and in no other.
_SCORE = b'"exact_match", "validation", '

#: A moment and what was asked about then: stage, epoch, subset.
Point = tuple[str, int, str]


@dataclass(frozen=True)
class Reached:
    """The moment of the last record: an epoch (0: the state it starts from) of a stage of a stage-2 seed."""

    stage: str
    stage2_seed: int
    epoch: int


@dataclass
class Recorded:
    """The records of one job as they grow. A line counts when it is whole.

    `scores`: exact match on questions, by seed: the sum over the stage-2 seeds there are yet, and how many they are.
    """

    path: Path
    reached: Reached | None = None
    scores: dict[Point, dict[int, tuple[float, int]]] = field(default_factory=dict)
    _stat: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        self._file = Appended(self.path)

    def look(self) -> bool:
        """Read what was added since the last look; whether anything has changed.

        A job that goes on from a checkpoint drops what came after it: then the file is read from its beginning.

        Raises
        ------
        SaysoError
            If a line is no record.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return self._forget() if self._stat else False
        stat = (found.st_size, found.st_mtime_ns, found.st_ino)
        if stat == self._stat:
            return False
        try:
            self._read()
        except FileNotFoundError:
            return self._forget()
        except (ValueError, TypeError, LookupError) as error:
            self._forget()
            raise SaysoError(f"{self.path}: holds a line that is no record ({error})") from error
        except OSError as error:
            raise SaysoError(f"{self.path}: cannot be read: {error.strerror}") from error
        self._stat = stat
        return True

    def means(self) -> dict[Point, tuple[float, int]]:
        """Exact match at each moment: the sum over seeds of their means over stage-2 seeds, and how many seeds."""
        return {
            point: (sum(total / times for total, times in by_seed.values()), len(by_seed))
            for point, by_seed in self.scores.items()
        }

    def _forget(self) -> bool:
        self.reached, self.scores, self._stat = None, {}, None
        self._file.forget()
        return True

    def _read(self) -> None:
        for lines in self._file.more():
            if lines:
                self._take(lines)
            else:
                self._forget()

    def _take(self, lines: bytes) -> None:
        """Take in whole lines: scores, and where the last one is."""
        listed = lines[:-1].split(b"\n")
        rows = json.loads(b"[" + b",".join([line for line in listed if _SCORE in line]) + b"]")
        for _experiment, _cell, seed, stage, epoch, _measure, _set, subset, value, _n, *_rest in rows:
            if value is not None and math.isfinite(value):
                by_seed = self.scores.setdefault((stage, epoch, subset), {})
                total, times = by_seed.get(seed, (0.0, 0))
                by_seed[seed] = (total + value, times + 1)
        last = json.loads(listed[-1])
        self.reached = Reached(str(last[3]), int(last[10]), int(last[4]))
