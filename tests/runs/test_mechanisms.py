"""Measures of mechanisms watch training and change nothing, and give the same numbers afterwards."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.records import Record
from sayso.core.sweep import Job, cells
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.probing.probes import Probes
from sayso.measures.probing.steered import Steered
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


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        (Probes(folds=40), "measure probes, presence, .* too few for 40 folds; set folds to"),
        (Probes(attributes=("height",)), "height"),
        (Steered(attributes=("height",)), "height"),
        (GradientAlignment(questions=("held_out",)), "subset D5cons has no questions in held_out"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_trained(plain, tmp_path, measure, why):
    refused = plain.model_copy(update={"measures": (measure,)})
    folder = JobFolder(tmp_path / "job")
    events: list[dict[str, object]] = []
    with pytest.raises(SaysoError, match=why):
        execute(Job(cells(refused)[0], (1,)), folder, events.append)
    assert [event["event"] for event in events] == ["building"]
    assert not folder.begun
