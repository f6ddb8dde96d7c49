"""What a job rests on: settings, data, versions, and the code's commit."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sayso.core.experiment import Experiment
from sayso.core.records import Manifest
from sayso.core.sweep import Job

_PACKAGES = ("sayso", "torch", "transformers", "tokenizers", "peft", "numpy", "pydantic")


def describe(job: Job, learner: object) -> Manifest:
    """What this job rests on, for its manifest; of the learner its `device` and `model_commit`, if it has them."""
    experiment: Experiment = job.cell.experiment
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return Manifest(
        job=job.id,
        cell=job.cell.name,
        seeds=job.seeds,
        digest=experiment.digest(),
        experiment=experiment.model_dump(mode="json"),
        data_sha256=experiment.knowledge.sha256(),
        versions=versions,
        git_commit=_git_commit(),
        device=f"{getattr(learner, 'device', 'cpu')}, {platform.machine()}, {platform.system()}",
        started=now(),
        model_commit=getattr(learner, "model_commit", None),
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
