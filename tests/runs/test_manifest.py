import dataclasses
from typing import ClassVar

from sayso.core.identity import Origin
from sayso.core.job_folder import JobFolder
from sayso.runs.manifest import describe, gone_on


class Somewhere:
    device = "cuda:1"
    as_read: ClassVar[dict[str, object]] = {"weights": "bfloat16", "max_new_tokens": 12}


def test_the_manifest_says_what_the_job_rests_on(job, short, tmp_path):
    manifest = describe(job, Somewhere(), Origin(short.knowledge.sha256(), "0" * 40))
    assert (manifest.job, manifest.cell, manifest.seeds) == (job.id, "main", (1, 2))
    assert manifest.digest == short.digest()
    assert type(short).model_validate(manifest.experiment) == short
    assert manifest.data_sha256 == short.knowledge.sha256()
    assert {"python", "torch", "transformers", "numpy"} <= manifest.versions.keys()
    assert manifest.device.startswith("cuda:1, ")
    assert manifest.model == "0" * 40
    assert manifest.as_read == Somewhere.as_read
    assert describe(job, object(), Origin("data", None)).as_read == {}
    folder = JobFolder(tmp_path / "job")
    folder.open(manifest)
    assert folder.manifest() == manifest


def test_the_fastest_precision_is_said_where_it_was_to_be_chosen(job):
    learner = type("Learner", (Somewhere,), {"fastest": "bfloat16"})()
    assert describe(job, learner, Origin("data", None)).as_read == Somewhere.as_read
    fast = job.cell.experiment.with_settings({"train.precision": "fastest"})
    asked = dataclasses.replace(job, cell=dataclasses.replace(job.cell, experiment=fast))
    assert describe(asked, learner, Origin("data", None)).as_read == {
        **Somewhere.as_read,
        "fastest precision": "bfloat16",
    }


def test_a_job_that_goes_on_elsewhere_says_so_and_keeps_what_it_began_with(job, short):
    before = describe(job, Somewhere(), Origin("data", None))
    assert gone_on(before, dataclasses.replace(before, started="later")) == before
    versions = {**before.versions, "torch": "3.0"}
    after = gone_on(before, dataclasses.replace(before, started="later", versions=versions, device="cpu, x"))
    assert dataclasses.replace(after, resumed=()) == before
    (line,) = after.resumed
    assert line.startswith("later: torch 3.0 (before ")
    assert "on cpu, x (before on cuda:1, " in line


def test_a_job_that_goes_on_with_longer_answers_says_so(job):
    before = describe(job, Somewhere(), Origin("data", None))
    after = gone_on(before, dataclasses.replace(before, as_read={"max_new_tokens": 14}))
    assert after.as_read == before.as_read
    assert after.resumed[0].endswith(": max_new_tokens 14 (before 12)")
    began_earlier = dataclasses.replace(before, as_read={})
    assert gone_on(began_earlier, before) == began_earlier


def test_a_cpu_is_named_with_the_instructions_its_numbers_depend_on(job, short):
    import torch

    found = describe(job, object(), Origin("data", None)).device
    assert found.startswith("cpu ")
    assert f" {torch.backends.cpu.get_cpu_capability()}, " in found
