"""What a measure promises: it turns a moment of training into numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.learner import Candidates, Learner, Need, Scores
from sayso.core.shares import OnShare, unheard
from sayso.core.spec import Component
from sayso.core.training import TrainSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """One number a measure gives.

    Parameters
    ----------
    replica
        Of which replica, from 0 on.
    eval_set
        On which evaluation set.
    subset
        On which subset of it.
    value
        The number; NaN where it could not be measured.
    n
        Over how many examples.
    what
        Tells numbers of one measure apart, where it gives several: a metric, a layer, a position.
    """

    replica: int
    eval_set: str
    subset: str
    value: float
    n: int
    what: str = ""


@dataclass
class Moment:
    """A learner at one point of training, with the corpora of its replicas; scores are computed once and shared.

    Parameters
    ----------
    learner
        The learner.
    corpora
        The documents of each replica.
    train
        Settings of the stage.
    stage
        Its name.
    epoch
        How many epochs of it are done.
    on_share
        Hears, from 0 to 1, how much of a measure that takes long is done.
    """

    learner: Learner
    corpora: Sequence[Corpus]
    train: TrainSpec
    stage: str
    epoch: int
    on_share: OnShare = unheard
    _scores: dict[tuple[str, str], list[Scores]] = field(default_factory=dict)
    _candidates: dict[tuple[str, str], list[list[tuple[str, ...]]]] = field(default_factory=dict)
    _answers: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    _made: dict[Hashable, Any] = field(default_factory=dict)

    def examples(self, eval_set: str, subset: str) -> list[tuple[Example, ...]]:
        """Examples of one evaluation set, of every replica.

        Parameters
        ----------
        eval_set
            Its name.
        subset
            The subset.

        Returns
        -------
        list[tuple[Example, ...]]
            A tuple of examples for each replica.
        """
        return [self._find(corpus, eval_set, subset).examples for corpus in self.corpora]

    def scores(self, eval_set: str, subset: str) -> list[Scores]:
        """Scores of every replica on one evaluation set: loss and exact match.

        Parameters
        ----------
        eval_set
            Its name.
        subset
            The subset.

        Returns
        -------
        list[Scores]
            One for each replica, its arrays in the order of `examples`.
        """
        key = (eval_set, subset)
        if key not in self._scores:
            self._scores[key] = self.learner.scores(self.examples(eval_set, subset))
        return self._scores[key]

    def chosen(self, eval_set: str, subset: str, candidates: Sequence[Candidates]) -> list[list[NDArray[np.float64]]]:
        """Log-probabilities of candidates, of every replica's examples.

        In the pass of `scores` if that is yet to come. Those asked for last are kept, so that the same may be asked for
        again.

        Parameters
        ----------
        eval_set
            Its name.
        subset
            The subset.
        candidates
            For each replica, and each of its examples, the answers to choose among.

        Returns
        -------
        list[list[NDArray[np.float64]]]
            For each replica, and each of its examples, an array of shape (candidates,), in nats.
        """
        key = (eval_set, subset)
        asked = [[tuple(texts) for texts in own] for own in candidates]
        if key not in self._scores or self._candidates.get(key) != asked:
            self._scores[key] = self.learner.scores(self.examples(eval_set, subset), candidates)
            self._candidates[key] = asked
        return [each.choices or [] for each in self._scores[key]]

    def answers(self, eval_set: str, subset: str) -> list[list[str]]:
        """Greedy answers of every replica on one evaluation set; those that scores have shown are not decoded again.

        Parameters
        ----------
        eval_set
            Its name.
        subset
            The subset.

        Returns
        -------
        list[list[str]]
            For each replica an answer an example.
        """
        key = (eval_set, subset)
        if key not in self._answers:
            examples = self.examples(eval_set, subset)
            known = [each.known() if each.known is not None else {} for each in self._scores.get(key, ())]
            self._answers[key] = self._completed(examples, known) if any(known) else self.learner.answers(examples)
        return self._answers[key]

    def _completed(self, examples: Sequence[Sequence[Example]], known: Sequence[Mapping[int, str]]) -> list[list[str]]:
        """Greedy answers, where those at some places of each replica are known."""
        rest = [
            [example for place, example in enumerate(own) if place not in there]
            for own, there in zip(examples, known, strict=True)
        ]
        found = map(iter, self.learner.answers(rest))
        return [
            [there[place] if place in there else next(said) for place in range(len(own))]
            for own, there, said in zip(examples, known, found, strict=True)
        ]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first call with this key: numbers and details of a measure come of it.

        Parameters
        ----------
        key
            What it is kept under.
        make
            Makes it.

        Returns
        -------
        T
            The same thing at every call.
        """
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    @staticmethod
    def _find(corpus: Corpus, eval_set: str, subset: str) -> EvalSet:
        return next(item for item in corpus.eval_sets if (item.name, item.subset) == (eval_set, subset))


#: After every epoch (or every so many, as the stage says), every n epochs, at the end of a stage, before a stage.
When = Literal["epoch", "stage", "start"] | Annotated[int, Field(ge=1)]


class Measure(Component, ABC):
    """Turns a moment of training into numbers. Evaluation and mechanism analysis are the same thing.

    A class of your own sets `name`, which stands in the records, and `measure`; and where they differ `needs`, what it
    asks of a learner, and `significant`, whether its values are of any size, and recorded with six significant digits;
    else with six decimals.

    Parameters
    ----------
    when
        When it is due: after every ``epoch`` (or every so many, as the stage says), every n epochs, at the end of a
        ``stage``, before one (``start``), or several of these.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})
    significant: ClassVar[bool] = False
    when: When | tuple[When, ...] = "epoch"

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:
        """Refuse an experiment with other subsets than it needs, by a ValueError; mostly none.

        Parameters
        ----------
        subsets
            The experiment's subsets.
        defined
            Those whose aliases are defined in documents of their own.
        """

    def rehearse(self, moment: Moment) -> None:
        """Refuse data and a learner it cannot be taken of, before anything is trained; mostly none.

        Parameters
        ----------
        moment
            The first moment of the run.

        Raises
        ------
        SaysoError
            If it could not be taken later, whatever the weights.
        """

    def covers(self, subset: str, eval_set: str) -> bool:  # noqa: ARG002
        """Whether its records will hold numbers of a subset on an evaluation set, where both are there; mostly so.

        Parameters
        ----------
        subset
            The subset.
        eval_set
            The evaluation set.

        Returns
        -------
        bool
            Whether they will.
        """
        return True

    @abstractmethod
    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the scores of all replicas on the named evaluation sets.

        Parameters
        ----------
        moment
            A learner at one point of training.
        eval_sets
            Pairs of an evaluation set and a subset.

        Yields
        ------
        Score
            One number of one replica.
        """

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:  # noqa: ARG002
        """Give rows to keep in a file of the job's folder at the end of a stage; mostly none.

        Parameters
        ----------
        moment
            A learner at one point of training.
        eval_sets
            Pairs of an evaluation set and a subset.

        Yields
        ------
        tuple[int, dict[str, Any]]
            The replica, and a row that JSON can hold.
        """
        yield from ()
