"""What was foreseen belongs to the experiments of the catalogue as they are, and to claims that they test."""

from __future__ import annotations

import datetime

import pytest

from sayso.core.sweep import cells
from sayso.paper.beyond_rows import BEYOND_ROWS
from sayso.paper.foreseen import all_foreseen, foreseen
from sayso.paper.judging import claims_for
from sayso.paper.ledger_beyond import BEYOND_BETWEEN, BEYOND_TRENDS
from sayso.paper.table import EXPERIMENTS

EACH = pytest.mark.parametrize("name", list(all_foreseen()))


def test_of_every_row_beyond_the_paper_something_was_foreseen():
    assert set(all_foreseen()) == {row.name for row in BEYOND_ROWS}


@EACH
def test_it_was_written_of_the_experiment_that_is_in_the_catalogue_and_of_its_seeds(name):
    written, experiment = all_foreseen()[name], EXPERIMENTS[name]
    assert written.of == experiment.digest()
    assert foreseen(experiment) == written
    assert written.seeds == str(experiment.seeds)
    assert written.written >= datetime.date(2026, 11, 28)


@EACH
def test_it_was_written_of_claims_that_the_experiment_tests(name):
    experiment = EXPERIMENTS[name]
    tested = {cell.name: {claim.name for claim in claims_for(cell.experiment)} for cell in cells(experiment)}
    together = {trend.name for trend in BEYOND_TRENDS} | {claim.name for claim in BEYOND_BETWEEN}
    tested[f"all {len(tested)} cells together"] = together
    for cell, claims in all_foreseen()[name].claims.items():
        assert set(claims) <= tested[cell]


def test_nothing_is_foreseen_of_other_settings():
    assert foreseen(EXPERIMENTS["pocket-trust-curve"].with_settings({"stages.stage2.epochs": 6})) is None
    assert foreseen(EXPERIMENTS["pocket"]) is None
