"""From the words of a command line to an experiment, and from a results folder back to a command."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso import api
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.seeds import consecutive
from sayso.data.facts import FactBase
from sayso.data.knowledge import knowledge_of
from sayso.data.people import NOTABLES, holds_people
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.data.pocket_facts import columns_asked
from sayso.data.tables.table import Table
from sayso.learners.specs import FromScratch, HFModel
from sayso.paper.paper_settings import NEW_TOKENS
from sayso.results import RESULTS
from sayso.runs.status import Status

_FILE_AND_NAME = re.compile(r"(.+\.py):(\w+)", re.DOTALL)


def find(name: str, code: Path | None = None, *, control: bool = False) -> Experiment:
    """Find an experiment, or its `control`, and be ready to import what is the user's.

    It is found as `sayso.api.load` does, or as ``FILE.py:NAME``.

    Modules of the user's own are looked for in the folder `code`, or else in that of the file, or else in the working
    folder; and only after everywhere else, so that none of them is taken for a module that others need.

    Raises
    ------
    SaysoError
        If there is no such experiment or folder, it has no control, or the file is called as another module is.
    """
    found = _find(name, code)
    return api.control_of(found) if control else found


def _find(name: str, code: Path | None) -> Experiment:
    if code is not None and not code.is_dir():
        raise SaysoError(f"--code {code}: no such folder")
    if found := _FILE_AND_NAME.fullmatch(name):
        file = Path(found[1])
        if not file.is_file():
            raise SaysoError(f"'{name}': no such file")
        code = code or file.parent
        try:
            parts = file.resolve().relative_to(code.resolve()).with_suffix("").parts
        except ValueError:
            raise SaysoError(f"'{name}': not below --code {code}") from None
        look_last_in(code)
        spec = importlib.util.find_spec(parts[0])
        if spec is not None and spec.origin and len(parts) == 1 and not file.samefile(spec.origin):
            raise SaysoError(f"{file}: '{parts[0]}' is the name of another module as well ({spec.origin}); rename it")
        return api.load(f"{'.'.join(parts)}:{found[2]}")
    look_last_in(code or Path())
    return api.load(name)


def look_last_in(folder: Path) -> None:
    """Let modules be found in a folder that are found nowhere else."""
    with contextlib.suppress(FileNotFoundError):  # a working folder that is no longer there
        place = str(folder.resolve())
        if place not in sys.path:
            sys.path.append(place)


def configure(
    experiment: Experiment,
    settings: Sequence[str] = (),
    sweeps: Sequence[str] = (),
    model: str | None = None,
    knowledge: str | None = None,
) -> Experiment:
    """Replace settings: those of `model` and `knowledge` first, then ``path=value`` texts; `sweeps` make axes.

    Raises
    ------
    SaysoError
        If there is no such setting, or a value does not fit.
    """
    chosen: dict[str, Any] = {}
    if model is not None:
        chosen |= _model_settings(experiment, model)
    values, axes = parse_settings(settings), parse_sweeps(sweeps)
    if knowledge is not None:
        own = _settings_of_facts(experiment, knowledge, values)
        chosen |= _knowledge_settings(experiment, knowledge, {name: values[path] for path, name in own.items()})
        if isinstance(experiment.knowledge, PocketWorld):  # they are in its table by now
            values = {path: value for path, value in values.items() if path not in own}
    if both := sorted(values.keys() & axes.keys()):
        raise SaysoError(f"{both[0]} is given to both --set and --sweep; choose one")
    if chosen := chosen | values:
        experiment = experiment.with_settings(chosen)
    return experiment.with_axes(axes) if axes else experiment


def facts_of(name: str, settings: Sequence[str] = ()) -> FactBase:
    """Facts by their prepared name or file, with ``name=value`` settings of theirs: ``knowledge.`` may stand before.

    Raises
    ------
    SaysoError
        If there are none, they have no such setting, or a value does not fit.
    """
    own = {path.removeprefix("knowledge."): value for path, value in parse_settings(settings).items()}
    return knowledge_of(name, own)


def with_facts(experiment: Experiment, facts: str, settings: Sequence[str] = ()) -> tuple[Experiment, FactBase]:
    """An experiment as it would be run with other facts, and these facts.

    A setting is the facts' own where its first word is none of an experiment's, as ``name_column``; others, as
    ``split.trained_questions`` and all of ``knowledge``, are the experiment's.

    Raises
    ------
    SaysoError
        As `configure`, or if the facts are no file or prepared.
    """
    pocket = isinstance(experiment.knowledge, PocketWorld)
    place = "knowledge.facts." if pocket else "knowledge."
    theirs = Experiment.model_fields.keys() - {"name", "summary", "questions"}
    words = [text if re.split(r"[.=]", text.strip(), maxsplit=1)[0] in theirs else place + text for text in settings]
    values = parse_settings(words)
    own = _settings_of_facts(experiment, facts, values)
    plain = knowledge_of(facts, {name: values[path] for path, name in own.items()})
    chosen = configure(experiment, words, knowledge=facts)
    return chosen, chosen.knowledge if isinstance(chosen.knowledge, FactBase) else plain


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``path=value`` texts; a value is JSON where it parses as JSON, and text otherwise.

    >>> parse_settings(["train.batch_size=16", "train.optimizer=adamw"])
    {'train.batch_size': 16, 'train.optimizer': 'adamw'}
    """
    return _parse("--set", "path=value, for example train.batch_size=32", texts)


def parse_sweeps(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``path=[value, ...]`` texts; the list is JSON.

    >>> parse_sweeps(["train.batch_size=[16, 64]"])
    {'train.batch_size': [16, 64]}
    """
    right = "path='[value, value]', for example train.batch_size='[16, 64]'"
    axes = _parse("--sweep", right, texts)
    for path, values in axes.items():
        if not isinstance(values, list):
            raise SaysoError(f"--sweep {path}: '{values}' is not a list as JSON has it; write {right}")
    return axes


def _parse(option: str, right: str, texts: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not (path and equals):
            raise SaysoError(f"{option} '{text}': write {right}")
        if path in settings:
            raise SaysoError(f"{option} '{text}': {path} is given twice; to try several values: --sweep {path}='[...]'")
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
    except (ValueError, RecursionError):
        return text


def _knowledge_settings(experiment: Experiment, name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that choose the facts: a prepared knowledge base's name or a file, or for the pocket world its table.

    Settings of the same kind of knowledge are kept. With another kind all questions of an entity but one are trained
    on, as in the paper, and answers of a pretrained model have the length that the authors' program gives that kind, or
    that of the longest; settings of its `own` hold before it is read. In the pocket world, too, a question is left out.
    """
    if isinstance(experiment.knowledge, FactBase):
        chosen = knowledge_of(name, own)
        data = chosen.model_dump(mode="json")
        if type(chosen) is type(experiment.knowledge):
            return {"knowledge.file": data["file"]}
        return _facts_settings(experiment, chosen)
    if not isinstance(experiment.knowledge, PocketWorld):
        kind = type(experiment.knowledge).__name__
        raise SaysoError(f"--knowledge {name}: {experiment.name} has facts of another kind ({kind})")
    if name in (NOTABLES, SYNTHETIC):
        return {"knowledge.facts": name}
    if not Path(name).is_file():
        raise SaysoError(f"--knowledge '{name}': no such file, and no such facts; there is: {NOTABLES}, {SYNTHETIC}")
    if not own and holds_people(name, experiment.knowledge.attributes):
        return {"knowledge.facts": name}
    table = knowledge_of(name, {"file": name, **own})
    if not isinstance(table, Table):
        raise SaysoError(
            f"--knowledge {name}: the pocket world takes a table, and this is read as {type(table).__name__}"
        )
    columns = columns_asked(table, experiment.knowledge.attributes)
    trained = max(1, min(experiment.split.trained_questions, len(columns) - 1))
    return {"knowledge.facts": table.model_dump(mode="json"), "split.trained_questions": trained}


def _settings_of_facts(experiment: Experiment, knowledge: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Which of the settings given are of the facts themselves: path -> name.

    All of ``knowledge``; in the pocket world those of its table, ``knowledge.facts`` (which may be left out where the
    pocket world has no setting called so).
    """
    own = {path: path.removeprefix("knowledge.") for path in values if path.startswith("knowledge.")}
    if not isinstance(experiment.knowledge, PocketWorld):
        return own
    if knowledge in (NOTABLES, SYNTHETIC):
        return {}
    plain = Table.model_fields.keys() - PocketWorld.model_fields.keys()
    return {
        path: name.removeprefix("facts.")
        for path, name in own.items()
        if name.startswith("facts.") or name.partition(".")[0] in plain
    }


def _facts_settings(experiment: Experiment, facts: FactBase) -> dict[str, Any]:
    """Other facts, of whose questions all but one are trained on, and how long their answers may be."""
    data = facts.model_dump(mode="json")
    more = {"model.max_new_tokens": NEW_TOKENS.get(data["type"])} if isinstance(experiment.model, HFModel) else {}
    return {"knowledge": data, "split.trained_questions": max(facts.most_questions() - 1, 1), **more}


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
