"""Steering: whether answers follow, when what tells reliable definitions from unreliable is added at the alias.

A probe says what can be read, not what is used. So the direction that tells D1cons_QA1 from D2incons_QA2 is added, in
place, where an alias is read, and the question is answered. A direction that reads but does not steer shows as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Need, Steering
from sayso.core.measure import Measure, Moment, Score, When
from sayso.core.rng import stream
from sayso.core.shares import Counter, OnShare
from sayso.measures.probing.kinds import each_kind, over_kinds
from sayso.measures.probing.logistic import fits
from sayso.measures.probing.probes import Strength, are_due, questions_of
from sayso.measures.probing.questions import Questions, attribute_of_most
from sayso.measures.probing.reading import layers_of, only, read_layers
from sayso.measures.probing.tasks import TASKS, require_subsets, subsets_of

#: What is added, all of one length: the difference of the two classes' means, what a probe of tags weighs by, and a
#: direction that was drawn at random.
DIRECTIONS = ("difference of means", "probe", "random")

#: The evaluation set of what directions do, over kinds of questions and layers.
EFFECT = "steered"


def effect_of(reading: str, direction: str) -> str:
    """The `what` of what a direction does to a reading, such as ``loss`` or ``as defined likelier``."""
    return f"{reading}, {direction}, effect"


class Steered(Measure):
    """Losses of answers while a direction is added at the alias's last token.

    Directions point from D2incons_QA2 to D1cons_QA1; they are those of what passes at the alias's last token in the
    same questions about these two, and as long as the difference of their means: that difference itself, what a probe
    of tags weighs by, and one drawn at random.

    The evaluation set is ``steered.validation.born`` and the like; `Score.what` begins with what is measured, a mean
    over questions:

    - ``loss``: of the true answer, in nats a token;
    - ``loss as defined``: of what is true of the entity that the alias's definition names, where that is another one
      than it stands for, and the answers differ;
    - ``as defined likelier``: the share of these questions where the second has less loss than the first;

    and goes on with ``unsteered`` or with ``difference of means, layer 1, strength +2``. On ``steered``, means over the
    kinds of questions: ``difference of means, effect``, what it is at strength 1 less what it is at -1, a mean over
    layers.

    Parameters
    ----------
    subsets
        Which are asked about.
    eval_sets
        With which questions, of one kind at a time.
    attributes
        Which kinds; None: the one that most aliases have.
    strengths
        How many times a direction is added.
    layers
        After which blocks (0: before the first); None for all but the last, after which nothing more is read.
    probe_strength
        C of the probe.
    token_count
        As of `Probes`.
    """

    name: ClassVar[str] = "steered"
    needs: ClassVar[frozenset[Need]] = frozenset({"activations"})
    when: When | tuple[When, ...] = "stage"
    subsets: tuple[str, ...] = Field(default=("D2incons_QA2", "D6cons", "D5cons"), min_length=1)
    eval_sets: tuple[str, ...] = Field(default=("validation",), min_length=1)
    attributes: tuple[str, ...] | None = Field(default=None, min_length=1)
    strengths: tuple[float, ...] = Field(default=(-2, -1, 1, 2), min_length=1)
    layers: tuple[int, ...] | None = Field(default=None, min_length=1)
    probe_strength: Strength = 0.01
    token_count: int | None = Field(default=None, ge=1)

    @field_validator("strengths")
    @classmethod
    def _not_none(cls, strengths: tuple[float, ...]) -> tuple[float, ...]:
        if 0 in strengths:
            raise ValueError("leave 0 out: what is not steered is measured in any case")
        return strengths

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:  # noqa: ARG002
        """Refuse an experiment that lacks the two subsets directions are made of, or one that is asked about."""
        require_subsets(self.name, [*subsets_of(("tag",)), *self.subsets], subsets)

    def covers(self, subset: str, eval_set: str) -> bool:
        """See `Measure.covers`."""
        return eval_set == EFFECT and subset in self.subsets

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give what each direction does to the answers about each subset.

        The evaluation set is ``steered.validation.born`` and the like; `Score.what` begins with what is measured:

        - ``loss``: of the true answer, in nats a token; a mean over questions, like all of these;
        - ``loss as defined``: of what is true of the entity that the alias's definition names, where that is another
          one than it stands for, and the answers differ;
        - ``as defined likelier``: the share of these questions where the second has less loss than the first;

        and goes on with ``unsteered`` or with ``difference of means, layer 1, strength +2``. On ``steered``, means over
        the kinds of questions: ``difference of means, effect``, what it is at strength 1 less what it is at -1, a mean
        over layers.
        """
        found = self._found(moment, eval_sets)
        for each in found:
            yield from each.scores()
        yield from over_kinds(score for each in found for score in each.effects())

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give of each layer how long directions are, beside what they are added to, and the aliases left out."""
        for each in self._found(moment, eval_sets):
            yield from each.rows()

    def _found(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> list[_Found]:
        if not are_due(moment, self.eval_sets, eval_sets):
            return []
        return moment.once(
            self.canonical_json(), lambda: [self._of(moment, *kind) for kind in each_kind(moment, self._attributes)]
        )

    def rehearse(self, moment: Moment) -> None:
        """See `Measure.rehearse`."""
        for replica, _, attribute, _ in each_kind(moment, self._attributes):
            self._questions(moment, replica, attribute)

    def _attributes(self, corpus: Corpus) -> tuple[str, ...]:
        return self.attributes or (attribute_of_most(corpus, subsets_of(("tag",))),)

    def _of(self, moment: Moment, replica: int, corpus: Corpus, attribute: str, on_share: OnShare) -> _Found:
        questions = self._questions(moment, replica, attribute)
        layers = layers_of(moment.learner, self.layers)
        layers = layers if self.layers is not None else layers[:-1]
        answers = _Answers.of(corpus, questions, self.subsets)
        place = questions.alias[-1]
        found = _Found(replica, f"steered.{'+'.join(self.eval_sets)}.{attribute}", questions, answers)

        def losses(steering: Sequence[Steering]) -> NDArray[np.float64]:
            learner = moment.learner
            added = [steering if other == replica else () for other in range(learner.replicas)]
            return learner.steered_losses(only(learner.replicas, replica, answers.examples), added)[replica]

        found.losses["unsteered"] = losses(())
        at = np.full((len(answers.examples), 1), place, dtype=np.int64)
        done = Counter(len(layers), on_share)
        for layer, values in read_layers(moment.learner, replica, questions.examples, layers, [place]):
            ways = self._directions(corpus.seed, layer, values[0], questions)
            found.lengths[layer] = _lengths(ways, values[0])
            for name, way in ways.items():
                for strength in self.strengths:
                    key = f"{name}, layer {layer}, strength {strength:+g}"
                    found.losses[key] = losses([Steering(layer, at, (strength * way).astype(np.float32))])
            done.add(1)
        return found

    def _questions(self, moment: Moment, replica: int, attribute: str) -> Questions:
        """Questions of one kind about all subsets."""
        questions, whole = questions_of(
            moment, replica, attribute, self.eval_sets, ("tag",), self.token_count, self.subsets
        )
        if not whole:
            lacking = next(subset for subset in self.subsets if not questions.of(subset))
            raise SaysoError(
                f"measure {self.name}: no question about '{attribute}' of {lacking} in {' or '.join(self.eval_sets)} "
                f"has an alias of {len(questions.alias)} tokens; leave the subset out, or set attributes or token_count"
            )
        return questions

    def _directions(
        self, seed: int, layer: int, values: NDArray[np.float32], questions: Questions
    ) -> dict[str, NDArray[np.float64]]:
        """What is added at one layer, once; from the unreliable source's aliases to the reliable one's."""
        second = TASKS["tag"].second
        rows = {subset: questions.of(subset) for subset in second}
        means = {second[subset]: values[own].mean(0, dtype=np.float64) for subset, own in rows.items()}
        difference = means[True] - means[False]
        both = [row for own in rows.values() for row in own]
        labels = np.array([[second[questions.examples[row].subset] for row in both]])
        (probe,) = fits(values[None, both], labels, np.ones_like(labels), self.probe_strength)
        drawn = stream(seed, "steered", "direction", layer).normal(size=difference.shape)
        ways = (difference, probe.weights()[0, 0], drawn)
        length = np.linalg.norm(difference)
        return {name: way * length / (np.linalg.norm(way) or 1) for name, way in zip(DIRECTIONS, ways, strict=True)}


@dataclass(frozen=True)
class _Answers:
    """What may be answered: `examples` as they are scored, first with the true answers, then as defined.

    `true` and `other`: by subset, positions of questions with the true answer, and of pairs of the same question with
    the true answer and with what the definition's entity would give.
    """

    examples: tuple[Example, ...]
    true: Mapping[str, list[int]]
    other: Mapping[str, list[tuple[int, int]]]

    @classmethod
    def of(cls, corpus: Corpus, questions: Questions, subsets: Sequence[str]) -> _Answers:
        named, facts = _defined_as(corpus), _facts(corpus, questions.attribute)
        examples: list[Example] = []
        true: dict[str, list[int]] = {subset: [] for subset in subsets}
        for subset in subsets:
            for row in questions.of(subset):
                true[subset].append(len(examples))
                examples.append(questions.examples[row])
        other: dict[str, list[tuple[int, int]]] = {subset: [] for subset in subsets}
        for subset in subsets:
            for place in true[subset]:
                own = examples[place]
                theirs = facts.get(named.get(own.alias, own.entity))
                if theirs is not None and not set(theirs.answers) & set(own.answers):
                    other[subset].append((place, len(examples)))
                    examples.append(replace(own, completion=theirs.completion, answers=theirs.answers))
        return cls(tuple(examples), true, other)


def _defined_as(corpus: Corpus) -> dict[str, str]:
    """The entity that the definition of an alias names, where it can be told.

    It is asked for where it is not the one that the alias stands for; else it is what the definition ends with.
    """
    said = {
        item.alias: item.answers[0]
        for each in corpus.eval_sets
        for item in each.examples
        if item.kind == "definition" and item.answers
    }
    sets = [each for each in corpus.eval_sets if each.name.startswith("attribution_as_defined.")]
    return said | {item.alias: item.answers[0] for each in sets for item in each.examples}


def _facts(corpus: Corpus, attribute: str) -> dict[str, Example]:
    """A question of this kind about each entity, for its answer."""
    return {
        item.entity: item
        for each in corpus.eval_sets
        for item in each.examples
        if item.kind == "question" and item.attribute == attribute
    }


def _lengths(ways: Mapping[str, NDArray[np.float64]], values: NDArray[np.float32]) -> dict[str, float]:
    """How long directions are, how long what they are added to, and how alike the two that are found."""
    difference, probe = ways[DIRECTIONS[0]], ways[DIRECTIONS[1]]
    length = float(np.linalg.norm(difference))
    return {
        "length": round(length, 6),
        "of_activations": round(float(np.linalg.norm(values, axis=1).mean()), 6),
        "cosine_of_probe": round(float(difference @ probe) / (length**2 or 1), 6),
    }


@dataclass(frozen=True)
class _Found:
    """Losses of all answers by what was added, of one replica and kind of question."""

    replica: int
    eval_set: str
    questions: Questions
    answers: _Answers
    losses: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    lengths: dict[int, dict[str, float]] = field(default_factory=dict)

    def scores(self) -> Iterator[Score]:
        """What `Steered.measure` gives."""
        for subset in self.answers.true:
            values = {key: self._read(subset, losses) for key, losses in self.losses.items()}
            for reading, (_, count) in values["unsteered"].items():
                for key, found in values.items():
                    yield Score(self.replica, self.eval_set, subset, found[reading][0], count, f"{reading}, {key}")

    def effects(self) -> Iterator[Score]:
        """What each direction does at strength 1, less what it does at -1, means over layers."""
        for subset in self.answers.true:
            values = {key: self._read(subset, losses) for key, losses in self.losses.items()}
            for reading, (_, count) in values["unsteered"].items():
                for name in DIRECTIONS:
                    pairs = [
                        [f"{name}, layer {layer}, strength {strength:+g}" for strength in (1, -1)]
                        for layer in self.lengths
                    ]
                    if all(key in values for pair in pairs for key in pair):
                        change = [values[up][reading][0] - values[down][reading][0] for up, down in pairs]
                        yield Score(
                            self.replica, EFFECT, subset, float(np.mean(change)), count, effect_of(reading, name)
                        )

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """What `Steered.details` gives."""
        for layer, lengths in self.lengths.items():
            yield self.replica, {"eval_set": self.eval_set, "layer": layer, **lengths}
        for left in self.questions.left_out:
            named = {"left_out": left.alias, "of": left.subset, "tokens": left.tokens}
            yield self.replica, {"eval_set": self.eval_set, **named}

    def _read(self, subset: str, losses: NDArray[np.float64]) -> dict[str, tuple[float, int]]:
        """Each number, and over how many questions it is a mean."""
        true = self.answers.true[subset]
        result = {"loss": (float(losses[true].mean()), len(true))}
        if pairs := self.answers.other[subset]:
            own, theirs = (losses[list(places)] for places in zip(*pairs, strict=True))
            result["loss as defined"] = (float(theirs.mean()), len(pairs))
            result["as defined likelier"] = (float((theirs < own).mean()), len(pairs))
        return result
