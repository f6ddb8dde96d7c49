"""Linear probes: whether it can be read off a question that its alias was defined, and by whom (section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sayso.core.corpus import Corpus
from sayso.core.learner import Need
from sayso.core.measure import Measure, Moment, Score, When
from sayso.core.rng import stream
from sayso.core.shares import OnShare, part_of
from sayso.measures.probing.crossval import Read, read
from sayso.measures.probing.kinds import each_kind, over_kinds
from sayso.measures.probing.questions import Questions, asked, attribute_of_most, of_one_length
from sayso.measures.probing.reading import layers_of, only, read_layers
from sayso.measures.probing.tasks import TRANSFER, Apart, Cast, Task, cast, require_subsets, subsets_of

#: The evaluation set of what is read at the alias, over kinds of questions and layers.
AT_ALIAS = "probes"

Strength = Annotated[float, Field(gt=0)]


class Probes(Measure):
    """Accuracy of linear probes on held-out aliases, by layer and token of a question (section 5.2 of the paper).

    A probe is a logistic regression on what passes between two layers at one token of a question. Classes are balanced
    in each of the `folds`. Aliases that are left out are named in the details. Where D5cons and D6cons are asked about,
    the probe of tags, trained on all of its aliases, is read on theirs too.

    The evaluation set is ``probe.validation.born`` and the like, the subset the task, and `Score.what`:

    - ``layer 2, token 1: alias 1``, and the same with ``, permuted`` (mean over shuffled labels);
    - ``layer 2, token 1: alias 1, transfer``: D5cons against D6cons, by the probe of tags;
    - ``converged``: the share of probes that were solved.

    On ``probes``, means over the kinds of questions and over the layers but 0 (where there are others), at the alias's
    last token: ``alias``, ``alias, permuted``, ``alias, random directions``, ``alias, transfer``, ``alias, transfer
    permuted``.

    Parameters
    ----------
    tasks
        What a probe tells apart: ``presence``, D1cons_QA1 and D2incons_QA2 from QA3, and ``tag``, D1cons_QA1 from
        D2incons_QA2.
    eval_sets
        Whose questions are read, of one kind at a time.
    attributes
        Which kinds; None: the one that most aliases have.
    strength
        C, the authors' program's 0.01, or several, of which each probe takes the one that reads best within the folds
        it is trained on.
    folds
        How many parts the aliases are cut into, each held out once.
    apart
        What is never in two folds, an ``entity`` or an ``alias``. Where few entities are shared by all subsets these
        are two questions: by alias a probe may read how an alias of a known entity differs from its others (how sure
        the model is of it, say), by entity only what is common to all.
    permutations
        How many times labels are shuffled, to see what a probe reads where there is nothing to be read.
    directions
        Through how many random directions the same is read, one number each, to see what any direction gives away.
    layers
        Which layers (0 is what enters the first block); None for all.
    token_count
        How many tokens the aliases that are read have; None: as most have.
    """

    name: ClassVar[str] = "probes"
    needs: ClassVar[frozenset[Need]] = frozenset({"activations"})
    when: When | tuple[When, ...] = "stage"
    tasks: tuple[Task, ...] = Field(default=("presence", "tag"), min_length=1)
    eval_sets: tuple[str, ...] = Field(default=("validation",), min_length=1)
    attributes: tuple[str, ...] | None = Field(default=None, min_length=1)
    strength: Strength | Annotated[tuple[Strength, ...], Field(min_length=1)] = 0.01
    folds: int = Field(default=5, ge=2)
    apart: Apart = "entity"
    permutations: int = Field(default=20, ge=0)
    directions: int = Field(default=20, ge=0)
    layers: tuple[int, ...] | None = Field(default=None, min_length=1)
    token_count: int | None = Field(default=None, ge=1)

    def check(self, subsets: Sequence[str], defined: Sequence[str]) -> None:  # noqa: ARG002
        """Refuse an experiment that lacks a task's subset."""
        require_subsets(self.name, subsets_of(self.tasks), subsets)

    def covers(self, subset: str, eval_set: str) -> bool:
        """See `Measure.covers`."""
        return eval_set == AT_ALIAS and subset in self.tasks

    def measure(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[Score]:
        """Give the accuracy at each place, and at the alias's last token over the layers; each beside its baselines.

        The evaluation set is ``probe.validation.born`` and the like, the subset the task, and `Score.what`:

        - ``layer 2, token 1: alias 1``, and the same with ``, permuted`` (mean over shuffled labels);
        - ``layer 2, token 1: alias 1, transfer``: D5cons against D6cons, by the probe of tags;
        - ``converged``: the share of probes that were solved.

        On ``probes``, means over the kinds of questions and over the layers but 0 (where there are others), at the
        alias's last token: ``alias``, ``alias, permuted``, ``alias, random directions``, ``alias, transfer``, ``alias,
        transfer permuted``.
        """
        maps = self._maps(moment, eval_sets)
        for each in maps:
            yield from each.scores()
        yield from over_kinds(score for each in maps for score in each.at_alias())

    def details(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the whole map with the range of shuffled labels, a row a place, and the aliases left out."""
        for each in self._maps(moment, eval_sets):
            yield from each.rows()

    def _maps(self, moment: Moment, eval_sets: Sequence[tuple[str, str]]) -> list[Map]:
        if not are_due(moment, self.eval_sets, eval_sets):
            return []
        return moment.once(self.canonical_json(), lambda: list(self._made(moment)))

    def rehearse(self, moment: Moment) -> None:
        """See `Measure.rehearse`."""
        for replica, corpus, attribute, _ in each_kind(moment, self._attributes):
            self._casts(moment, replica, corpus, attribute)

    def _attributes(self, corpus: Corpus) -> tuple[str, ...]:
        return self.attributes or (attribute_of_most(corpus, subsets_of(self.tasks)),)

    def _made(self, moment: Moment) -> Iterator[Map]:
        for kind in each_kind(moment, self._attributes):
            yield from self._of(moment, *kind)

    def _of(self, moment: Moment, replica: int, corpus: Corpus, attribute: str, on_share: OnShare) -> Iterator[Map]:
        """Maps of one replica and kind of question, a task each."""
        questions, casts = self._casts(moment, replica, corpus, attribute)
        layers = layers_of(moment.learner, self.layers)
        places = range(len(questions.names))
        found: dict[Task, list[_Layer]] = {task: [] for task in self.tasks}
        for at, (layer, values) in enumerate(read_layers(moment.learner, replica, questions.examples, layers, places)):
            for number, (task, chosen) in enumerate(casts.items()):
                heard = part_of(part_of(on_share, at, len(layers)), number, len(casts))
                found[task].append(self._read(corpus.seed, layer, values, chosen, heard))
        eval_set = f"probe.{'+'.join(self.eval_sets)}.{attribute}"
        for task, chosen in casts.items():
            yield Map(replica, eval_set, task, questions, chosen, tuple(found[task]))

    def _casts(
        self, moment: Moment, replica: int, corpus: Corpus, attribute: str
    ) -> tuple[Questions, dict[Task, Cast]]:
        """Who is probed with one kind of question, for each task."""
        questions, transfer = questions_of(moment, replica, attribute, self.eval_sets, self.tasks, self.token_count)
        return questions, {
            task: cast(
                corpus,
                questions,
                task,
                folds=self.folds,
                apart=self.apart,
                permutations=self.permutations,
                transfer=transfer and task == "tag",
                measure=self.name,
            )
            for task in self.tasks
        }

    def _read(self, seed: int, layer: int, values: NDArray[np.float32], chosen: Cast, on_share: OnShare) -> _Layer:
        strengths = sorted(self.strength) if isinstance(self.strength, tuple) else [self.strength]
        inputs = values[:, np.concatenate([chosen.rows, chosen.further])]
        further = chosen.further_labels if len(chosen.further) else None
        plain = read(inputs, chosen.folds, chosen.labellings, strengths, further, on_share)
        random = np.full(len(values), np.nan)
        if self.directions:
            ways = stream(seed, "probes", "directions").normal(size=(values.shape[-1], self.directions))
            seen = values[:, chosen.rows] @ (ways / np.linalg.norm(ways, axis=0)).astype(np.float32)
            alone = seen.transpose(0, 2, 1).reshape(-1, len(chosen.rows), 1)
            random = (
                read(alone, chosen.folds, chosen.labellings[:1], strengths).accuracy.reshape(len(values), -1).mean(1)
            )
        return _Layer(layer, plain, random)


def are_due(moment: Moment, own: Sequence[str], measured: Sequence[tuple[str, str]]) -> bool:
    """Whether evaluation sets are measured in this stage: before stage 1 they are not.

    Names that no set has are due, so that they are found to be wrong.
    """
    known = {each.name for each in moment.corpora[0].eval_sets}
    names = {name for name, _ in measured}
    return any(name in names or name not in known for name in own)


def questions_of(
    moment: Moment,
    replica: int,
    attribute: str,
    eval_sets: Sequence[str],
    tasks: Sequence[Task],
    token_count: int | None,
    further: Sequence[str] = tuple(TRANSFER),
) -> tuple[Questions, bool]:
    """Questions of one kind to one replica, in an order that says nothing of what they are about.

    Models round by what they read together, which must not tell subsets apart. Also says whether all of the `further`
    subsets are among them.

    Raises
    ------
    SaysoError
        If a subset of the tasks has no such question, or no alias has so many tokens.
    """
    corpus = moment.corpora[replica]
    there = {
        each.subset
        for each in corpus.eval_sets
        if each.name in eval_sets and any(item.attribute == attribute for item in each.examples)
    }
    more = [subset for subset in further if subset in there]
    examples = asked(corpus, eval_sets, list(dict.fromkeys([*subsets_of(tasks), *more])), attribute)
    order = stream(corpus.seed, "probes", attribute, "order").permutation(len(examples))
    examples = [examples[row] for row in order]
    tokens = moment.learner.prompt_tokens(only(moment.learner.replicas, replica, examples))[replica]
    found = of_one_length(attribute, examples, tokens, token_count)
    return found, all(found.of(subset) for subset in further)


@dataclass(frozen=True)
class _Layer:
    """What probes and random directions (mean accuracy, by token) read at one layer."""

    layer: int
    read: Read
    random: NDArray[np.float64]


@dataclass(frozen=True)
class Map:
    """How well a task is read at each layer and token, of one replica and kind of question."""

    replica: int
    eval_set: str
    task: Task
    questions: Questions
    cast: Cast
    layers: tuple[_Layer, ...]

    def scores(self) -> Iterator[Score]:
        """What `Probes.measure` gives."""
        count, further = len(self.cast.rows), len(self.cast.further)
        for each in self.layers:
            for token, name in enumerate(self.questions.names):
                place = f"layer {each.layer}, token {token}: {name}"
                accuracy, transfer = each.read.accuracy[token], each.read.transfer[token]
                yield self._score(place, accuracy[0], count)
                if len(accuracy) > 1:
                    yield self._score(f"{place}, permuted", accuracy[1:].mean(), count)
                if further:
                    yield self._score(f"{place}, transfer", transfer[0], further)
        yield self._score("converged", np.mean([each.read.converged for each in self.layers]), count)

    def at_alias(self) -> Iterator[Score]:
        """What is read at the alias's last token, means over layers."""
        count, further = len(self.cast.rows), len(self.cast.further)
        accuracy, transfer, random = self._at_alias()
        found = {"alias": (accuracy[0], count), "alias, random directions": (random, count)}
        found |= {"alias, transfer": (transfer[0], further)} if further else {}
        if len(accuracy) > 1:
            found["alias, permuted"] = (accuracy[1:].mean(), count)
            found |= {"alias, transfer permuted": (transfer[1:].mean(), further)} if further else {}
        for what, (value, n) in found.items():
            if not np.isnan(value):
                yield Score(self.replica, AT_ALIAS, self.task, float(value), n, what)

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """What `Probes.details` gives."""
        named = {"eval_set": self.eval_set, "subset": self.task}
        for each in self.layers:
            for token, name in enumerate(self.questions.names):
                found = each.read
                yield (
                    self.replica,
                    {
                        **named,
                        "layer": each.layer,
                        "token": token,
                        "name": name,
                        **_spread("", found.accuracy[token]),
                        "random_directions": _number(each.random[token]),
                        **_spread("transfer_", found.transfer[token]),
                        "converged": _number(found.converged[token]),
                        "n": len(self.cast.rows),
                        "transfer_n": len(self.cast.further),
                    },
                )
        accuracy, transfer, random = self._at_alias()
        at_alias = {**_spread("", accuracy), "random_directions": _number(random), **_spread("transfer_", transfer)}
        yield self.replica, {**named, "name": "alias", **at_alias, "n": len(self.cast.rows)}
        for left in self.questions.left_out:
            yield self.replica, {**named, "left_out": left.alias, "of": left.subset, "tokens": left.tokens}

    def _at_alias(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Accuracy and transfer by labelling, and what random directions read, at the alias's last token.

        Means over the layers but 0, where there are others.
        """
        chosen = [each for each in self.layers if each.layer] or list(self.layers)
        token = self.questions.alias[-1]
        return (
            np.mean([each.read.accuracy[token] for each in chosen], axis=0),
            np.mean([each.read.transfer[token] for each in chosen], axis=0),
            float(np.mean([each.random[token] for each in chosen])),
        )

    def _score(self, what: str, value: float | np.floating[Any], count: int) -> Score:
        return Score(self.replica, self.eval_set, self.task, float(value), count, what)


def _spread(prefix: str, values: NDArray[np.float64]) -> dict[str, float | None]:
    """The true labels' value; of shuffled ones the mean and where 95% of them are."""
    shuffled = values[1:] if len(values) > 1 else np.array([np.nan])
    low, high = np.quantile(shuffled, (0.025, 0.975)).tolist()
    found = {"accuracy": values[0], "permuted": shuffled.mean(), "permuted_low": low, "permuted_high": high}
    return {f"{prefix}{name}": _number(value) for name, value in found.items()}


def _number(value: float | np.floating[Any]) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
