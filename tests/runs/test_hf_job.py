"""A whole job with a model of transformers, and the same job killed: sequence-to-sequence, and causal with LoRA."""

import json
from concurrent.futures import Future
from typing import Any

import pytest
import transformers

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.sweep import Job, plan
from sayso.data.formats import QuestionAndAnswer
from sayso.learners import matrix_peak
from sayso.learners.single.learner import HFLearner
from sayso.learners.specs import HFModel, LoRA
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.measures.predictions import Predictions
from sayso.runs.execute import execute
from tests.tiny_models import save_tiny


class Killed(BaseException):
    """The process is gone."""


def job_of(quick: Any, model: HFModel) -> Job:
    return plan(
        quick.model_copy(
            update={
                "model": model,
                "questions": QuestionAndAnswer(),
                "measures": (ExactMatch(when="stage"), MeanLoss(when="stage"), Predictions(eval_sets=("validation",))),
                "stages": tuple(stage for stage in quick.stages if stage.measured),
                "train": quick.train.model_copy(update={"batch_size": 256}),
                "stage2_seeds": 2,
            }
        ).with_settings({"stages.stage1.replay": 0, "stages.stage1.replay_from": (), "stages.stage2.epochs": 1}),
        (1,),
        1,
    )[0]


def results(folder: JobFolder) -> dict[str, bytes]:
    names = ("*.jsonl", "*.jsonl.gz")
    return {path.name: path.read_bytes() for name in names for path in sorted(folder.path.glob(name))}


@pytest.mark.parametrize(("architecture", "lora"), [("t5", None), ("gpt_neox", LoRA(rank=2))])
def test_a_job_killed_in_each_stage_comes_out_the_same(quick, architecture, lora, tmp_path, monkeypatch):
    transformers.logging.disable_progress_bar()
    job = job_of(quick, HFModel(name=save_tiny(tmp_path / "model", architecture), lora=lora, max_new_tokens=2))
    whole, killed = JobFolder(tmp_path / "whole"), JobFolder(tmp_path / "killed")
    execute(job, whole, lambda _: None, save_models=True)
    assert sorted(path.name for path in (whole.path / "models" / "seed-1").iterdir()) == [
        "stage1",
        "stage2",
        "stage2-1",
    ]
    saves = 0
    save = HFLearner.save

    def dies(learner: HFLearner, path: Any) -> Future[None]:
        nonlocal saves
        saves += 1
        if saves in (2, 5):
            raise Killed
        return save(learner, path)

    monkeypatch.setattr(HFLearner, "save", dies)
    for _ in range(2):
        with pytest.raises(Killed):
            execute(job, killed, lambda _: None)
    execute(job, killed, lambda _: None)
    assert results(killed) == results(whole)
    assert len(results(whole)) == 5  # records, the ledger, and predictions of three legs
    rows = [json.loads(line) for line in (whole.path / "records.jsonl").read_text().splitlines()]
    assert {row[5] for row in rows} == {"exact_match", "loss"}


def test_weights_swapped_in_the_middle_of_a_run_are_refused_and_put_back_they_are_gone_on_with(
    quick, tmp_path, monkeypatch
):
    transformers.logging.disable_progress_bar()
    place = tmp_path / "model"
    job = job_of(quick, HFModel(name=save_tiny(place), lora=LoRA(rank=2), max_new_tokens=2))
    whole, folder = JobFolder(tmp_path / "whole"), JobFolder(tmp_path / "jobs" / "job")
    execute(job, whole, lambda _: None)
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "finish", _killed)
        with pytest.raises(Killed):
            execute(job, folder, lambda _: None)
    own = (place / "model.safetensors").read_bytes()
    save_tiny(place, seed=1)
    before = {path.name: path.read_bytes() for path in folder.path.glob("[!.]*")}
    with pytest.raises(SaysoError, match=r"begun with other weights \(.*put back what was there"):
        execute(job, folder, lambda _: None)
    assert {path.name: path.read_bytes() for path in folder.path.glob("[!.]*")} == before
    (place / "model.safetensors").write_bytes(own)
    execute(job, folder, lambda _: None)
    assert results(folder) == results(whole)


def test_a_job_of_a_large_model_keeps_how_fast_it_was_of_what_products_reach(quick, tmp_path, monkeypatch):
    transformers.logging.disable_progress_bar()
    monkeypatch.setattr(matrix_peak, "SMALLEST", 1)
    monkeypatch.setattr(matrix_peak, "products_a_second", lambda *_, **__: 1e10)
    job = job_of(quick, HFModel(name=save_tiny(tmp_path / "model"), max_new_tokens=2))
    folder = JobFolder(tmp_path / "job")
    events: list[dict[str, Any]] = []
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "finish", _killed)
        with pytest.raises(Killed):
            execute(job, folder, events.append)
    assert folder.manifest().matrix_peak_tflops == {"float32": 0.01}
    steps = [event for event in events if event["event"] == "step"]
    assert all(0 < event["share_of_matrix_peak"] < 1 for event in steps)

    monkeypatch.setattr(matrix_peak, "products_a_second", lambda *_, **__: 2e10)
    execute(job, folder, events.append)  # nothing is left to train
    assert folder.manifest().matrix_peak_tflops == {"float32": 0.01}  # as when it began
    assert events[-1] == {"event": "finished", "training": {}}
    assert "training" not in folder.finish_marker()

    whole = JobFolder(tmp_path / "whole")
    execute(job, whole, events.append)
    found = whole.finish_marker()["training"]
    assert events[-1] == {"event": "finished", "training": found}
    assert found["tokens_a_second"] == pytest.approx(found["tokens"] / found["seconds"], rel=0.01)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    weights = model.num_parameters() - model.get_input_embeddings().weight.numel()
    reached = 6 * weights * found["tokens_a_second"]
    assert found["share_of_matrix_peak"] == pytest.approx(reached / 2e10, rel=0.05)


def _killed(*_: object) -> None:
    raise Killed
