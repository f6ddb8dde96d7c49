"""What measures keep beside the records: written at the end of each stage, the same after a kill."""

import gzip
import json

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.predictions import predictions
from sayso.core.sweep import plan
from sayso.learners.stacked.learner import StackedLearner
from sayso.measures.predictions import Predictions
from sayso.runs.execute import execute


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(scope="session")
def keeping(quick):
    measures = (*quick.measures, Predictions(eval_sets=("validation",)))
    return plan(quick.model_copy(update={"measures": measures, "stage2_seeds": 2}), (1, 2), 1)[0]


def kept(folder: JobFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.path.glob("*.jsonl.gz"))}


@pytest.fixture(scope="session")
def whole(keeping, tmp_path_factory):
    folder = JobFolder(tmp_path_factory.mktemp("details") / "job")
    execute(keeping, folder, lambda _: None)
    return folder


def test_every_stage_that_is_measured_leaves_its_predictions(whole):
    assert list(kept(whole)) == [f"predictions-{label}.jsonl.gz" for label in ("stage1", "stage2-1", "stage2")]
    said = list(predictions(whole))
    assert {(each.stage, each.stage2_seed) for each in said} == {("stage1", 0), ("stage2", 0), ("stage2", 1)}
    assert {each.seed for each in said} == {1, 2}
    assert {each.eval_set for each in said} == {"validation"}


def test_exact_match_can_be_computed_again_from_them(whole):
    said = {(each.seed, each.stage, each.stage2_seed, each.subset): each for each in predictions(whole)}
    records = [r for r in whole.records() if r.measure == "exact_match" and r.eval_set == "validation" and r.epoch == 2]
    assert {(r.seed, r.stage, r.stage2_seed, r.subset) for r in records if r.n} == {*said}
    for record in records:
        own = said.get((record.seed, record.stage, record.stage2_seed, record.subset))
        if own is not None:
            right = [each in accepted for each, accepted in zip(own.said, own.answers, strict=True)]
            assert (record.n, right) == (len(own.said), own.match)
            assert record.value == pytest.approx(sum(right) / len(right), abs=1e-6)


@pytest.mark.parametrize("at", [4, 5, 6])
def test_killed_around_the_end_of_a_stage_they_come_out_the_same(whole, keeping, tmp_path, monkeypatch, at):
    folder = JobFolder(tmp_path / "job")
    saved = []
    save = StackedLearner.save

    def dies(learner, path):
        saved.append(path)
        if len(saved) == at:
            raise Killed
        return save(learner, path)

    with monkeypatch.context() as patch:
        patch.setattr(StackedLearner, "save", dies)
        with pytest.raises(Killed):
            execute(keeping, folder, lambda _: None)
    execute(keeping, folder, lambda _: None)
    assert kept(folder) == kept(whole)


def test_a_damaged_file_is_named(tmp_path):
    folder = JobFolder(tmp_path)
    folder.write_details("predictions-stage1", [{"said": "Zoë"}])
    assert json.loads(gzip.decompress((tmp_path / "predictions-stage1.jsonl.gz").read_bytes())) == {"said": "Zoë"}
    content = (tmp_path / "predictions-stage1.jsonl.gz").read_bytes()
    (tmp_path / "predictions-stage1.jsonl.gz").write_bytes(content[:-6])
    with pytest.raises(SaysoError, match=r"predictions-stage1.jsonl.gz: cannot be read"):
        list(folder.details("predictions"))
