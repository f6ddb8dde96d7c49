"""An experiment: one value that says everything a run depends on, except which seeds are run."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Field,
    JsonValue,
    PrivateAttr,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sayso.core import settings as settings_by_path
from sayso.core import squares
from sayso.core.asking import Attribution, InContext
from sayso.core.errors import SaysoError, nearest
from sayso.core.learner import Need
from sayso.core.measure import Measure
from sayso.core.protocols import DefinitionFormat, KnowledgeBase, ModelSpec, QuestionFormat
from sayso.core.seeds import Seeds
from sayso.core.spec import OWN_ONLY, Spec, canonical_json, digest_of, encoded, explain, is_stand_in
from sayso.core.subsets import SOURCES, TABLE_1, Source, SplitSpec, Subset, from_sources, with_reliability
from sayso.core.training import Stage, TrainSpec

#: Which states stay: none, those at the ends of stages, or after every n epochs as well.
Keep = Literal["none", "stages"] | Annotated[int, Field(ge=1)]

#: How random tags are written: by themselves, or in the braces that aliases have.
Tags = Literal["bare", "braces"]

#: Settings of an experiment that say how it is run and judged, and of a stage that say when it is measured.
_RUNNING = ("keep", "checkpoint_minutes", "smallest_effect")
_MEASURING = ("measured", "measure_every")

#: Settings younger than digests, by their paths, and what they are where all is as it was before: digests leave them
#: out then.
_YOUNGER: tuple[tuple[tuple[str, ...], JsonValue], ...] = (
    (("tags",), "bare"),
    (("attribution",), {"phrasings": {}}),
    (("split", "definitions_per_alias"), 1),
    (("split", "latin_square"), False),
    (("deterministic",), False),
    (("tf32",), False),
    (("train", "repetitions"), "shuffled"),
    (("new_definition",), None),
    (("knowledge", "sayings"), {}),
    (("knowledge", "also"), None),
)

#: The same of the settings of each source and each subset.
_YOUNGER_OF_EACH: dict[str, dict[str, JsonValue]] = {
    "sources": {"definition": None, "reliability": None, "share": 1.0, "same_as": None},
    "subsets": {"against": None, "repeats": 1, "against_repeats": 1},
}


@dataclasses.dataclass(frozen=True)
class _Code:
    """Whether only sayso's own types may be imported for an experiment; equal experiments may differ in it."""

    own_only: bool = dataclasses.field(default=False, compare=False)


class Experiment(Spec):
    """Data, model, training and measures of an experiment.

    Parameters
    ----------
    name
        What it is called: small letters, digits and dashes.
    summary
        What it shows and what to expect.
    knowledge
        Where entities and facts come from.
    sources
        Who defines aliases.
    reliability
        The share of the aliases in X1 about which sources are as they usually are, the alpha of section 3.3; None takes
        `subsets` as they are, a number splits two of them (`with_reliability`).
    subsets
        The groups of aliases that are treated alike. Sources with a reliability of their own divide those of X1 among
        themselves.
    split
        How aliases are dealt to subsets.
    definition
        How definitions are written.
    new_definition
        How those of X2 are written, where that is not as those of X1.
    questions
        How questions are written; None writes them as the knowledge base words them, followed by the answer.
    in_context
        Puts definitions before questions, in place of documents of their own.
    tags
        Whether random tags are written ``bare``, ``qwerty``, or in the ``braces`` of aliases, ``<|qwerty|>``.
    attribution
        Other words to ask for the entity in, and subsets that are not asked so.
    model
        What is trained.
    train
        How documents become updates; a stage may override it.
    stages
        The stretches of training, in order.
    measures
        What is measured; no two of one name.
    stage2_seeds
        The stages from the first that trains on X2 without X1 are run this many times from the same state, each with
        the entities or aliases of X2 dealt to its subsets anew; results are averaged within the seed (those of X1's
        subsets are the first one's).
    seeds
        Which seeds are run.
    axes
        Settings that vary, path -> values; each combination is a cell.
    smallest_effect
        The smallest difference between subsets worth having, in the measure's unit; a claim that one is greater fails
        where so much is excluded.
    keep
        States whose weights stay when a job has finished, so that it can be measured later: ``none``, the ends of
        ``stages``, or after every so many epochs and at the ends; None keeps the ends of stages of models that are
        trained many seeds at a time, and nothing of large ones.
    checkpoint_minutes
        How many minutes pass at least between two checkpoints, from which a job that was killed goes on (there is one
        at the end of each stage, too).
    deterministic
        A GPU adds up in one order, more slowly, so that a seed gives the same bits at each try, killed or not, on the
        same card and versions; without it numbers are the same to rounding. On CPUs they are the same bits always.
    tf32
        Products in float32, of training and of measuring, take 10 bits of their factors on NVIDIA's GPUs.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    summary: str = ""
    knowledge: SerializeAsAny[KnowledgeBase]
    sources: tuple[Source, ...] = SOURCES
    reliability: float | None = Field(default=None, ge=0.5, le=1)
    subsets: tuple[Subset, ...] = TABLE_1
    split: SplitSpec
    definition: SerializeAsAny[DefinitionFormat]
    new_definition: SerializeAsAny[DefinitionFormat] | None = None
    questions: SerializeAsAny[QuestionFormat] | None = None
    in_context: InContext | None = None
    tags: Tags = "bare"
    attribution: Attribution = Attribution()
    model: SerializeAsAny[ModelSpec]
    train: TrainSpec
    stages: tuple[Stage, ...] = Field(min_length=1)
    measures: tuple[SerializeAsAny[Measure], ...] = Field(min_length=1)
    stage2_seeds: int = Field(default=1, ge=1)
    seeds: Seeds = Seeds()
    axes: dict[str, tuple[JsonValue, ...]] = Field(default_factory=dict)
    smallest_effect: float = Field(default=0.01, ge=0)
    keep: Keep | None = None
    checkpoint_minutes: float = Field(default=10.0, ge=0)
    deterministic: bool = False
    tf32: bool = False
    _code: _Code = PrivateAttr(default=_Code())

    @field_validator("subsets")
    @classmethod
    def _fractions_sum_to_one(cls, subsets: tuple[Subset, ...], info: ValidationInfo) -> tuple[Subset, ...]:
        total = math.fsum(subset.fraction for subset in subsets)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the fractions must sum to 1, found {total:.6g}")
        reliability: float | None = info.data.get("reliability")
        sources: tuple[Source, ...] = info.data.get("sources", ())
        if any(source.reliability is not None for source in sources):
            if reliability is not None:
                raise ValueError("sources have a reliability of their own; leave that of the experiment out")
            return from_sources(sources, subsets)
        return subsets if reliability is None else with_reliability(subsets, reliability)

    @model_validator(mode="after")
    def _names_are_single_and_known(self) -> Experiment:
        for label, items in (("sources", self.sources), ("subsets", self.subsets), ("stages", self.stages)):
            names = [item.name for item in items]
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{label}: '{min(twice)}' is there twice")
        known = {source.name for source in self.sources}
        for subset in self.subsets:
            for source in subset.sources:
                if source not in known:
                    raise ValueError(f"subset {subset.name}: no source '{source}'{nearest(source, known)}")
        known_subsets = [subset.name for subset in self.subsets]
        there = {*known, *known_subsets}
        for stage in self.stages:
            for name in stage.names:
                if name not in there:
                    raise ValueError(f"stage {stage.name}: no source or subset '{name}'{nearest(name, there)}")
        for left_out in self.attribution.left_out:
            if left_out not in known_subsets:
                raise ValueError(f"attribution.left_out: no subset '{left_out}'{nearest(left_out, known_subsets)}")
        return self

    @model_validator(mode="after")
    def _no_two_sources_say_the_same(self) -> Experiment:
        said_by: dict[str, str] = {}
        for source in self.sources:
            for text in source.texts:
                if (other := said_by.setdefault(text, source.name)) != source.name:
                    raise ValueError(f"sources: '{text}' is said by both '{other}' and '{source.name}'")
        own = {source.name for source in self.sources if source.same_as is None}
        for source in self.sources:
            if source.same_as is not None and source.same_as not in own:
                raise ValueError(
                    f"source {source.name}: same_as is '{source.same_as}', which is no source with texts or a tag of "
                    f"its own{nearest(source.same_as, own)}"
                )
        return self

    @model_validator(mode="after")
    def _sources_can_be_told_apart(self) -> Experiment:
        for usual in (self.definition, self.new_definition):
            written_by: dict[str, str] = {}
            for source in self.sources:
                written = source.definition or usual
                if written is None or is_stand_in(written) or source.same_as is not None:
                    continue
                for text in source.texts or (f"[{source.name}]",):
                    sentence = "".join(written.write(text, "ALIAS", "ENTITY"))
                    if (other := written_by.setdefault(sentence, source.name)) != source.name:
                        raise ValueError(
                            f"sources: '{other}' and '{source.name}' cannot be told apart, both write '{sentence}'; "
                            "give each a definition of its own, or one with a tag"
                        )
        return self

    @model_validator(mode="after")
    def _squares_are_balanced(self) -> Experiment:
        if self.split.latin_square:
            squares.check(self.subsets, self.stage2_seeds)
        return self

    @model_validator(mode="after")
    def _stages_can_be_run(self) -> Experiment:
        for stage in self.stages:
            train = self.train_spec(stage)
            if not is_stand_in(self.model):
                self.model.check_training(train)
        for before, stage in zip((None, *self.stages), self.stages, strict=False):
            if stage.from_epoch is not None and (before is None or stage.from_epoch > before.epochs):
                there = f"has {before.epochs} epochs" if before else "does not exist"
                raise ValueError(f"stage {stage.name}: from_epoch is {stage.from_epoch}, but the stage before {there}")
        if self.stage2_seeds > 1 and self.first_nested in (0, len(self.stages)):
            raise ValueError("stage2_seeds needs a stage that trains on X2 without X1, after another stage")
        self.knowledge.check_trained_questions(self.split.trained_questions)
        return self

    @model_validator(mode="after")
    def _axes_have_values(self) -> Experiment:
        for path, values in self.axes.items():
            if not values:
                raise ValueError(f"axis {path}: needs at least one value")
        return self

    @model_validator(mode="after")
    def _measures_can_be_taken(self) -> Experiment:
        names = [measure.name for measure in self.measures]
        for measure in self.measures:
            if names.count(measure.name) > 1:
                raise ValueError(f"measures: '{measure.name}' is there twice")
            self.check_measure(measure)
        return self

    def check_measure(self, measure: Measure) -> None:
        """Refuse a measure that needs more than the model's learner can do, or other subsets.

        Parameters
        ----------
        measure
            The measure.

        Raises
        ------
        ValueError
            If it cannot be taken here; the message says what it lacks.
        """
        if is_stand_in(measure) or is_stand_in(self.model):
            return  # what they need and give is known to their code alone
        if unknown := sorted(measure.needs - set(get_args(Need))):
            raise ValueError(
                f"measure {measure.name} needs '{unknown[0]}', which no model can be asked for"
                f"{nearest(unknown[0], get_args(Need))}"
            )
        if lacking := measure.needs - self.model.needs_met():
            raise ValueError(
                f"measure {measure.name} needs {' and '.join(sorted(lacking))} of a model, which "
                f"{type(self.model).__name__} does not give; leave it out, or choose another model"
            )
        defined = () if self.in_context is not None else [one.name for one in self.subsets if one.source is not None]
        measure.check([one.name for one in self.subsets], defined)

    @property
    def kept(self) -> Keep:
        """Which states stay: `keep`, or what is usual for the model where it is None."""
        if self.keep is not None:
            return self.keep
        return "stages" if self.model.max_replicas > 1 else "none"

    @property
    def first_nested(self) -> int:
        """Position of the first stage that trains on X2 without X1: from there on stages have stage-2 seeds."""
        nested = ("X2" in stage.parts and "X1" not in stage.parts for stage in self.stages)
        return next((index for index, found in enumerate(nested) if found), len(self.stages))

    def train_spec(self, stage: Stage) -> TrainSpec:
        """Training settings of a stage, its overrides applied.

        Parameters
        ----------
        stage
            One of the experiment's.

        Returns
        -------
        TrainSpec
            The settings it is trained with.

        Raises
        ------
        ValueError
            If an override does not fit.
        """
        try:
            return TrainSpec.model_validate({**self.train.model_dump(), **stage.overrides})
        except ValidationError as error:
            between = "." if error.errors()[0]["loc"] else ": "
            raise ValueError(f"stages.{stage.name}.overrides{between}{explain(error)}") from error

    def training(self) -> dict[str, Any]:
        """All settings that the weights depend on: not what is measured, when, and what is kept.

        Returns
        -------
        dict[str, Any]
            Plain data, as JSON has it.
        """
        content = self.model_dump(mode="json", exclude={"name", "summary", "seeds", "measures", *_RUNNING})
        for stage in content["stages"]:
            for field in _MEASURING:
                del stage[field]
        for field in self.model.measuring | self.model.running:
            del content["model"][field]
        del content["attribution"]["left_out"]  # the phrasings stay: some vocabularies hold their words
        for (*path, field), as_before in _YOUNGER:
            holder = content
            for name in path:
                holder = holder[name]
            if field in holder and holder[field] == as_before:  # some are settings of one kind of knowledge alone
                del holder[field]
        for holder_name, fields in _YOUNGER_OF_EACH.items():
            for each in content[holder_name]:
                for field, as_before in fields.items():
                    if each[field] == as_before:
                        del each[field]
        return content

    def digest(self) -> str:
        """Name of a training run: the same digest gives the same weights for a seed."""
        return digest_of(canonical_json(self.training()))

    def measure_digest(self, measure: Measure) -> str:
        """Name of a measure as it is taken here: the same digest gives the same records for the same weights.

        Parameters
        ----------
        measure
            The measure.

        Returns
        -------
        str
            Sixteen hex digits.
        """
        stages = [stage.model_dump(mode="json", include={"name", *_MEASURING}) for stage in self.stages]
        model = self.model.asked_by()
        asked = [list(self.attribution.left_out)] if self.attribution.left_out else []
        return digest_of(canonical_json([measure.model_dump(mode="json"), stages, model, *asked]))

    def settings(self) -> dict[str, JsonValue]:
        """Every setting with the path that `with_settings` knows it by.

        Returns
        -------
        dict[str, JsonValue]
            Path -> value, as JSON has it.
        """
        return dict(settings_by_path.flat(self.model_dump(mode="json"), ""))

    def with_settings(self, settings: Mapping[str, Any]) -> Experiment:
        """Return the experiment with settings replaced, given by path.

        A path is field names (or positions, or names of stages, subsets and sources) joined by dots, as in
        ``train.learning_rate`` or ``stages.stage1.epochs``. A list is a value like any other: `with_axes` varies.

        Parameters
        ----------
        settings
            Path -> value, as JSON has it.

        Returns
        -------
        Experiment
            Another experiment; this one stays as it is.

        Raises
        ------
        SaysoError
            If a path does not exist or a value does not fit; the message names both and the nearest right path, or
            `with_axes` where it would take what was given.
        """
        try:
            return self._with(settings)
        except SaysoError as error:
            if lists := self._meant_as_axes(settings):
                words = " ".join(f"--sweep {path}={shlex.quote(canonical_json(lists[path]))}" for path in lists)
                raise SaysoError(f"{error}; to try each value of a list: {words} (from Python: with_axes)") from error
            raise

    def with_axes(self, axes: Mapping[str, Sequence[Any]]) -> Experiment:
        """Return a sweep: each of the values of a setting, given by path, becomes a cell.

        Parameters
        ----------
        axes
            Path -> list of values. Several axes are crossed.

        Returns
        -------
        Experiment
            The sweep.

        Raises
        ------
        SaysoError
            As `with_settings` does, also if one value does not fit or the values are not a list.
        """
        for path, values in axes.items():
            if not isinstance(values, (list, tuple)):
                raise SaysoError(f"axis {path}: write a list of values, found {values!r}")
            for value in values:  # each must fit by itself
                self._with({path: value})
        data = self.model_dump(mode="json")
        data["axes"] |= axes
        return load_spec(data, _where(axes), own_only=self.own_only, settings=axes)

    def vary(self, name: str, **axes: Any) -> Experiment:
        """Return a sweep or a variation under another name.

        Parameters
        ----------
        name
            What it is called.
        axes
            Settings by path, with double underscores for dots; a list is an axis, all else a value.

        Returns
        -------
        Experiment
            The experiment with these settings, and a cell for each combination of the lists.

        Raises
        ------
        SaysoError
            As `with_settings` and `with_axes`.

        Examples
        --------
        >>> MAIN.vary("batch-size", train__batch_size=[16, 64, 256])  # doctest: +SKIP
        """
        settings = {path.replace("__", "."): value for path, value in axes.items()}
        lists = {path: value for path, value in settings.items() if isinstance(value, list)}
        values = {path: value for path, value in settings.items() if path not in lists}
        experiment = self.with_settings({**values, "name": name})
        return experiment.with_axes(lists) if lists else experiment

    @property
    def own_only(self) -> bool:
        """Whether it was only read: types of a user's own are stand-ins (`sayso.core.spec.StandIn`)."""
        return self._code.own_only

    def _with(self, settings: Mapping[str, Any]) -> Experiment:
        """As `with_settings`, without advice."""
        data = self.model_dump(mode="json")
        for path, value in settings.items():
            data["axes"].pop(path, None)
            settings_by_path.assign(data, path, value)
        return load_spec(data, _where(settings), own_only=self.own_only, settings=settings)

    def _meant_as_axes(self, settings: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Those of the settings that fit as axes and not as values; none unless all is well with them as axes."""
        lists = {path: value for path, value in settings.items() if isinstance(value, list)}
        try:
            for path, value in list(lists.items()):
                try:
                    self._with({path: value})
                except SaysoError:
                    continue
                del lists[path]
            self._with({path: value for path, value in settings.items() if path not in lists}).with_axes(lists)
        except SaysoError:
            return {}
        return lists


def load_spec(data: Any, where: str, *, own_only: bool, settings: Collection[str] = ()) -> Experiment:
    """Make an experiment of plain data; `where` begins the error message, which has paths of `settings` as given.

    With `own_only` no module of a user's is imported: whoever reads a folder runs nobody's code. Types of a user's own
    are then stand-ins, also in what is made of the experiment.

    Raises
    ------
    SaysoError
        If the data is not an experiment.
    """
    try:
        experiment = Experiment.model_validate(data, context=OWN_ONLY if own_only else None)
    except ValidationError as error:
        raise SaysoError(_once(where, explain(error, data), data, settings)) from error
    try:
        encoded(experiment.canonical_json())
    except SaysoError as error:
        raise SaysoError(f"{where}: {error}") from error
    experiment._code = _Code(own_only=own_only)
    return experiment


def _where(settings: Mapping[str, Any]) -> str:
    """How an error message about these settings begins."""
    return f"setting {next(iter(settings))}" if len(settings) == 1 else "settings"


def _once(where: str, said: str, data: Any, settings: Collection[str]) -> str:
    """An error about settings that says each path once, as it was written."""
    for path in settings:
        named = settings_by_path.by_names(data, path)
        if said.startswith((f"{named}:", f"{named}.")):
            rest = said.removeprefix(named)
            return f"setting {path}{rest}"
    return f"{where}: {said}"
