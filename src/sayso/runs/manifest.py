"""What a job rests on: settings, data, versions, and the code's commit."""

from __future__ import annotations

import dataclasses
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import Origin
from sayso.core.learner import MatrixPeak
from sayso.core.records import Manifest
from sayso.core.sweep import Job

_PACKAGES = ("sayso", "torch", "transformers", "tokenizers", "peft", "numpy", "pydantic")


def describe(job: Job, learner: object, origin: Origin) -> Manifest:
    """What this job rests on, for its manifest; of the learner its `device` and what it says `as_read`."""
    experiment: Experiment = job.cell.experiment
    return Manifest(
        job=job.id,
        cell=job.cell.name,
        seeds=job.seeds,
        digest=experiment.digest(),
        experiment=experiment.model_dump(mode="json"),
        data_sha256=origin.data or "",
        versions=versions(),
        git_commit=_git_commit(),
        device=_device(learner),
        started=now(),
        model=origin.model,
        as_read=_as_read(experiment, learner),
    )


def _device(learner: object) -> str:
    """What computes: of a CPU also who made it and the instructions torch uses, for on others numbers are others."""
    device = str(getattr(learner, "device", "cpu"))
    if device == "cpu":
        torch = sys.modules.get("torch")  # a learner that does without it need not wait for it
        found = (device, _cpu_vendor(), torch.backends.cpu.get_cpu_capability() if torch else "")
        device = " ".join(filter(None, found))
    return f"{device}, {platform.machine()}, {platform.system()}"


def _cpu_vendor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # there is none on macOS and Windows
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")


def _as_read(experiment: Experiment, learner: object) -> dict[str, str | int]:
    """What a learner says of its model, and what precision the fastest was where one was to be chosen."""
    found = dict(getattr(learner, "as_read", {}))
    asked = {experiment.train.precision, getattr(experiment.model, "evaluation_precision", None)}
    asked |= {stage.overrides.get("precision") for stage in experiment.stages}
    if "fastest" in asked and (fastest := getattr(learner, "fastest", None)):
        found["fastest precision"] = fastest
    return found


def gone_on(before: Manifest, today: Manifest) -> Manifest:
    """The manifest of a job that goes on: as it was, and a line on what is different now, if anything is."""
    changes = [
        f"{name} {today.versions.get(name, 'none')} (before {before.versions.get(name, 'none')})"
        for name in sorted(before.versions.keys() | today.versions.keys())
        if before.versions.get(name) != today.versions.get(name)
    ]
    changes += [
        f"{name} {today.as_read[name]} (before {before.as_read[name]})"
        for name in sorted(before.as_read.keys() & today.as_read.keys())
        if before.as_read[name] != today.as_read[name]
    ]
    if before.device != today.device:
        changes.append(f"on {today.device} (before on {before.device})")
    if before.git_commit != today.git_commit:
        changes.append(f"sayso's code at {today.git_commit or 'no commit'} (before at {before.git_commit or 'none'})")
    if not changes:
        return before
    return dataclasses.replace(before, resumed=(*before.resumed, f"{today.started}: {', '.join(changes)}"))


def with_peaks(manifest: Manifest, peaks: Iterable[MatrixPeak]) -> Manifest:
    """A manifest with what matrix products reach, unless it says so from when the job began."""
    found = {peak.precision: float(f"{peak.operations / 1e12:.4g}") for peak in peaks}
    return dataclasses.replace(manifest, matrix_peak_tflops=manifest.matrix_peak_tflops or found)


def versions() -> dict[str, str]:
    """Versions of what results may depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def require_same(there: Mapping[str, str]) -> None:
    """Make sure that what results rest on most is of the same versions here as where a run was begun.

    Raises
    ------
    SaysoError
        If Python, sayso or torch is not.
    """
    here = versions()
    for name in ("python", "sayso", "torch"):
        if here.get(name) != there.get(name):
            raise SaysoError(
                f"{name} is {here.get(name, 'not installed')} on {platform.node()} ({sys.executable}), "
                f"{there.get(name, 'not installed')} where the run was begun; install the same there, or begin it from "
                "an environment that all machines share"
            )


def _git_commit() -> str | None:
    """Commit of the checkout this package runs from, None if it is installed elsewhere or has no git."""
    here = Path(__file__).resolve().parents[3]
    if not (here / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
