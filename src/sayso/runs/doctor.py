"""What sayso sees of a machine, what it would use there, and what is missing: nothing that is broken stops it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.core.device_asked import DEVICE, device_asked
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.extras import installing
from sayso.core.protocols import ModelSpec
from sayso.core.sweep import cells, plan
from sayso.core.training import TrainSpec
from sayso.learners.specs import FromScratch, HFModel
from sayso.runs.devices import VISIBLE, Ask, Asked, are_hidden, ask_child, signs_of_gpus
from sayso.runs.installed import Lacking, lacking, required, version_of
from sayso.runs.machine import Machine, cores, free_memory, threads_asked
from sayso.runs.manifest import versions
from sayso.runs.processes import Fits, dealing, measured_on, threads_of, usual_processes
from sayso.runs.surroundings import Folder, Hub, folders, hub

#: Parts of sayso that a run takes; others are for some models, tables or pictures.
_NEEDED = ("train", "report")
#: Bytes that a disk should have left: Pythia-2.8B's weights and one checkpoint of them take more.
_LITTLE = 5 * 10**9
#: Seconds that libraries may take to load.
_WAIT_S = 90.0


@dataclass(frozen=True)
class Use:
    """What would be used for a kind of model or an experiment.

    `side_by_side`: most seeds of a job, None where that is measured when a run begins. Precisions are of `training` and
    of `evaluation`.
    """

    what: str
    processes: int
    threads: int
    side_by_side: int | None
    training: str
    evaluation: str


@dataclass(frozen=True)
class Trouble:
    """Something that is missing, and the command or setting that `helps`; without it nothing runs if it `stops`."""

    what: str
    helps: str
    stops: bool = False


@dataclass(frozen=True)
class Checkup:
    """All that was found. `hidden`: whether the environment hides the GPUs there are; `wanted`: its device."""

    versions: Mapping[str, str]
    asked: Asked
    hidden: bool
    wanted: str
    machine: Machine
    folders: Sequence[Folder]
    hub: Hub
    uses: Sequence[Use]
    troubles: Sequence[Trouble]

    @property
    def ready(self) -> bool:
        """Whether runs can be done."""
        return not any(trouble.stops for trouble in self.troubles)


def examine(
    experiment: Experiment | None = None,
    *,
    results: Path,
    root: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
    ask: Ask | None = None,
    reach: Callable[[str, float], bool] | None = None,
    version: Callable[[str], str | None] = version_of,
    fits: Fits | None = None,
) -> Checkup:
    """Look at this machine: in general, or for an experiment; `results` is where these would go.

    The rest are for whoever looks at another: where its files begin, its environment, who asks its libraries
    (`sayso.runs.devices.ask_child`), whether its hub answers, its packages, and how many seeds fit on its GPUs.
    """
    environment = os.environ if environment is None else environment
    asking = ask or (lambda there, request: ask_child(there, request, _WAIT_S))
    asked = asking(environment, {"libraries": True})
    signs = signs_of_gpus(root)
    gpus = asked.usable if signs and not are_hidden(environment) else ()
    machine = Machine(cores(root), free_memory(root), gpus, threads_asked(environment))
    lines = required()
    missing = lacking(lines, version)
    found, the_hub = folders(environment, results), hub(environment, reach)
    hidden = bool(signs) and are_hidden(environment)
    wanted = device_asked(environment)
    troubles = [
        *_of_packages(missing, asked),
        *_of_device(wanted, asked),
        *([] if hidden else _of_gpus(asked, signs)),
        *_of_folders(found),
        *_of_hub(the_hub),
    ]
    blind = dataclasses.replace(machine, free_memory=None)  # nothing is loaded to see how large a model is
    if experiment is None:
        uses = [
            _use("seeds side by side", FromScratch(), TrainSpec(), blind, None),
            _use("a large model", HFModel(name="any"), TrainSpec(), blind, None),
        ]
    else:
        uses = [_use_for(experiment, blind if asked.broken or not asked.versions else machine, fits)]
        troubles += _of_experiment(experiment, the_hub)
    return Checkup({**versions(), **asked.versions}, asked, hidden, wanted, machine, found, the_hub, uses, troubles)


def _use(what: str, model: ModelSpec, train: TrainSpec, machine: Machine, jobs: Sequence[int] | None) -> Use:
    """What a model would use; `jobs` has how many seeds each job has, where that is known."""
    processes = usual_processes(model, machine)
    if jobs is not None:
        processes = min(processes, len(jobs))
    most = None if machine.gpus and model.max_replicas != 1 else model.max_replicas
    stacked = isinstance(model, FromScratch)  # computes in float32 whatever is asked for
    return Use(
        what,
        processes,
        threads_of(model, processes, machine),
        most if jobs is None else max(jobs),
        "float32" if stacked else _precision(train.precision, machine),
        "float32" if stacked else _precision(getattr(model, "evaluation_precision", train.precision), machine),
    )


def _use_for(experiment: Experiment, machine: Machine, fits: Fits | None) -> Use:
    measured = fits or (measured_on(machine) if machine.gpus else None)
    jobs = plan(experiment, list(experiment.seeds), dealing(experiment, machine, None, measured))
    first = cells(experiment)[0].experiment
    return _use(experiment.name, first.model, first.train, machine, [len(job.seeds) for job in jobs])


def _precision(asked: str, machine: Machine) -> str:
    """What ``auto`` and ``fastest`` are here."""
    if asked == "fastest" and not machine.gpus:
        return "bfloat16 if the CPU has it"
    if asked in ("auto", "fastest"):
        return "bfloat16" if machine.gpus and all(gpu.bfloat16 for gpu in machine.gpus) else "float32"
    return asked


def _of_packages(missing: Sequence[Lacking], asked: Asked) -> Iterator[Trouble]:
    needed = [each for each in missing if each.part in _NEEDED]
    for part in _NEEDED:
        if names := ", ".join(str(each) for each in needed if each.part == part):
            yield Trouble(f"not installed: {names}", installing(part, upgrade=True), stops=True)
    for name, reason in asked.broken.items():
        if name not in {each.package for each in needed}:
            yield Trouble(f"{name} does not load ({reason})", f"pip install --force-reinstall {name}", stops=True)
    if not asked.versions and not asked.broken and asked.trouble:
        yield Trouble(asked.trouble, "python -c 'import torch' says more", stops=True)
    if more := [each for each in missing if each.part not in _NEEDED]:
        names = ", ".join(f"{each} ({each.part})" for each in more)
        command = installing(*dict.fromkeys(each.part for each in more), upgrade=True)
        yield Trouble(f"not installed, and needed for some things: {names}", command)


def _of_device(wanted: str, asked: Asked) -> Iterator[Trouble]:
    there = {"cuda": bool(asked.usable), "mps": asked.mps}
    if not there.get(wanted, True):
        yield Trouble(f"{DEVICE}={wanted}, and torch finds no such device", f"the CPU is used; unset {DEVICE}")


def _of_gpus(asked: Asked, signs: Sequence[str]) -> Iterator[Trouble]:
    torch = asked.versions.get("torch")
    if torch is None:
        return
    nvidia = [sign for sign in signs if "nvidia" in sign]
    if nvidia and asked.built_for is None:
        own = f"torch=={torch.partition('+')[0]} --index-url https://pypi.org/simple"
        yield Trouble(
            f"torch {torch} is built for CPUs alone, and there is a GPU ({nvidia[0]})",
            f"pip install --force-reinstall {own}",
        )
    elif nvidia and asked.trouble:
        yield Trouble(f"torch cannot use the GPU ({asked.trouble})", _what_helps(asked.trouble))
    usable = [device.visible for device in asked.usable]
    for device in asked.devices:
        if device.trouble is not None:
            others = ",".join(usable)
            yield Trouble(
                f"torch cannot use GPU {device.number}, {device.name} ({device.trouble})",
                f"export {VISIBLE}={others} leaves it out" if others else _what_helps(device.trouble),
            )
    if asked.usable and not signs:
        yield Trouble(
            f"torch finds {asked.usable[0].name}, which sayso does not plan for", "sayso run NAME --jobs 1 has it alone"
        )


def _what_helps(trouble: str) -> str:
    if "too old" in trouble:
        return "update NVIDIA's driver, or take a torch for an older CUDA: https://pytorch.org/get-started/locally"
    if "Found no NVIDIA driver" in trouble:
        return "nvidia-smi shows whether there is a driver; a container needs 'docker run --gpus all'"
    return "nvidia-smi shows what the driver can use"


def _of_folders(found: Iterable[Folder]) -> Iterator[Trouble]:
    helps = {
        "results": "sayso run NAME --out DIR",
        "facts": "export SAYSO_CACHE=DIR",
        "models": "export HF_HOME=DIR",
    }
    for folder in found:
        results = folder.what == "results"
        if not folder.writable:
            yield Trouble(f"{folder.what} cannot be written to {folder.path}", helps[folder.what], stops=results)
        elif folder.free is not None and folder.free < _LITTLE:
            left = f"{folder.free / 1e9:.1f} GB"
            yield Trouble(f"little disk: {left} left for {folder.what} at {folder.path}", helps[folder.what])


def _of_hub(found: Hub) -> Iterator[Trouble]:
    if found.reachable is False:
        yield Trouble(
            f"{found.endpoint} did not answer", "'hf download NAME --local-dir DIR' where it does, then --model DIR"
        )


def _of_experiment(experiment: Experiment, found: Hub) -> Iterator[Trouble]:
    """What is not at hand of its facts and models."""
    said: dict[str, Trouble] = {}
    for cell in cells(experiment):
        knowledge, model = cell.experiment.knowledge, cell.experiment.model
        try:
            knowledge.sha256()
        except Exception as error:  # whatever is wrong with them or with what reads them
            said["facts"] = Trouble("facts are not at hand", _one_line(error), stops=True)
        if isinstance(model, HFModel):
            try:
                there = Path(model.name).expanduser().exists() or model.identity() is not None
            except Exception as error:
                said[model.name] = Trouble(f"{model.name} cannot be read", _one_line(error), stops=True)
                continue
            if not there:
                helps = f"hf download {model.name}"
                said[model.name] = Trouble(f"{model.name} is not downloaded", helps, stops=not found.reachable)
    yield from said.values()


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, SaysoError) else f"{type(error).__name__}: {text}"
