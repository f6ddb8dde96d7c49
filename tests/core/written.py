"""A record and a manifest to write, and the one line of what goes wrong."""

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.records import Manifest, Record
from sayso.core.store import Store


def record(seed: int = 1, epoch: int = 0, value: float = 0.5, cell: str = "main", subset: str = "QA3") -> Record:
    return Record("tiny", cell, seed, "stage1", epoch, "exact_match", "validation", subset, value, 10)


def manifest(job: str, seeds: tuple[int, ...] = (1, 2), cell: str = "main") -> Manifest:
    return Manifest(job, cell, seeds, "digest", {"name": "tiny"}, "00", {"python": "3"}, None, "cpu", "now")


def make_store(store: Store, experiment: Experiment) -> None:
    """Make a results folder."""
    with store.held(experiment):
        pass


def error(function, *arguments) -> str:
    with pytest.raises(SaysoError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)
