from sayso.core.job_folder import JobFolder
from sayso.runs.manifest import describe


class Somewhere:
    device = "cuda:1"
    model_commit = "0" * 40


def test_the_manifest_says_what_the_job_rests_on(job, short, tmp_path):
    manifest = describe(job, Somewhere())
    assert (manifest.job, manifest.cell, manifest.seeds) == (job.id, "main", (1, 2))
    assert manifest.digest == short.digest()
    assert type(short).model_validate(manifest.experiment) == short
    assert manifest.data_sha256 == short.knowledge.sha256()
    assert {"python", "torch", "transformers", "numpy"} <= manifest.versions.keys()
    assert manifest.device.startswith("cuda:1, ")
    assert manifest.model_commit == "0" * 40
    folder = JobFolder(tmp_path / "job")
    folder.open(manifest)
    assert folder.manifest() == manifest
