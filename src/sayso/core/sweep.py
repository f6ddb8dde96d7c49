"""From an experiment to what is actually run: cells, and jobs of seeds trained side by side."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pydantic import JsonValue

from sayso.core import settings as settings_by_path
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.spec import canonical_json, digest_of

MAIN_CELL = "main"

#: Longest value that is written out in the name of a cell.
_LONGEST = 80


@dataclass(frozen=True)
class Cell:
    """One combination of an experiment's axes.

    Parameters
    ----------
    name
        What it is called in records: the settings that vary and their values, or ``main`` where none do.
    experiment
        The experiment of that combination; it has no axes left.
    """

    name: str
    experiment: Experiment


@dataclass(frozen=True)
class Job:
    """One cell and the seeds trained side by side in one process.

    Parameters
    ----------
    cell
        The cell.
    seeds
        The seeds, each trained as if it were alone.
    """

    cell: Cell
    seeds: tuple[int, ...]

    @functools.cached_property
    def id(self) -> str:
        """The name of the job's folder, sixteen hex digits: a digest of all it depends on."""
        return digest_of(canonical_json([self.cell.experiment.digest(), self.cell.name, list(self.seeds)]))


#: Puts seeds of a cell, for which there are no jobs yet, into jobs.
Deal: TypeAlias = Callable[[Cell, Sequence[int]], list[tuple[int, ...]]]


class Executor(Protocol):
    """A place where jobs run."""

    def run(self, jobs: Sequence[Job], on_event: Callable[[str, dict[str, object]], None]) -> None:
        """Run all jobs to their end; `on_event(job id, event)` hears of progress. Ctrl-C stops cleanly."""


def cells(experiment: Experiment) -> tuple[Cell, ...]:
    """All combinations of the axes, the last axis varying fastest; one cell called ``main`` where there are none.

    Raises
    ------
    SaysoError
        If two cells are the same experiment, or a combination of values does not fit together.
    """
    if not experiment.axes:
        return (Cell(MAIN_CELL, experiment),)
    base = experiment.model_copy(update={"axes": {}})
    result: list[Cell] = []
    seen: dict[str, str] = {}
    for name, settings in combinations(experiment):
        cell = base.with_settings(settings)
        if (digest := cell.digest()) in seen:
            raise SaysoError(f"{experiment.name}: the cells '{seen[digest]}' and '{name}' are the same experiment")
        seen[digest] = name
        result.append(Cell(name, cell))
    return tuple(result)


def cell_names(experiment: Experiment) -> tuple[str, ...]:
    """Names of the cells, in their order, without making them: for whoever reads what was run."""
    return tuple(name for name, _ in combinations(experiment))


def combinations(experiment: Experiment) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Each combination of the axes: the name of its cell, and its settings by path."""
    if not experiment.axes:
        yield MAIN_CELL, {}
        return
    labels = {path: _labels(values) for path, values in experiment.axes.items()}
    for choices in itertools.product(*(range(len(values)) for values in experiment.axes.values())):
        places = dict(zip(experiment.axes, choices, strict=True))
        settings = {path: experiment.axes[path][place] for path, place in places.items()}
        yield ",".join(f"{path}={labels[path][place]}" for path, place in places.items()), settings


def stacks(seeds: Iterable[int], processes: int, most: int) -> list[tuple[int, ...]]:
    """Deal seeds to jobs: as many jobs as there are processes, or more where a job would exceed `most` seeds."""
    waiting = list(seeds)
    if not waiting:
        return []
    jobs = max(min(processes, len(waiting)), -(-len(waiting) // most))
    bounds = [round(index * len(waiting) / jobs) for index in range(jobs + 1)]
    return [tuple(waiting[low:high]) for low, high in itertools.pairwise(bounds)]


def plan(
    experiment: Experiment,
    seeds: Sequence[int],
    deal: int | Deal,
    begun: Mapping[str, Sequence[tuple[int, ...]]] | None = None,
    finished: Mapping[str, Sequence[tuple[int, ...]]] | None = None,
) -> list[Job]:
    """All jobs that give every cell every seed.

    `begun` and `finished` hold the seeds of jobs already begun and already finished, by cell. What is finished is
    never run again, whichever seeds it was run beside. Jobs begun stay as they are where all their seeds are asked
    for. Only the seeds that neither covers are dealt anew: as `deal` says, or where that is a number, to so many
    processes.
    """
    jobs: list[Job] = []
    for cell in cells(experiment):
        covered: set[int] = set()
        for job_seeds in (finished or {}).get(cell.name, ()):
            if not set(seeds).isdisjoint(job_seeds):
                jobs.append(Job(cell, job_seeds))
                covered.update(job_seeds)
        for job_seeds in (begun or {}).get(cell.name, ()):
            if covered.isdisjoint(job_seeds) and set(job_seeds) <= set(seeds):
                jobs.append(Job(cell, job_seeds))
                covered.update(job_seeds)
        rest = [seed for seed in seeds if seed not in covered]
        if isinstance(deal, int):
            dealt = stacks(rest, deal, cell.experiment.model.max_replicas)
        else:
            dealt = deal(cell, rest) if rest else []
        jobs += [Job(cell, stack) for stack in dealt]
    return jobs


def _labels(values: Sequence[JsonValue]) -> list[str]:
    """Values of an axis in the names of its cells: text as it is, anything else as JSON.

    Of objects only the settings they do not share are named; long values are called by their place on the axis.
    """
    labels = [_plain(value) for value in values]
    if all(isinstance(value, dict) for value in values):
        flat = [dict(settings_by_path.flat(value, "")) for value in values]
        shared = {path for path in flat[0] if all(path in other and other[path] == flat[0][path] for other in flat)}
        labels = [
            ";".join(f"{path}:{_plain(item)}" for path, item in value.items() if path not in shared) for value in flat
        ]
    return [label if 0 < len(label) <= _LONGEST else f"#{place}" for place, label in enumerate(labels, start=1)]


def _plain(value: JsonValue) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)
