"""Which answers a question lets a model choose among: its own, the rival one, and others of the same column."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.rng import stream


class Choices:
    """Candidate answers of one corpus: `most` a question.

    A column is what is answered to one kind of question, right or as a rival, of whatever is asked about anywhere; for
    each, its order is drawn once, so that questions of a kind have the same candidates but for their own answers.
    """

    def __init__(self, corpus: Corpus, most: int) -> None:
        columns: dict[str, dict[str, None]] = {}
        for item in corpus.eval_sets:
            for example in item.examples:
                if example.kind != "definition":
                    column = columns.setdefault(example.attribute, {})
                    column.update(dict.fromkeys(text for text in (example.answers[0], example.rival) if text))
        self._columns = {name: _shuffled(corpus.seed, name, sorted(found)) for name, found in columns.items()}
        self._most = most

    def of(self, example: Example) -> list[str]:
        """Candidates of a question: the right answer first, the rival one second, where there is one."""
        own = [example.answers[0], *([example.rival] if example.rival else [])]
        others = (text for text in self._columns[example.attribute] if text != example.rival)
        own += [text for text in others if text not in example.answers]
        return own[: self._most]

    def with_column(self, example: Example) -> list[str]:
        """The same, and after them all others of the column."""
        own = self.of(example)
        return [*own, *(text for text in self._columns[example.attribute] if text not in own)]


def _shuffled(seed: int, name: str, column: Sequence[str]) -> list[str]:
    return [column[at] for at in stream(seed, "candidates", name).permutation(len(column))]
