"""What default seeds are expected to decide was measured on the experiments as they are, and is what they are for."""

from __future__ import annotations

import pytest

from sayso.core.seeds import Seeds
from sayso.core.sweep import cells
from sayso.paper.departures import DEPARTURES
from sayso.paper.expected import all_expected, expected
from sayso.paper.judging import judge
from sayso.paper.shown import SHOWN
from sayso.paper.table import EXPERIMENTS
from tests.planted import planted_records


@pytest.mark.parametrize("name", SHOWN)
def test_what_an_experiment_is_there_to_show_can_be_tested_on_it(name):
    experiment = EXPERIMENTS[name]
    found = {verdict.claim: verdict for verdict in judge(planted_records(experiment, range(3)), experiment)}
    assert all(found[claim].comparison.seeds == 3 for claim in SHOWN[name])
    if experiment.axes:
        assert all(found[claim].headline for claim in SHOWN[name])


@pytest.mark.parametrize("name", all_expected())
def test_what_was_measured_is_of_the_experiment_as_it_is(name):
    found, experiment = all_expected()[name], EXPERIMENTS[name]
    assert found.of == experiment.digest(), f"{name} has changed: python -m benchmarks.power {name} --without"
    assert expected(experiment) == found
    assert found.count == experiment.seeds.count
    assert {claim.claim for claim in found.claims} == set(SHOWN[name])
    fresh, own = set(Seeds.parse(found.seeds)), set(experiment.seeds)
    assert not fresh & own
    assert min(fresh) > 99  # settings were chosen on those below
    assert all(0 <= claim.holds + claim.fails <= 1 for claim in found.claims)


def test_an_experiment_with_other_settings_has_no_expectation():
    assert expected(EXPERIMENTS["pocket"].with_settings({"train.learning_rate": 1e-9})) is None


@pytest.mark.parametrize("name", DEPARTURES)
def test_taking_back_a_departure_changes_what_it_says_and_the_experiment_still_runs(name):
    experiment = EXPERIMENTS[name]
    digests = {departure.taken_back(experiment).digest() for departure in DEPARTURES[name]}
    assert len(digests | {experiment.digest()}) == len(DEPARTURES[name]) + 1
    for departure in DEPARTURES[name]:
        (cell,) = cells(departure.taken_back(experiment))
        changed = {
            path
            for path, value in cell.experiment.settings().items()
            if experiment.settings().get(path) != value and path != "name"
        }
        roots = {path.split(".")[0] for path in departure.settings}
        assert {path.split(".")[0] for path in changed} <= roots
