"""An executor without processes of its own, which `tests/runs/test_local.py` shows to give the same records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from sayso.core.measure import Measure
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.results import Results
from sayso.runs import local
from sayso.runs.execute import execute
from sayso.runs.measure import measure_job


class InThisProcess:
    """Runs jobs one after the other, where `sayso.runs.local.LocalProcesses` starts a process for each."""

    def __init__(
        self,
        store: Store,
        processes: int,
        threads: int,
        gpus: Sequence[str],
        save_models: bool = False,
        measures: Sequence[Measure] = (),
        train_again: bool = False,
    ) -> None:
        self.store, self.save_models, self.measures, self.train_again = store, save_models, measures, train_again

    def run(self, jobs: Sequence[Job], on_event: Callable[[str, dict[str, object]], None]) -> None:
        for job in jobs:
            folder = self.store.job(job.id)

            def tell(event: dict[str, object], name: str = job.id) -> None:
                on_event(name, event)

            if self.measures:
                measure_job(job, folder, self.measures, tell, train_again=self.train_again)
            else:
                execute(job, folder, tell, save_models=self.save_models)


def use_in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Let the command line and `sayso.run` train here."""
    patch.setattr(local, "LocalProcesses", InThisProcess)


def leave_out_charts(patch: pytest.MonkeyPatch) -> None:
    """Charts take seconds to draw; a test of something else does without the report."""
    patch.setattr(Results, "report", lambda results, *_, **__: results.path / "report.html")
