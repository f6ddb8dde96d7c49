"""What a job says between two epochs: which step it is at, how fast it goes, what is being measured and how far."""

from __future__ import annotations

import time
from collections.abc import Callable

from sayso.core.learner import StepDone

#: Seconds between two events about steps.
EVERY_S = 1.0


class Pace:
    """Tells of the steps of a stage, and of the shares of a measure, at most once in `EVERY_S` seconds.

    The event of a step has the epoch that is under way (from 1 on), the step of how many, the seconds its steps have
    taken so far and the tokens they were on.
    """

    def __init__(
        self,
        stage: str,
        epochs: int,
        on_event: Callable[[dict[str, object]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage, self._epochs, self._on_event, self._clock = stage, epochs, on_event, clock
        self._measure: dict[str, object] = {}
        self.begin(0)

    def begin(self, done: int) -> None:
        """An epoch begins after so many that are done."""
        self._epoch, self._tokens = done + 1, 0
        self._began = self._said = self._clock()

    def step(self, done: StepDone) -> None:
        """Take in a step."""
        self._tokens += done.tokens
        if (now := self._due()) is None:
            return
        self._on_event(
            {
                "event": "step",
                "stage": self._stage,
                "epoch": self._epoch,
                "epochs": self._epochs,
                "step": done.number,
                "steps": done.steps,
                "seconds": now - self._began,
                "tokens": self._tokens,
            }
        )

    def measuring(self, measure: str, epoch: int) -> None:
        """A measure is going to be taken after so many epochs."""
        self._measure = {
            "event": "measuring",
            "stage": self._stage,
            "epoch": epoch,
            "epochs": self._epochs,
            "measure": measure,
        }
        self._said = self._clock()
        self._on_event({**self._measure, "share": 0.0})

    def share(self, share: float) -> None:
        """Take in what share of the measure is done."""
        if self._due() is not None:
            self._on_event({**self._measure, "share": share})

    def _due(self) -> float | None:
        """The time, if it is time to say something again."""
        now = self._clock()
        if now - self._said < EVERY_S:
            return None
        self._said = now
        return now
