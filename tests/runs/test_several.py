"""A whole job of a model that two processes train together: killed, it goes on with one."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import transformers

from sayso.core.job_folder import JobFolder
from sayso.core.records import Record, from_line
from sayso.core.store import Store
from sayso.learners.specs import HFModel
from sayso.runs.execute import execute
from sayso.runs.worker import job_to_json
from tests.cli.calling import WITHOUT_CHARTS
from tests.runs.test_hf_job import job_of
from tests.runs.test_worker import events_of, worker
from tests.tiny_models import save_tiny

WAIT_S = 60.0


def records(folder: JobFolder) -> list[tuple[Record, float]]:
    """What was recorded, without its value, and the value."""
    lines = folder.records_path.read_text(encoding="utf-8").splitlines()
    return [(dataclasses.replace(record, value=0.0), record.value) for record in map(from_line, lines)]


def children(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in Linux's /proc")
def test_a_job_killed_with_two_processes_goes_on_with_one(quick, tmp_path):
    """Sharded, so that what the one process goes on from is a folder of both."""
    transformers.logging.disable_progress_bar()
    model = HFModel(name=save_tiny(tmp_path / "model"), max_new_tokens=2)
    one = job_of(quick, model)
    two = job_of(quick, model.model_copy(update={"devices": 2, "sharded": True}))
    assert one.id == two.id
    whole, killed = JobFolder(tmp_path / "whole"), JobFolder(tmp_path / "killed")
    execute(one, whole, lambda _: None)
    with worker(job_to_json(two, killed), tmp_path / "log.txt") as process:
        next(event for event in events_of(process) if event["event"] == "epoch")
        others = children(process)
        process.kill()
        process.wait(WAIT_S)
    assert len(others) == 1
    until = time.monotonic() + WAIT_S
    while any(map(alive, others)):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert not killed.finished_path.exists()
    execute(one, killed, lambda _: None)
    assert killed.finished_path.exists()
    (went_on,) = killed.manifest().resumed
    assert "on cpu" in went_on
    assert "before on 2 cpu" in went_on
    (names, values), (right_names, right) = (zip(*records(folder), strict=True) for folder in (killed, whole))
    assert names == right_names
    np.testing.assert_allclose(values, right, rtol=1e-4)


def test_torchrun_starts_the_processes_of_several_jobs(quick, tmp_path):
    """The first one runs the command, the others join it for each job."""
    model = HFModel(name=save_tiny(tmp_path / "model"), devices=2, max_new_tokens=2)
    experiment = job_of(quick, model).cell.experiment.with_settings({"stage2_seeds": 1})
    (tmp_path / "experiment.json").write_text(experiment.model_dump_json(), encoding="utf-8")
    without_charts = tmp_path / "sayso_without_charts.py"
    without_charts.write_text(WITHOUT_CHARTS, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(without_charts), "run", str(tmp_path / "experiment.json"), "--out", str(tmp_path / "out")]
    command += ["--seeds", "1-2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    jobs = Store(tmp_path / "out").jobs()
    assert [job.finished for job in jobs] == [True, True]
    assert all(job.manifest().device.startswith("2 cpu") for job in jobs)
