"""Where jobs run, by name: how seeds are dealt to jobs there, and what runs them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.protocols import ModelSpec
from sayso.core.store import Store
from sayso.core.sweep import Cell, Deal, Executor, Job, cells, stacks
from sayso.learners.specs import HFModel
from sayso.runs import local, machine, processes, ray_cluster
from sayso.runs.needs import Needed, Needs
from sayso.runs.on_ray import RayCluster
from sayso.runs.ray_cluster import CLIENT, Node
from sayso.runs.slurm import SlurmArrays
from sayso.runs.slurm_settings import SlurmSettings, slurm_settings

#: Gigabytes that a job of a small model takes on CPUs; those of the pocket experiments take 0.4 to 0.8.
_SMALL_GB = 1.0


class Place(Protocol):
    """Where jobs run."""

    def deal(self, experiment: Experiment, jobs: int | None) -> Deal:
        """How seeds go to jobs, `jobs` of them at a time, or as many as usual."""

    def executor(
        self, store: Store, model: ModelSpec, at_a_time: tuple[int | None, int], /, **options: Any
    ) -> Executor:
        """What runs them: so many at a time, or as many as usual, of so many that are planned."""


class Here:
    """Processes on this machine, with what each has of cores and GPUs."""

    def deal(self, experiment: Experiment, jobs: int | None) -> Deal:
        """As `Place.deal`; what there is to run on is looked for when there are seeds to deal."""
        dealer = functools.cache(lambda: processes.dealing(experiment, machine.this_machine(), jobs))
        return lambda cell, seeds: dealer()(cell, seeds)

    def executor(
        self, store: Store, model: ModelSpec, at_a_time: tuple[int | None, int], /, **options: Any
    ) -> Executor:
        """As `Place.executor`."""
        jobs, planned = at_a_time
        there = machine.this_machine()
        count = jobs or processes.usual_processes(model, there)
        threads = processes.threads_of(model, min(count, planned), there)
        gpus = tuple(gpu.visible for gpu in there.gpus)
        return local.LocalProcesses(store, processes=count, threads=threads, gpus=gpus, **options)


@dataclass(frozen=True)
class Slurm:
    """A cluster; `settings` say what is asked of it."""

    settings: SlurmSettings

    @functools.cached_property
    def _on_card(self) -> Needed:
        return Needed(self.settings.card)

    @functools.cached_property
    def _on_core(self) -> Needed:
        return Needed()

    def needs(self, job: Job) -> Needs:
        """What a job needs, estimated where nothing is said: GPUs only for models of transformers that are given."""
        usual = isinstance(job.cell.experiment.model, HFModel)
        on_gpu = usual if self.settings.gpus is None else self.settings.gpus > 0
        return self.settings.needs((self._on_card if on_gpu else self._on_core)(job))

    def deal(self, experiment: Experiment, jobs: int | None) -> Deal:
        """As `Place.deal`: so many jobs that all tasks have some."""
        at_a_time = jobs or self.settings.tasks * self.settings.side_by_side
        each = math.ceil(at_a_time / len(cells(experiment)))

        def deal(cell: Cell, seeds: Sequence[int]) -> list[tuple[int, ...]]:
            model = cell.experiment.model
            most = model.max_replicas_on_gpu if self.needs(Job(cell, tuple(seeds))).gpus else None
            return stacks(seeds, each, most or model.max_replicas)

        return deal

    def executor(
        self, store: Store, _model: ModelSpec, _at_a_time: tuple[int | None, int], /, **options: Any
    ) -> Executor:
        """As `Place.executor`."""
        return SlurmArrays(store, self.needs, self.settings, **options)


@dataclass(frozen=True)
class OnRay:
    """A Ray cluster: at `address`, or of ``RAY_ADDRESS``, or else one started on this machine."""

    address: str | None = None

    @functools.cached_property
    def nodes(self) -> Sequence[Node]:
        """What there is to run on; asked once."""
        address = ray_cluster.address_of(self.address)
        if address == ray_cluster.LOCAL:
            there = machine.this_machine()
            return (Node("", "", there.cores, len(there.gpus), there.free_memory or math.inf),)
        with ray_cluster.connected(address) as ray:
            return ray_cluster.nodes_of(ray)

    def needs(self, job: Job) -> Needs:
        """A core each; GPUs where there are any, as many as train its model together; memory as far as it is known."""
        model = job.cell.experiment.model
        gpus = model.processes() if any(node.gpus for node in self.nodes) else 0
        if not isinstance(model, HFModel):
            return Needs(gpus=gpus) if gpus else Needs(memory_gb=_SMALL_GB)
        memory = processes.memory_of(model, on_gpu=gpus > 0)
        return Needs(gpus=gpus) if memory is None else Needs(gpus=gpus, memory_gb=memory / 1e9)

    def deal(self, experiment: Experiment, jobs: int | None) -> Deal:
        """As `Place.deal`: one a GPU of all nodes, or where there is none one a core."""

        def deal(cell: Cell, seeds: Sequence[int]) -> list[tuple[int, ...]]:
            gpus, cores = (sum(each) for each in zip(*((node.gpus, node.cores) for node in self.nodes), strict=True))
            each = math.ceil((jobs or gpus or cores) / len(cells(experiment)))
            model = cell.experiment.model
            return stacks(seeds, each, (model.max_replicas_on_gpu if gpus else None) or model.max_replicas)

        return deal

    def executor(
        self, store: Store, _model: ModelSpec, at_a_time: tuple[int | None, int], /, **options: Any
    ) -> Executor:
        """As `Place.executor`."""
        return RayCluster(store, self.address, self.needs, at_a_time[0], **options)


def place(name: str, slurm: Sequence[str] = ()) -> Place:
    """Find a place by its name; `slurm` are settings of a cluster (`sayso.runs.slurm_settings`).

    Raises
    ------
    SaysoError
        If there is none, or its settings are not right.
    """
    if name == "slurm":
        return Slurm(slurm_settings(slurm))
    if slurm:
        raise SaysoError("--slurm says what is asked of SLURM: add --on slurm")
    kind, _, address = name.partition("=")
    if name == "ray" or (kind == "ray" and address):
        return OnRay(address or None)
    if name.startswith(CLIENT):
        return OnRay(name)
    if name != "here":
        raise SaysoError(f"--on {name}: there is no such place; it is here, slurm, ray, ray=ADDRESS or ray://HOST:PORT")
    return Here()
