"""An experiment: one value that says everything a run depends on, except which seeds are run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, JsonValue, SerializeAsAny, ValidationError, field_validator, model_validator

from sayso.core.errors import SaysoError, nearest
from sayso.core.protocols import DefinitionFormat, KnowledgeBase, Measure, ModelSpec
from sayso.core.spec import Spec, canonical_json, digest_of, explain
from sayso.core.subsets import SOURCES, TABLE_1, Source, Subset

#: Parts of a corpus: what is read before stage 1, and the documents of the two groups of subsets.
PARTS = ("world", "X1", "X2")


class TrainSpec(Spec):
    """How documents become updates.

    `optimizer`: ``adafactor`` is the paper's (no relative step, no parameter scaling, clipping of updates at 1.0,
    decay -0.8), ``adamw`` the common one. `learning_rate` is reached after `warmup_steps` and, with ``linear``, falls
    to 0 at the end of the stage. `batch_size` counts documents per update. `max_grad_norm` clips each replica's
    gradient. `loss_on`: ``all`` tokens of a document (the paper's causal objective) or its ``completion`` alone.
    `embedding_multiplier` multiplies the learning rate of the input embedding.
    """

    optimizer: Literal["adafactor", "adamw"] = "adafactor"
    learning_rate: float = Field(default=1e-3, gt=0)
    embedding_multiplier: float = Field(default=1.0, gt=0)
    schedule: Literal["linear", "constant"] = "linear"
    warmup_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=64, ge=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    loss_on: Literal["all", "completion"] = "all"


class Stage(Spec):
    """A stretch of training with an optimizer and a schedule of its own.

    `documents` names parts of the corpus (``world``, ``X1``, ``X2``); `overrides` replace settings of the experiment's
    `TrainSpec`. `replay`: for every batch, this share of its size is added from the documents of `replay_from`, drawn
    anew for each batch. `measured`: whether the measures run on the subsets during this stage.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    documents: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(ge=0)
    overrides: dict[str, JsonValue] = Field(default_factory=dict)
    replay: float = Field(default=0.0, ge=0)
    replay_from: tuple[str, ...] = ()
    measured: bool = True

    @model_validator(mode="after")
    def _check_documents(self) -> Stage:
        for part in (*self.documents, *self.replay_from):
            if part not in PARTS:
                raise ValueError(f"stage {self.name}: no documents '{part}'{nearest(part, PARTS)}")
        if (self.replay > 0) != bool(self.replay_from):
            raise ValueError(f"stage {self.name}: replay and replay_from go together")
        return self


class SplitSpec(Spec):
    """How aliases are dealt to subsets.

    `aliases_per_entity`: how many aliases stand for each entity. `shared_entities`: an entity may be named in several
    subsets, by different aliases (the paper's set inclusion); otherwise every entity, with all its aliases, belongs to
    one subset (the paper's text experiments). `trained_questions`: how many of an alias's questions are trained on in
    subsets that have questions; the others are kept for validation, chosen for each alias.
    """

    aliases_per_entity: int = Field(default=1, ge=1)
    shared_entities: bool = False
    trained_questions: int = Field(ge=1)


class Seeds(Spec):
    """A run of consecutive seeds.

    The default seeds of an experiment in the catalogue were not used to choose its settings.
    """

    first: int = Field(default=100, ge=0)
    count: int = Field(default=16, ge=1)

    def __iter__(self) -> Any:  # pydantic's own iterates over fields; seeds are what a caller wants
        return iter(range(self.first, self.first + self.count))

    def __str__(self) -> str:
        last = self.first + self.count - 1
        return str(self.first) if self.count == 1 else f"{self.first}-{last}"

    @classmethod
    def parse(cls, text: str, first: int = 100) -> Seeds:
        """Read ``N`` (that many seeds, from `first` on) or ``a-b`` (both ends included).

        Raises
        ------
        SaysoError
            If the text has another form, or asks for no seeds.
        """
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
        if not found:
            raise SaysoError(f"seeds '{text}': write a number of seeds such as 16, or a range such as 100-115")
        if found[2] is None:
            count = int(found[1])
        else:
            first, count = int(found[1]), int(found[2]) - int(found[1]) + 1
        if count < 1:
            raise SaysoError(f"seeds '{text}': asks for no seeds; write for example 16, or 100-115")
        return cls(first=first, count=count)


class Experiment(Spec):
    """Data, model, training and measures of an experiment.

    `summary` says what it shows and what to expect. `axes` are settings that vary: path -> values; each combination is
    a cell (`sayso.core.sweep`). The digest covers all that results depend on: neither name, summary nor seeds.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    summary: str = ""
    knowledge: SerializeAsAny[KnowledgeBase]
    sources: tuple[Source, ...] = SOURCES
    subsets: tuple[Subset, ...] = TABLE_1
    split: SplitSpec
    definition: SerializeAsAny[DefinitionFormat]
    model: SerializeAsAny[ModelSpec]
    train: TrainSpec
    stages: tuple[Stage, ...] = Field(min_length=1)
    measures: tuple[SerializeAsAny[Measure], ...] = Field(min_length=1)
    seeds: Seeds = Seeds()
    axes: dict[str, tuple[JsonValue, ...]] = Field(default_factory=dict)

    @field_validator("subsets")
    @classmethod
    def _fractions_sum_to_one(cls, subsets: tuple[Subset, ...]) -> tuple[Subset, ...]:
        total = math.fsum(subset.fraction for subset in subsets)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the fractions must sum to 1, found {total:.6g}")
        return subsets

    @model_validator(mode="after")
    def _check(self) -> Experiment:
        for label, items in (("subsets", self.subsets), ("sources", self.sources), ("stages", self.stages)):
            names = [item.name for item in items]
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{label}: '{min(twice)}' is there twice")
        known = {source.name for source in self.sources}
        for subset in self.subsets:
            if subset.source is not None and subset.source not in known:
                raise ValueError(f"subset {subset.name}: no source '{subset.source}'{nearest(subset.source, known)}")
        for stage in self.stages:
            self.train_spec(stage)
        for path, values in self.axes.items():
            if not values:
                raise ValueError(f"axis {path}: needs at least one value")
        return self

    def train_spec(self, stage: Stage) -> TrainSpec:
        """Training settings of a stage, its overrides applied."""
        try:
            return TrainSpec.model_validate({**self.train.model_dump(), **stage.overrides})
        except ValidationError as error:
            raise ValueError(f"stage {stage.name}, overrides: {explain(error)}") from error

    def digest(self) -> str:
        """Name of everything the results depend on: the same digest gives the same records for a seed."""
        content = self.model_dump(mode="json", exclude={"name", "summary", "seeds"})
        return digest_of(canonical_json(content))

    def settings(self) -> dict[str, JsonValue]:
        """Every setting with the path that `with_settings` knows it by."""
        return dict(_flat(self.model_dump(mode="json"), ""))

    def with_settings(self, settings: Mapping[str, Any]) -> Experiment:
        """Return the experiment with settings replaced, given by path.

        A path is field names (or positions, or names of stages, subsets and sources) joined by dots, as in
        ``train.learning_rate`` or ``stages.stage1.epochs``. A list is an axis: each of its values becomes a cell.

        Raises
        ------
        SaysoError
            If a path does not exist or a value does not fit; the message names both and the nearest right path.
        """
        axes = {path: tuple(value) for path, value in settings.items() if isinstance(value, list)}
        fixed = self.with_values({path: value for path, value in settings.items() if path not in axes})
        for path, choices in axes.items():
            for choice in choices:  # every value must fit by itself
                fixed.with_values({path: choice})
        data = fixed.model_dump(mode="json")
        data["axes"] |= axes
        return load_spec(data, _where(settings))

    def with_values(self, settings: Mapping[str, Any]) -> Experiment:
        """Return the experiment with settings replaced as `with_settings` does, but a list is a value, not an axis.

        Raises
        ------
        SaysoError
            As `with_settings` does.
        """
        data = self.model_dump(mode="json")
        for path, value in settings.items():
            data["axes"].pop(path, None)
            _assign(data, path, value)
        return load_spec(data, _where(settings))

    def vary(self, name: str, **axes: Any) -> Experiment:
        """Return a sweep called `name`. Double underscores stand for dots and a list is an axis.

        >>> MAIN.vary("batch-size", train__batch_size=[16, 64, 256])  # doctest: +SKIP
        """
        settings = {path.replace("__", "."): value for path, value in axes.items()}
        return self.with_settings({**settings, "name": name})


def load_spec(data: Any, where: str) -> Experiment:
    """Make an experiment of plain data; `where` begins the error message.

    Raises
    ------
    SaysoError
        If the data is not an experiment.
    """
    try:
        return Experiment.model_validate(data)
    except ValidationError as error:
        raise SaysoError(f"{where}: {explain(error)}") from error


def load_file(path: Path) -> Experiment:
    """Read one experiment from a YAML or JSON file.

    Raises
    ------
    SaysoError
        If the file cannot be read or does not hold an experiment.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SaysoError(f"{path}: not a readable experiment file: {reason}") from error
    if not isinstance(data, dict):
        raise SaysoError(f"{path}: holds {type(data).__name__}, where the fields of an experiment should be")
    return load_spec(data, str(path))


def _flat(value: Any, path: str) -> Iterator[tuple[str, JsonValue]]:
    """Single values inside plain data with their paths; items of a list go by name where they have one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for position, item in enumerate(value):
            yield from _flat(item, f"{path}.{item.get('name', position) if isinstance(item, dict) else position}")
    else:
        yield path, value


def _where(settings: Mapping[str, Any]) -> str:
    """How an error message about these settings begins."""
    return f"setting {next(iter(settings))}" if len(settings) == 1 else "settings"


def _assign(data: Any, path: str, value: Any) -> None:
    """Replace the value at a dotted path inside plain data."""
    *parents, last = path.split(".")
    here = data
    for depth, part in enumerate(parents):
        here = here[_key(here, part, path, ".".join(parents[:depth]))]
    free_form = bool(parents) and parents[-1] in ("overrides", "config")
    here[last if free_form and isinstance(here, dict) else _key(here, last, path, ".".join(parents))] = value


def _key(here: Any, part: str, path: str, prefix: str) -> Any:
    """Find the key or position that one part of a path means."""
    inside = f" in {prefix}" if prefix else ""
    if isinstance(here, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in here]
        if part in names:
            return names.index(part)
        if part.isdigit() and int(part) < len(here):
            return int(part)
        known = [name for name in names if name] or [str(position) for position in range(len(here))]
        raise SaysoError(f"setting '{path}': no '{part}'{inside}{nearest(part, known)}")
    if not isinstance(here, dict):
        raise SaysoError(f"setting '{path}': {prefix} is a single value and has no '{part}'")
    if part not in here:
        raise SaysoError(
            f"setting '{path}': no '{part}'{inside}{nearest(part, (key for key in here if key != 'type'))}"
        )
    return part
