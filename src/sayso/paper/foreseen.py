"""What was foreseen of experiments beyond the paper, written down before their default seeds were run.

``foreseen.json`` holds, by the experiment's name, the day, the digest of its training, the seeds that were to be run,
and of each cell what each claim was thought to come to. What was written of one digest says nothing of another one.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Literal

from sayso.core.experiment import Experiment
from sayso.core.spec import Spec

_FILE = "foreseen.json"

#: It holds; it fails; it does not hold, whether it fails or stays undecided; nobody knew.
Foresight = Literal["holds", "fails", "does not hold", "open"]


class Foreseen(Spec):
    """What was written down on a day of an experiment of the training digest `of`, of the seeds that were to run.

    `claims`: by cell (or ``all N cells together``) and by the claim's name.
    """

    written: datetime.date
    of: str
    seeds: str
    claims: Mapping[str, Mapping[str, Foresight]]


@functools.cache
def all_foreseen() -> Mapping[str, Foreseen]:
    """Everything that was written down, by the experiment's name."""
    text = resources.files("sayso.paper").joinpath(_FILE).read_text(encoding="utf-8")
    return {name: Foreseen.model_validate(found) for name, found in json.loads(text).items()}


def foreseen(experiment: Experiment) -> Foreseen | None:
    """What was foreseen of an experiment; None where nothing was written down of these settings."""
    digest = experiment.digest()
    return next((found for found in all_foreseen().values() if found.of == digest), None)
