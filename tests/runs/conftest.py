"""A job of a second, for all tests of runs."""

from __future__ import annotations

import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import Job, plan
from sayso.data.pocket import PocketWorld
from tests.runs.few_questions import FewQuestions


@pytest.fixture(autouse=True)
def _always_one_thread(one_thread: None) -> None:
    """As in a worker."""


@pytest.fixture(scope="session")
def short(tiny: Experiment) -> Experiment:
    """Three stages of two epochs; the second replays, so that a stop in it would show."""
    return tiny.with_settings(
        {
            "stages.stage0.epochs": 2,
            "stages.stage1.epochs": 2,
            "stages.stage1.replay": 0.5,
            "stages.stage1.replay_from": ("world",),
            "stages.stage2.epochs": 2,
            "train.batch_size": 32,
            "keep": "none",
            "checkpoint_minutes": 0,
        }
    )


@pytest.fixture(scope="session")
def brief(short: Experiment) -> Experiment:
    """An epoch a stage, measured at its end."""
    settings: dict[str, object] = {f"stages.{stage.name}.epochs": 1 for stage in short.stages}
    return short.with_settings({**settings, "measures.0.when": "stage", "measures.1.when": "stage"})


@pytest.fixture(scope="session")
def job(short: Experiment) -> Job:
    """Two seeds side by side."""
    return plan(short, (1, 2), 1)[0]


@pytest.fixture(scope="session")
def quick(short: Experiment) -> Experiment:
    """The same with fewer questions to measure, for jobs run in this process over and over."""
    settings = {name: getattr(short.knowledge, name) for name in PocketWorld.model_fields}
    return short.model_copy(update={"knowledge": FewQuestions(**settings)})


@pytest.fixture(scope="session")
def quick_job(quick: Experiment) -> Job:
    """Two seeds of it side by side."""
    return plan(quick, (1, 2), 1)[0]
