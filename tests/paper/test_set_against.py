"""What settings are set against."""

import sayso
from sayso.paper.set_against import set_against
from sayso.paper.table import TABLE


def others(experiment: sayso.Experiment) -> list[str]:
    return [other for _, other, _ in set_against(experiment)]


def test_a_pocket_experiment_is_set_against_the_papers() -> None:
    ((title, other, apart),) = set_against(sayso.load("pocket"))
    assert (title, other) == ("Settings that are not the paper's (paper-main)", "paper-main")
    assert apart["knowledge.entities"] == (12, 4000)
    assert "train.optimizer" not in apart


def test_changed_settings_are_set_against_the_catalogues_first() -> None:
    changed = sayso.load("pocket").with_settings({"train.batch_size": 16})
    first, _ = set_against(changed)
    assert first[1:] == ("pocket", {"train.batch_size": (16, sayso.load("pocket").train.batch_size)})
    assert others(changed) == ["pocket", "paper-main"]


def test_every_pocket_experiment_and_control_has_something_beside_it() -> None:
    for name, row in TABLE.items():
        beside = others(row.experiment)
        assert len(beside) == (1 if row.about.kind in ("pocket", "control") else len(beside)), name
        assert row.about.kind != "paper" or beside == []
    assert others(sayso.load("pocket-strict-control")) == ["pocket-strict"]
    assert others(sayso.load("pocket-set-inclusion-no-stage1")) == ["pocket-set-inclusion"]


def test_an_experiment_of_ones_own_is_set_against_nothing() -> None:
    assert others(sayso.load("pocket").with_settings({"name": "mine"})) == []
