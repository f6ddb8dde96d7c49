"""Mean loss on evaluation sets, questions and definitions apart (figure 8 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sayso.core.measure import Measure, Moment, Score


class MeanLoss(Measure):
    """Negative log likelihood of the completion in nats per token, averaged over examples, after each epoch."""

    name: ClassVar[str] = "loss"

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the mean loss of each replica; NaN where there is nothing to score."""
        for eval_set, subset in eval_sets:
            for replica, scores in enumerate(moment.scores(eval_set, subset)):
                value = float(scores.loss.mean()) if len(scores.loss) else float("nan")
                yield Score(replica, eval_set, subset, value, len(scores.loss))
