"""What a sweep varies, as an axis to draw along: numbers to scale, or names side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.core import settings
from sayso.core.experiment import Experiment
from sayso.core.sweep import Cell, cells
from sayso.stats.values import GAP

#: Numbers evenly, by their logarithm, or names in the experiment's order.
Kind = Literal["linear", "log", "names"]

#: What a setting is called on an axis, by the end of its path.
_TITLES = {
    "reliability": "reliability α of the tags",
    "definition.order": "order of tag (T), alias (A) and entity (E)",
    "batch_size": "documents a batch",
    "hidden_size": "width of the model",
    "model.name": "model",
    "model.architecture": "family of models",
    "trained_questions": "trained questions an alias",
    "learning_rate": "learning rate",
}
_PARAMETERS = "parameters of the model, by its name"
_PAIRS = f"pairs of alias and entity in {GAP[0]}"

#: Values this many times apart are drawn by their logarithm.
_APART = 8.0


@dataclass(frozen=True)
class Place:
    """Where a cell stands: `at` on the axis; `beside` is the values of further axes, empty where there are none."""

    cell: Cell
    at: float | str
    beside: str

    @property
    def label(self) -> str:
        """All values of the cell as text."""
        own = self.at if isinstance(self.at, str) else f"{self.at:g}"
        return f"{own}, {self.beside}" if self.beside else own


@dataclass(frozen=True)
class Swept:
    """The axis of a sweep: what it is called, its kind, and a place for every cell in the experiment's order."""

    title: str
    kind: Kind
    places: tuple[Place, ...]


def swept(experiment: Experiment) -> Swept:
    """What a sweep is drawn along: its first axis of numbers, or else its first axis.

    An axis of whole settings (models, stages) is one of numbers where a number in them is another one in each; so is
    one of models whose names say how large they are.
    """
    numbers = {path: _numbers(experiment, path) for path in experiment.axes}
    along = next((path for path, found in numbers.items() if found is not None), next(iter(experiment.axes)))
    title, values = numbers[along] or (_title(along), None)
    all_cells = cells(experiment)
    choices = _choices(experiment)
    places = []
    for cell, chosen in zip(all_cells, choices, strict=True):
        parts = dict(zip(experiment.axes, _parts(cell.name, list(experiment.axes)), strict=True))
        at = parts[along] if values is None else values[chosen[along]]
        rest = ", ".join(f"{path}={text}" for path, text in parts.items() if path != along)
        places.append(Place(cell, at, rest))
    kind: Kind = "names" if values is None else _kind(values)
    return Swept(title, kind, tuple(places))


def _numbers(experiment: Experiment, path: str) -> tuple[str, list[float]] | None:
    """The title and the numbers of an axis, None where it is one of names."""
    values = list(experiment.axes[path])
    if path == "model.name" and (sizes := [_parameters(str(value)) for value in values]) and all(sizes):
        return (_PARAMETERS, [size for size in sizes if size]) if len(set(sizes)) == len(sizes) else None
    if path == "knowledge.entities" and all(GAP[0] in _fractions(experiment) for _ in values):
        share = _fractions(experiment)[GAP[0]]
        return _PAIRS, [round(share * experiment.split.items(int(str(value)))) for value in values]
    flat = [dict(settings.flat(value, "")) for value in values]
    for name in flat[0]:
        found = [own.get(name) for own in flat]
        own = [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
        if len(set(own)) == len(values):
            return _title(f"{path}.{name}" if name else path), own
    return None


def _fractions(experiment: Experiment) -> Mapping[str, float]:
    return {subset.name: subset.fraction for subset in experiment.subsets}


def _parameters(name: str) -> float | None:
    """How many parameters a model has by its name: ``EleutherAI/pythia-1.4b-deduped`` has 1.4e9."""
    found = re.search(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", name.rpartition("/")[2].lower())
    return None if found is None else float(found[1]) * {"m": 1e6, "b": 1e9}[found[2]]


def _title(path: str) -> str:
    return next((title for end, title in _TITLES.items() if path == end or path.endswith(f".{end}")), path)


def _kind(values: Sequence[float]) -> Kind:
    return "log" if min(values) > 0 and max(values) / min(values) >= _APART else "linear"


def _choices(experiment: Experiment) -> list[dict[str, int]]:
    """Which value of each axis each cell has, in the order of the cells: the last axis varies fastest."""
    found: list[dict[str, int]] = [{}]
    for path, values in experiment.axes.items():
        found = [{**chosen, path: place} for chosen in found for place in range(len(values))]
    return found


def _parts(name: str, paths: Sequence[str]) -> list[str]:
    """The values in a cell's name, by axis; what they are is for people, so a name of a model loses its owner."""
    pattern = ",".join(f"{re.escape(path)}=(.*)" for path in paths)
    found = re.fullmatch(pattern, name)
    assert found is not None
    return [text.rpartition("/")[2] for text in found.groups()]
