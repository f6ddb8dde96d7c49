"""Belief: how sure a model is of what a definition implies, by forced choice among candidate answers.

Exact match counts an answer that a model is almost, but not quite, ready to give as nothing. Here the answer is
compared with others of its kind, all of them scored where the answer would stand:

    born <|kwoda|> ?    1 century BC  -1.2    19 century  -2.9    1980s  -4.4    log-probabilities in nats

What a model would say of any alias is taken off: of each candidate's log-probability its mean over aliases that nobody
ever defined (a domain-conditional pointwise mutual information). So is, where questions have two answers, a habit of
saying yes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sayso.core.corpus import Corpus
from sayso.core.errors import nearest
from sayso.core.examples import Example
from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When
from sayso.measures.choices import Choices

Floats = NDArray[np.float64]

#: The mean log-probability of each candidate of a kind of question, of aliases that nobody defined.
Habits = Mapping[str, Mapping[str, float]]


class Belief(Measure):
    """Forced choice among the right answer, the rival one, and others of the same column.

    Its numbers (`Score.what`) are means over questions:

    - ``accuracy``: share of questions whose right answer is the likeliest candidate; of n that are equally likely 1/n.
    - ``reciprocal_rank``: 1 over the rank of the right answer among the candidates.
    - ``log_odds``: log-odds of the right answer against all other candidates together, in nats.
    - ``versus``: where another entity was named, too, and its answer is another one, share of questions whose right
      answer is likelier than that one.
    - ``versus_log_odds``: the log-odds of these two, in nats.

    The same with ``calibrated_`` before it, where there are undefined aliases: what a model would say of any alias is
    taken off.

    Parameters
    ----------
    eval_sets
        Of evaluation sets whose names begin with one of these.
    most
        How many candidates a question has.
    control
        Subsets of aliases that nobody defines, by which numbers are calibrated; None: all that are asked about, but
        neither defined nor trained on with questions (QA7).
    controls
        How many questions of theirs of one kind.
    """

    name: ClassVar[str] = "belief"
    needs: ClassVar[frozenset[Need]] = frozenset({"scores", "choices"})
    when: When | tuple[When, ...] = "stage"
    eval_sets: tuple[str, ...] = ("validation", "entity_attribution")
    most: int = Field(default=16, ge=2)
    control: tuple[str, ...] | None = None
    controls: int = Field(default=64, ge=1)

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:
        """Refuse a control that is not there, or defined."""
        for name in self.control or ():
            if name not in subsets:
                raise ValueError(f"measure {self.name}: no subset '{name}'{nearest(name, subsets)}")
            if name in defined:
                raise ValueError(f"measure {self.name}: control {name} is defined; name a subset that is not")

    def covers(self, subset: str, eval_set: str) -> bool:  # noqa: ARG002
        """Whether its records will hold numbers of an evaluation set."""
        return eval_set.startswith(self.eval_sets)

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the numbers of every subset, calibrated ones where there are undefined aliases."""
        choices = [
            moment.once((self.name, self.most, replica), functools.partial(Choices, corpus, self.most))
            for replica, corpus in enumerate(moment.corpora)
        ]
        control = self._control(moment.corpora[0])
        for name in dict.fromkeys(eval_set for eval_set, subset in eval_sets if self.covers(subset, eval_set)):
            subsets = [subset for eval_set, subset in eval_sets if eval_set == name]
            asked = {
                subset: _asked(moment, choices, name, subset, self.controls if subset in control else 0)
                for subset in subsets
            }
            habits = [
                _habits([asked[subset][replica] for subset in subsets if subset in control])
                for replica in range(len(moment.corpora))
            ]
            for subset in subsets:
                for replica, habit in enumerate(habits):
                    for what, value, count in _numbers(asked[subset][replica], habit):
                        yield Score(replica, name, subset, value, count, what)

    def _control(self, corpus: Corpus) -> set[str]:
        """The subsets that numbers are calibrated by."""
        if self.control is not None:
            return set(self.control)
        defined = {item.subset for item in corpus.assignments if item.source is not None}
        trained = {item.subset for item in corpus.eval_sets if item.name == "train_qa"}
        return {item.subset for item in corpus.assignments} - defined - trained


@dataclass(frozen=True)
class _Row:
    """A question, the texts it was asked among and their log-probabilities; the first `own` are its candidates."""

    example: Example
    own: int
    texts: Sequence[str]
    values: Floats

    def less(self, habit: Mapping[str, float] | None) -> Floats | None:
        """Log-probabilities of its own candidates less what is said out of habit; None where that is not known."""
        texts = self.texts[: self.own]
        if habit is None or any(text not in habit for text in texts):
            return None
        less: Floats = self.values[: self.own] - np.array([habit[text] for text in texts])
        return less


def _asked(moment: Moment, choices: Sequence[Choices], eval_set: str, subset: str, wide: int) -> list[list[_Row]]:
    """The questions of one evaluation set and subset, of every replica; `wide` of each kind among all the column."""
    examples = moment.examples(eval_set, subset)
    counts: list[list[int]] = []
    texts: list[list[list[str]]] = []
    for own, asked in zip(choices, examples, strict=True):
        seen: dict[str, int] = {}
        counts.append([])
        texts.append([])
        for example in asked:
            seen[example.attribute] = seen.get(example.attribute, 0) + 1
            narrow = own.of(example)
            counts[-1].append(len(narrow))
            texts[-1].append(own.with_column(example) if seen[example.attribute] <= wide else narrow)
    values = moment.chosen(eval_set, subset, texts)
    return [
        [_Row(*each) for each in zip(*parts, strict=True)]
        for parts in zip(examples, counts, texts, values, strict=True)
    ]


def _habits(asked: Sequence[Sequence[_Row]]) -> Habits:
    """What is said of undefined aliases: means over their questions of each kind."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in (row for rows in asked for row in rows):
        column = found.setdefault(row.example.attribute, {})
        for text, value in zip(row.texts, row.values.tolist(), strict=True):
            column.setdefault(text, []).append(value)
    return {name: {text: float(np.mean(own)) for text, own in column.items()} for name, column in found.items()}


def _numbers(rows: Sequence[_Row], habits: Habits) -> Iterator[tuple[str, float, int]]:
    """Names, values and counts of all numbers of some questions; nothing of none."""
    asked = [row for row in rows if row.own > 1]  # where all answers are the same there is nothing to choose
    plain = [(row.example, row.values[: row.own]) for row in asked]
    less = [(row.example, row.less(habits.get(row.example.attribute))) for row in asked]
    known = [(example, values) for example, values in less if values is not None]
    for start, own in (("", plain), ("calibrated_", known)):
        if not own:
            continue
        chosen = [_choice(values) for _, values in own]
        for what, each in zip(("accuracy", "reciprocal_rank", "log_odds"), zip(*chosen, strict=True), strict=True):
            yield start + what, float(np.mean(each)), len(own)
        against = np.array([values[0] - values[1] for example, values in own if example.rival])
        if len(against):
            yield f"{start}versus", float(np.mean((against > 0) + (against == 0) / 2)), len(against)
            yield f"{start}versus_log_odds", float(against.mean()), len(against)


def _choice(values: Floats) -> tuple[float, float, float]:
    """Whether the first is the largest, 1 over its rank, and its log-odds against all others together."""
    right, others = values[0], values[1:]
    above, alike = int((others > right).sum()), int((others == right).sum())
    accuracy = 0.0 if above else 1 / (1 + alike)
    together = others.max() + np.log(np.exp(others - others.max()).sum())
    return accuracy, 1 / (1 + above + alike / 2), float(right - together)
