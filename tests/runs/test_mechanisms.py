"""Measures of mechanisms watch training and change nothing, and give the same numbers afterwards."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.records import Record
from sayso.core.sweep import Job, cells
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.step_effect import StepEffect
from sayso.runs.execute import execute
from sayso.runs.measure import measure_job

MECHANISMS = (
    GradientAlignment(all_pairs=True, by_layer=True, when=("start", "stage")),
    StepEffect(when=("start", "stage")),
)


def run(experiment: Experiment, path: Path, seeds: tuple[int, ...]) -> tuple[Job, JobFolder]:
    job, folder = Job(cells(experiment)[0], seeds), JobFolder(path)
    execute(job, folder, lambda _: None)
    return job, folder


def weights(folder: JobFolder, experiment: Experiment) -> list[bytes]:
    found = [folder.state_path(leg, stage.epochs) for leg, stage in enumerate(experiment.stages)]
    states = [torch.load(path, weights_only=True)["weights"] for path in found]
    return [b"".join(tensor.numpy().tobytes() for _, tensor in sorted(state.items())) for state in states]


def in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda r: (r.seed, r.stage, r.epoch, r.measure, r.eval_set, r.subset, r.what))


@pytest.fixture(scope="module")
def plain(short):
    return short.model_copy(update={"measures": (MeanLoss(),)}).with_settings({"keep": "stages"})


def test_training_is_the_same_to_the_bit_and_later_measures_are_those_of_training(plain, tmp_path):
    watched = plain.model_copy(update={"measures": (MeanLoss(), *MECHANISMS)})
    _, during = run(watched, tmp_path / "during", (1, 2))
    job, after = run(plain, tmp_path / "after", (1, 2))
    assert weights(during, plain) == weights(after, plain)
    measure_job(job, after, MECHANISMS, lambda _: None)
    assert in_order(after.records()) == in_order(during.records())
    assert {record.measure for record in after.records()} == {"loss", "gradient_alignment", "step_effect"}
    for measure in MECHANISMS:
        assert list(after.details(measure.name)) == list(during.details(measure.name)) != []
