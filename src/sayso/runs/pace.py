"""What a job says between two epochs: which step it is at, how fast it goes, what is being measured and how far."""

from __future__ import annotations

import time
from collections.abc import Callable

from sayso.core.learner import MatrixPeak, StepDone

#: Seconds between two events about steps.
EVERY_S = 1.0


class Speed:
    """How fast a job trains, measuring left out, from when this process began on it."""

    def __init__(self) -> None:
        self.tokens, self.seconds, self._at_peak = 0, 0.0, 0.0

    def add(self, tokens: int, seconds: float, peak: MatrixPeak | None) -> None:
        """Take in tokens that were trained on in so many seconds."""
        self.tokens += tokens
        self.seconds += seconds
        self._at_peak += peak.seconds(tokens) if peak else 0.0

    def summary(self) -> dict[str, float]:
        """Tokens, seconds, tokens a second, and the share of the matrix peak; empty where nothing was trained.

        The share is left out where no peak was measured.
        """
        if not self.tokens or not self.seconds:
            return {}
        found = {
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
            "tokens_a_second": round(self.tokens / self.seconds, 1),
        }
        return found | ({"share_of_matrix_peak": round(self._at_peak / self.seconds, 4)} if self._at_peak else {})


class Pace:
    """Tells of the steps of a stage, and of the shares of a measure, at most once in `EVERY_S` seconds.

    The event of a step has the epoch that is under way (from 1 on), the step of how many, the seconds its steps have
    taken so far and the tokens they were on; where a `peak` is known, the share of it, too. `speed` hears of all steps.
    """

    def __init__(
        self,
        stage: str,
        epochs: int,
        on_event: Callable[[dict[str, object]], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        speed: Speed | None = None,
        peak: MatrixPeak | None = None,
    ) -> None:
        self._stage, self._epochs, self._on_event, self._clock = stage, epochs, on_event, clock
        self._speed, self._peak = speed or Speed(), peak
        self._measure: dict[str, object] = {}
        self.begin(0)

    def begin(self, done: int) -> None:
        """An epoch begins after so many that are done."""
        self._epoch, self._tokens = done + 1, 0
        self._began = self._said = self._counted = self._clock()

    def step(self, done: StepDone) -> None:
        """Take in a step."""
        self._tokens += done.tokens
        self._count(done.tokens)
        if (now := self._due()) is None:
            return
        seconds = now - self._began
        event: dict[str, object] = {
            "event": "step",
            "stage": self._stage,
            "epoch": self._epoch,
            "epochs": self._epochs,
            "step": done.number,
            "steps": done.steps,
            "seconds": seconds,
            "tokens": self._tokens,
        }
        if self._peak is not None:
            event["share_of_matrix_peak"] = self._peak.seconds(self._tokens) / seconds
        self._on_event(event)

    def trained(self) -> None:
        """All steps of the epoch are done, on a GPU too, which may still have been at them after the last was given."""
        self._count(0)

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

    def _count(self, tokens: int) -> None:
        now = self._clock()
        self._speed.add(tokens, now - self._counted, self._peak)
        self._counted = now

    def _due(self) -> float | None:
        """The time, if it is time to say something again."""
        now = self._clock()
        if now - self._said < EVERY_S:
            return None
        self._said = now
        return now
