"""What a row of the table takes with all its seeds, and what must be downloaded for it.

``python -m benchmarks.costs`` writes ``costs.json``: hours and memory of a GPU, as ``sayso show NAME --gpu`` estimates
them where no facts are at hand, and minutes of two cores from results folders. What is of another digest is left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from sayso.core.experiment import Experiment
from sayso.core.spec import Spec
from sayso.core.sweep import cells
from sayso.data.digits.grid import DigitGrids
from sayso.data.digits.images import SCIKIT_LEARN
from sayso.data.published.cvdb import CVDB
from sayso.data.published.trex import TREx
from sayso.learners.specs import HFModel

FILE = "costs.json"

#: The card of the hours: the paper's.
CARD = "A100-80GB"
#: A card of today, beside it.
NEWER_CARD = "H100"


class Cost(Spec):
    """What an experiment of the training digest `of` takes with all its seeds.

    `gpu_hours` of one `CARD` and `newer_gpu_hours` of one `NEWER_CARD`, of whose memory `gpu_memory` gigabytes (1e9
    bytes) are needed for a whole batch; or `minutes` of two cores, the fastest seen.
    """

    of: str
    gpu_hours: float | None = None
    newer_gpu_hours: float | None = None
    gpu_memory: float | None = None
    minutes: float | None = None


@functools.cache
def all_costs() -> Mapping[str, Cost]:
    """Everything that was estimated or measured, by the experiment's name."""
    text = resources.files("sayso.paper").joinpath(FILE).read_text(encoding="utf-8")
    return {name: Cost.model_validate(found) for name, found in json.loads(text).items()}


def cost_of(experiment: Experiment) -> Cost | None:
    """What an experiment takes; None where that is not known of these settings and seeds."""
    found = all_costs().get(experiment.name)
    return found if found is not None and found.of == experiment.digest() else None


def downloads(experiment: Experiment) -> tuple[str, ...]:
    """Facts and models that must be downloaded first, by name: ``CVDB``, ``T-REx``, ``MNIST``, hub names of models."""
    found: dict[str, None] = {}
    for cell in cells(experiment):
        knowledge, model = cell.experiment.knowledge, cell.experiment.model
        if isinstance(knowledge, CVDB | TREx) and knowledge.file is None:
            found["CVDB" if isinstance(knowledge, CVDB) else "T-REx"] = None
        if isinstance(knowledge, DigitGrids) and knowledge.images != SCIKIT_LEARN:
            found["MNIST"] = None
        if isinstance(model, HFModel) and not Path(model.name).exists():
            found[model.name] = None
    return tuple(found)
