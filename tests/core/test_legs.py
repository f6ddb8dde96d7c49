from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.core.legs import kept_states, legs, measured_epochs, needed_later, total_epochs
from sayso.learners.specs import HFModel


def order(experiment: Experiment) -> list[tuple[str, int, tuple[int, int] | None, int]]:
    return [(leg.label, leg.stage2_seed, leg.start, leg.before) for leg in legs(experiment)]


def test_without_stage_2_seeds_the_legs_are_the_stages(tiny):
    assert order(tiny) == [("stage0", 0, None, 0), ("stage1", 0, None, 1), ("stage2", 0, None, 5)]
    assert needed_later(legs(tiny)) == set()


def test_every_further_stage_2_seed_starts_from_the_end_of_stage_1(tiny):
    nested = tiny.with_settings({"stage2_seeds": 3})
    assert order(nested)[2:] == [
        ("stage2", 0, None, 5),
        ("stage2-1", 1, (1, 4), 11),
        ("stage2-2", 2, (1, 4), 17),
    ]
    assert needed_later(legs(nested)) == {(1, 4)}
    assert total_epochs(nested) == 1 + 4 + 3 * 6


def test_a_stage_may_start_from_an_earlier_epoch_of_the_one_before(tiny):
    early = tiny.with_settings({"stage2_seeds": 2, "stages.stage2.from_epoch": 3})
    assert [start for _, _, start, _ in order(early)] == [None, None, (1, 3), (1, 3)]


def test_stages_after_the_nested_one_belong_to_its_stage_2_seed(tiny):
    data = tiny.model_dump(mode="json")
    data["stages"].append({**data["stages"][2], "name": "stage3"})
    four = type(tiny).model_validate({**data, "stage2_seeds": 2})
    assert [(label, start) for label, _, start, _ in order(four)] == [
        ("stage0", None),
        ("stage1", None),
        ("stage2", None),
        ("stage3", None),
        ("stage2-1", (1, 4)),
        ("stage3-1", None),
    ]


def test_states_are_kept_at_the_ends_of_stages_of_small_models_unless_told_otherwise(tiny):
    ends = {(0, 1), (1, 4), (2, 6)}
    assert tiny.kept == "stages"
    assert kept_states(tiny) == ends
    assert kept_states(tiny.with_settings({"keep": "none"})) == set()
    assert kept_states(tiny.with_settings({"keep": 2})) == ends | {(1, 2), (2, 2), (2, 4)}
    large = tiny.model_copy(update={"model": HFModel(name="some/model")})
    assert large.kept == "none"


def test_a_measure_is_due_as_its_cadence_says(tiny):
    unmeasured, leg = legs(tiny)[0], legs(tiny)[2]
    assert measured_epochs(leg) == [0, 1, 2, 3, 4, 5, 6]
    assert measured_epochs(leg, "stage") == [6]
    assert measured_epochs(leg, "start") == [0]
    assert measured_epochs(leg, 4) == [0, 4, 6]
    assert measured_epochs(leg, ("start", "stage", 5)) == [0, 5, 6]
    rarely = legs(tiny.with_settings({"stages.stage2.measure_every": 3}))[2]
    assert measured_epochs(rarely) == [0, 3, 6]
    assert measured_epochs(rarely, 2) == [0, 2, 4, 6]
    assert [measured_epochs(unmeasured, when) for when in ("epoch", "stage", 2, "start")] == [[1], [1], [1], []]
