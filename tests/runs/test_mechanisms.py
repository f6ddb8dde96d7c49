"""Measures of mechanisms watch training and change nothing, and give the same numbers afterwards."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
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
    return [b"".join(tensor.numpy().tobytes() for _, tensor in sorted(load_file(path).items())) for path in found]


@pytest.fixture(scope="module")
def plain(short):
    return short.model_copy(update={"measures": (MeanLoss(),)}).with_settings({"keep": "stages"})


def test_training_is_the_same_to_the_bit_and_later_measures_are_those_of_training(plain, tmp_path):
    watched = plain.model_copy(update={"measures": (MeanLoss(), *MECHANISMS)})
    _, during = run(watched, tmp_path / "during", (1, 2))
    job, after = run(plain, tmp_path / "after", (1, 2))
    assert weights(during, plain) == weights(after, plain)
    measure_job(job, after, MECHANISMS, lambda _: None)
    key = lambda record: (record.seed, record.stage, record.epoch, record.measure, record.eval_set, record.subset, record.what)  # noqa: E731, E501
    assert sorted(after.records(), key=key) == sorted(during.records(), key=key)
    assert {record.measure for record in after.records()} == {"loss", "gradient_alignment", "step_effect"}
    for measure in MECHANISMS:
        assert list(after.details(measure.name)) == list(during.details(measure.name)) != []
