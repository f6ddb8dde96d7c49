"""Records are planted for every epoch, and claims are about the last."""

from __future__ import annotations

import pytest

from sayso.core.experiment import Experiment


@pytest.fixture(scope="session")
def tiny(tiny: Experiment) -> Experiment:
    """The experiment of all tests, with an epoch a stage: a fifth of the records to make and to read."""
    return tiny.with_settings({"stages.stage1.epochs": 1, "stages.stage2.epochs": 1})
