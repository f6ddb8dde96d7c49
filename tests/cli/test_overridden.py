"""Settings that some stages have of their own are told of, once, and by the path that sets them."""

from __future__ import annotations

from sayso.cli.configure import configure
from sayso.cli.overridden import overridden
from sayso.core.experiment import Experiment
from sayso.paper.table import EXPERIMENTS
from tests.cli.calling import call

POCKET = EXPERIMENTS["pocket"]


def told(*settings: str, sweeps: tuple[str, ...] = (), experiment: Experiment = POCKET) -> list[str]:
    return overridden(configure(experiment, settings, sweeps), settings, sweeps)


def test_stages_with_their_own_are_named_with_what_sets_them():
    assert told("train.batch_size=16") == [
        "train.batch_size does not reach stage0 (32) and stage2 (32), which have their own: "
        "stages.stage0.overrides.batch_size and stages.stage2.overrides.batch_size set it there"
    ]
    assert told(sweeps=("train.learning_rate=[0.1, 0.2]",)) == [
        "train.learning_rate does not reach stage0 (0.003), which has its own: "
        "stages.stage0.overrides.learning_rate sets it there"
    ]


def test_nothing_is_told_of_what_reaches_all_stages_or_was_given_for_them():
    assert told("train.warmup_steps=3", "seeds.count=2") == []
    assert told("train.batch_size=32") == []
    assert told("train.batch_size=16", "stages.0.overrides.batch_size=8", "stages.stage2.overrides={}") == []


def test_show_says_it_on_standard_error_alone():
    shown = call("show", "pocket", "--json", "--set", "train.batch_size=16")
    assert shown.exit_code == 0
    assert shown.stderr.count("sayso: note: train.batch_size does not reach stage0") == 1
    assert "note" not in shown.stdout


def test_sample_says_it_too():
    shown = call("sample", "pocket", "-n", "1", "--set", "train.batch_size=16")
    assert shown.stderr.count("sayso: note: train.batch_size does not reach stage0") == 1
