"""Mean loss of whole documents, prompts included: what the authors' program logs (figure 8 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When


class DocumentLoss(Measure):
    """Negative log likelihood of all tokens of a document in nats per token, averaged over documents.

    Where `MeanLoss` has what is said, given the prompt, this has the prompt, too, and of what follows a document's last
    word as much as counts in training (``train.padding_loss``). A sequence-to-sequence model writes completions alone,
    and both are one but for that.

    Parameters
    ----------
    eval_sets
        Of which sets.
    """

    name: ClassVar[str] = "document_loss"
    needs: ClassVar[frozenset[Need]] = frozenset({"documents"})
    when: When | tuple[When, ...] = "stage"
    eval_sets: tuple[str, ...] = ("train_qa", "validation", "definitions")

    def covers(self, subset: str, eval_set: str) -> bool:  # noqa: ARG002
        """Whether an evaluation set is one of those."""
        return eval_set in self.eval_sets

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the mean loss of each replica; NaN where there is nothing to score."""
        for eval_set, subset in eval_sets:
            if not self.covers(subset, eval_set):
                continue
            examples = moment.examples(eval_set, subset)
            for replica, loss in enumerate(moment.learner.document_losses(examples, moment.train)):
                value = float(loss.mean()) if len(loss) else float("nan")
                yield Score(replica, eval_set, subset, value, len(loss))
