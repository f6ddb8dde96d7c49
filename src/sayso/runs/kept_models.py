"""Models kept after each leg, where they were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.legs import Leg


def require_models(folder: JobFolder, seeds: Sequence[int], done: Sequence[Leg]) -> None:
    """Make sure that a job kept its models after the legs it is done with: they cannot be had again.

    Raises
    ------
    SaysoError
        If it did not.
    """
    for leg in done:
        for seed in seeds:
            if not folder.model_path(seed, leg.label).is_dir():
                raise SaysoError(
                    f"{folder.path}: seed {seed} has finished {leg.label}, but its model was not kept; to train it "
                    "again, delete this folder or choose another with --out"
                )
