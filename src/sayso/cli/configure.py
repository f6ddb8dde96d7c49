"""From the words of a command line to an experiment and its results folder, and from a folder back to a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sayso import api
from sayso.cli.progress import consecutive
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.data.facts import FactBase
from sayso.data.knowledge import knowledge_of
from sayso.data.people import NOTABLES
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.learners.specs import FromScratch, HFModel
from sayso.results import RESULTS
from sayso.runs.status import Status


def configure(
    name: str, settings: Sequence[str] = (), model: str | None = None, knowledge: str | None = None
) -> Experiment:
    """Load an experiment and replace settings: those of `model` and `knowledge` first, then ``path=value`` texts.

    Raises
    ------
    SaysoError
        If there is no such experiment or setting, or a value does not fit.
    """
    experiment = api.load(name)
    chosen: dict[str, Any] = {}
    if model is not None:
        chosen |= _model_settings(experiment, model)
    if knowledge is not None:
        chosen |= _knowledge_settings(experiment, knowledge)
    chosen |= parse_settings(settings)
    return experiment.with_settings(chosen) if chosen else experiment


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``path=value`` texts; a value is JSON where it parses as JSON, and text otherwise.

    >>> parse_settings(["train.batch_size=[16, 64]", "train.optimizer=adamw"])
    {'train.batch_size': [16, 64], 'train.optimizer': 'adamw'}
    """
    settings: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not (path and equals):
            raise SaysoError(f"--set '{text}': write path=value, for example train.batch_size=32")
        if path in settings:
            raise SaysoError(f"--set '{text}': {path} is set twice; for several values write {path}='[value, value]'")
        settings[path] = _value(value)
    return settings


def go_on_command(status: Status) -> str:
    """The command that runs what a results folder lacks, by the catalogue's name or the folder's own experiment file.

    Where seeds lack in several places apart, it runs those of the first.
    """
    experiment = status.experiment
    namesake = api.experiments().get(experiment.name)
    plain = namesake is not None and namesake.digest() == experiment.digest()
    words = ["sayso", "run", experiment.name if plain else str(status.path / "experiment.json")]
    if not (plain and status.path == RESULTS / experiment.name):
        words += ["--out", str(status.path)]
    blocks = consecutive(status.seeds)
    own = namesake.seeds if plain and namesake is not None else experiment.seeds
    if blocks != consecutive(list(own)):
        first, last = next(block for block in blocks if block[0] <= min(status.unfinished) <= block[1])
        words += ["--seeds", f"{first}-{last}"]
    return shlex.join(words)


def _value(text: str) -> Any:
    def not_json(word: str) -> Any:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=not_json)
    except ValueError:
        return text


def _knowledge_settings(experiment: Experiment, name: str) -> dict[str, Any]:
    """Settings that choose the facts: a prepared knowledge base's name or a file, or for the pocket world its table.

    Settings of the same kind of knowledge are kept. With another kind all questions of an entity but one are trained
    on, as in the paper.
    """
    if isinstance(experiment.knowledge, FactBase):
        chosen = knowledge_of(name)
        data = chosen.model_dump(mode="json")
        if type(chosen) is type(experiment.knowledge):
            return {"knowledge.file": data["file"]}
        questions = len(chosen.first(1)[0].questions)
        return {"knowledge": data, "split.trained_questions": max(questions - 1, 1)}
    if name not in (NOTABLES, SYNTHETIC) and not (name.endswith(".csv") and Path(name).is_file()):
        raise SaysoError(
            f"--knowledge '{name}': no such CSV file, and no such facts; there is: {NOTABLES}, {SYNTHETIC}"
        )
    if not isinstance(experiment.knowledge, PocketWorld):
        kind = type(experiment.knowledge).__name__
        raise SaysoError(f"--knowledge {name}: {experiment.name} has facts of another kind ({kind})")
    return {"knowledge.facts": name}


def _model_settings(experiment: Experiment, name: str) -> dict[str, Any]:
    """Settings that choose the model: a pretrained one by name or folder, or what is trained from random weights.

    The latter is an architecture, or the path of a configuration.
    """
    if isinstance(experiment.model, HFModel):
        return {"model.name": name}
    if not isinstance(experiment.model, FromScratch):
        kind = type(experiment.model).__name__
        raise SaysoError(f"--model {name}: the model of {experiment.name} is of another kind ({kind})")
    from sayso.learners.stacked.architectures import config_for, config_of

    if Path(name).exists():
        architecture, config = config_of(Path(name))
        return {"model.architecture": architecture, "model.config": config}
    return {"model.architecture": name, "model.config": config_for(name, experiment.model.config)}
