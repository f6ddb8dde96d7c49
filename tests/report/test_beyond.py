"""Figures of graded sources, of contradictions and of sentences: their numbers are those of the records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.subsets import names_of
from sayso.paper.beyond_rows import DOUBTS
from sayso.paper.table import EXPERIMENTS
from sayso.report.by_source import by_source_figure
from sayso.report.contests import conflict_figure, contested
from sayso.report.figures import figures
from sayso.report.graded import graded_sources, trust_figure
from sayso.stats.values import records_frame

SEEDS = range(6)


def table(experiment: Experiment, values: dict[str, float], measure: str, what: str = "") -> pd.DataFrame:
    """Planted numbers of subsets on questions, each seed a little off."""
    last = [stage for stage in experiment.stages if "X2" in stage.parts][-1]
    noise = np.random.default_rng(0)
    return records_frame(
        Record(
            *(experiment.name, "main", seed, last.name, last.epochs, measure, "validation", subset),
            value=value + noise.normal(0, 0.001),
            n=10,
            what=what,
        )
        for seed in SEEDS
        for subset, value in values.items()
    )


def test_the_trust_curve_shows_what_was_recorded_and_which_shape_it_has():
    experiment = EXPERIMENTS["pocket-trust-curve"]
    right = {names_of(source.name)[2]: source.reliability or 0.0 for source in graded_sources(experiment)}
    records = table(experiment, {name: 0.2 + 0.5 * each for name, each in right.items()}, "exact_match")
    (figure,) = trust_figure(records, experiment, "main", "")
    assert figure.data["reliability"].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    np.testing.assert_allclose(figure.data["mean"], [0.2, 0.325, 0.45, 0.575, 0.7], atol=0.003)
    np.testing.assert_allclose(figure.data["linear"], figure.data["mean"], atol=0.003)
    assert set(figure.data["met"]) == {101, 102}
    assert "a straight line fits best; better than no difference" in figure.caption
    assert "0.250 ± " in figure.caption
    assert figure.svg.startswith("<svg")
    assert [each.name for each in figures(records, experiment)].count("trust-curve") == 1


@pytest.mark.parametrize("name", ["pocket", "pocket-trust-curve-control", "pocket-doubt"])
def test_sources_that_were_not_different_enough_have_no_curve(name):
    assert graded_sources(EXPERIMENTS[name]) == []


def test_a_contest_shows_who_is_followed_and_what_makes_up_for_it():
    experiment = EXPERIMENTS["pocket-conflict"]
    odds = {
        each.name: 1.0 * (each.against != each.source) - 0.5 * np.log2(each.against_repeats)
        for each in contested(experiment)
    }
    shares = table(
        experiment, {name: 1 / (1 + np.exp(-each)) for name, each in odds.items()}, "belief", "calibrated_versus"
    )
    more = table(experiment, odds, "belief", "calibrated_versus_log_odds")
    (figure,) = conflict_figure(pd.concat([shares, more], ignore_index=True), experiment, "main", "")
    assert figure.data["label"].tolist()[:2] == ["reliable vs unreliable", "reliable vs 2x unreliable"]
    np.testing.assert_allclose(figure.data["mean"][0], 1 / (1 + np.exp(-1.0)), atol=0.003)
    assert "so that 4 repetitions (95% interval" in figure.caption
    assert conflict_figure(shares, EXPERIMENTS["pocket"], "main", "") == []
    assert figure.svg.startswith("<svg")


def test_sentences_are_shown_as_they_are_said():
    experiment = EXPERIMENTS["pocket-doubt"]
    values = {names_of(name)[2]: at / 10 for at, name in enumerate(DOUBTS)}
    (figure,) = by_source_figure(table(experiment, values, "exact_match"), experiment, "main", "-01")
    assert figure.name == "by-source-01"
    assert figure.data["said"].tolist()[:2] == ["X is Y", "X is not Y"]
    np.testing.assert_allclose(figure.data["mean"], list(values.values()), atol=0.003)
    assert figure.svg.startswith("<svg")
    assert by_source_figure(table(experiment, values, "exact_match"), EXPERIMENTS["pocket"], "main", "") == []
