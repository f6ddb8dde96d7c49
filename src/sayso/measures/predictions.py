"""What a model said to every question, kept at the end of each stage, so that any score can be computed again.

What a line of the file holds, and how it is read, is said in `sayso.core.predictions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from sayso.core.answers import f1
from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When
from sayso.core.predictions import PREDICTIONS


class Predictions(Measure):
    """Keeps greedy answers in the job's folder; gives no numbers of its own.

    `Results.predictions` reads them.

    Parameters
    ----------
    eval_sets
        Of evaluation sets whose names begin with one of these.
    """

    name: ClassVar[str] = PREDICTIONS
    needs: ClassVar[frozenset[Need]] = frozenset({"scores", "answers"})
    when: When | tuple[When, ...] = "stage"
    eval_sets: tuple[str, ...] = ("validation", "entity_attribution")

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:  # noqa: ARG002
        """Give nothing."""
        yield from ()

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give a row of columns, a value a question, for each evaluation set, subset and replica."""
        for eval_set, subset in eval_sets:
            if not eval_set.startswith(self.eval_sets):
                continue
            asked, scored = moment.examples(eval_set, subset), moment.scores(eval_set, subset)
            said = moment.answers(eval_set, subset)
            for replica, scores in enumerate(scored):
                own = asked[replica]
                yield (
                    replica,
                    {
                        "eval_set": eval_set,
                        "subset": subset,
                        "attribute": [item.attribute for item in own],
                        "alias": [item.alias for item in own],
                        "prompt": [item.prompt for item in own],
                        "answers": [list(item.answers) for item in own],
                        "said": said[replica],
                        "match": scores.match.tolist(),
                        "f1": [round(f1(each, item.answers), 6) for each, item in zip(said[replica], own, strict=True)],
                        "loss": scores.loss.round(6).tolist(),
                    },
                )
