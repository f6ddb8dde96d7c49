r"""What a model said to every question, kept at the end of each stage, so that any score can be computed again.

{"seed": 600, "stage": "stage2", "stage2_seed": 0, "eval_set": "validation", "subset": "D5cons", "attribute": "born",
 "alias": "<|abcde|>", "prompt": "Q: When was <|abcde|> born?\nA:", "answers": ["19 century"], "said": "18 century",
 "match": false, "f1": 0.5, "loss": 2.31}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from sayso.core.answers import f1
from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When


class Predictions(Measure):
    """Keeps greedy answers as gzipped JSON lines in the job's folder; gives no numbers of its own.

    `eval_sets`: of evaluation sets whose names begin with one of these.
    """

    name: ClassVar[str] = "predictions"
    needs: ClassVar[frozenset[Need]] = frozenset({"scores", "answers"})
    when: When | tuple[When, ...] = "stage"
    eval_sets: tuple[str, ...] = ("validation", "entity_attribution")

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:  # noqa: ARG002
        """Give nothing."""
        yield from ()

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give a row for each question and replica."""
        for eval_set, subset in eval_sets:
            if not eval_set.startswith(self.eval_sets):
                continue
            asked, said = moment.examples(eval_set, subset), moment.answers(eval_set, subset)
            for replica, scores in enumerate(moment.scores(eval_set, subset)):
                for row, (item, answer) in enumerate(zip(asked[replica], said[replica], strict=True)):
                    yield (
                        replica,
                        {
                            "eval_set": eval_set,
                            "subset": subset,
                            "attribute": item.attribute,
                            "alias": item.alias,
                            "prompt": item.prompt,
                            "answers": list(item.answers),
                            "said": answer,
                            "match": bool(scores.match[row]),
                            "f1": round(f1(answer, item.answers), 6),
                            "loss": round(float(scores.loss[row]), 6),
                        },
                    )
