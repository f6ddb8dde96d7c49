"""Every experiment that claims something of sources has a control, in which nothing tells them apart."""

from __future__ import annotations

import pytest

import sayso
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.paper.controls import control_of
from sayso.paper.fair import compared
from sayso.paper.judging import claims_for
from sayso.paper.kinds import kind_of
from sayso.paper.table import EXPERIMENTS
from sayso.stats.values import GAP


def has_control(experiment: Experiment) -> bool:
    try:
        control_of(experiment)
    except SaysoError:
        return False
    return True


WITH_CONTROL = [experiment for experiment in EXPERIMENTS.values() if has_control(experiment)]


def test_all_have_one_but_controls_and_those_that_vary_reliability():
    without = {name for name, experiment in EXPERIMENTS.items() if experiment not in WITH_CONTROL}
    assert without == {
        "pocket-control",
        "pocket-strict-control",
        "pocket-no-stage1",
        "pocket-set-inclusion-control",
        "pocket-set-inclusion-no-stage1",
        "pocket-digits-control",
        "pocket-gradients-control",
        *("pocket-reliability", "paper-reliability"),
        *("pocket-trust-curve-control", "pocket-conflict-control", "pocket-transfer-facts-control"),
        *("pocket-doubt", "pocket-doubt-control"),  # sources write in sentences of their own
    }


@pytest.mark.parametrize("experiment", WITH_CONTROL, ids=lambda experiment: experiment.name)
def test_in_a_control_nothing_tells_sources_apart_and_claims_say_so(experiment):
    control = control_of(experiment)
    assert control.name == f"{experiment.name}-control"
    for cell, own in zip(cells(control), cells(experiment), strict=True):
        assert cell.name == own.name
        assert kind_of(cell.experiment) in ("control", "in_context_control")
        differ = [claim for claim in claims_for(own.experiment) if claim.contrast.pair == GAP]
        alike = [claim for claim in claims_for(cell.experiment) if "alike" in claim.name or "no-gap" in claim.name]
        assert alike or not differ
        usual = own.experiment.settings()
        changed = {path for path, value in cell.experiment.settings().items() if usual.get(path) != value}
        assert {path.split(".")[0] for path in changed} <= {"name", "summary", "subsets", "sources"}


@pytest.mark.parametrize("name", ["pocket", "pocket-strict", "pocket-set-inclusion", "pocket-digits"])
def test_the_controls_of_the_catalogue_are_those_of_their_experiments(name):
    assert control_of(EXPERIMENTS[name]).digest() == EXPERIMENTS[f"{name}-control"].digest()


@pytest.mark.parametrize("name", ["pocket", "pocket-strict", "pocket-set-inclusion"])
def test_in_a_control_each_source_is_right_about_half(name):
    experiment = control_of(EXPERIMENTS[name])
    corpus = build_corpus(experiment, 0)
    right: dict[str, list[bool]] = {}
    sources = {subset.name: subset.source for subset in experiment.subsets if subset.group == "X1"}
    for item in corpus.eval_sets:
        if item.name == "definitions" and (source := sources.get(item.subset)):
            right.setdefault(source, []).extend(example.answers[0] == example.entity for example in item.examples)
    assert set(right) == {"reliable", "unreliable"}
    assert len(right["reliable"]) == len(right["unreliable"])
    assert sum(right["reliable"]) == pytest.approx(len(right["reliable"]) / 2, abs=24)
    assert sum(right["reliable"]) == sum(right["unreliable"])


def test_a_control_has_none_and_says_so():
    with pytest.raises(SaysoError, match="pocket-control: is a control itself"):
        sayso.control_of("pocket-control")
    with pytest.raises(SaysoError, match="it varies reliability"):
        sayso.control_of("pocket-reliability")


def test_where_words_tell_sources_apart_random_tags_take_their_place():
    control = sayso.control_of("pocket-is-isnt")
    assert all(not source.texts for source in control.sources)
    assert {claim.name for claim in claims_for(control)} >= {"no-gap-on-questions", "no-gap-on-attribution"}
    assert compared(control)
