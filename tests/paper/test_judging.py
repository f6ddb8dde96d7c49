"""Planted effects get the verdicts they deserve."""

import dataclasses
import math
from collections.abc import Callable

import pytest

from sayso.core.experiment import Experiment
from sayso.core.subsets import with_reliability
from sayso.paper.judging import LEDGER, claims_for, families, judge
from sayso.paper.kinds import kind_of
from sayso.stats.looks import Looks
from sayso.stats.values import records_frame
from sayso.stats.verdict import Verdict
from tests.conftest import make_tiny
from tests.planted import planted_records

SEEDS = range(100, 112)
PAPER = {
    ("exact_match", "validation", "D1cons_QA1"): 0.2,
    ("exact_match", "validation", "QA3"): 0.1,
    ("exact_match", "validation", "QA4"): 0.2,
    ("exact_match", "validation", "D5cons"): 0.1,
    ("exact_match", "entity_attribution", "D1cons_QA1"): -0.1,
    ("exact_match", "entity_attribution", "D2incons_QA2"): -0.5,
    ("exact_match", "attribution_as_defined", "D2incons_QA2"): -0.3,
    ("exact_match", "entity_attribution", "D5cons"): -0.2,
    ("exact_match", "entity_attribution", "D6cons"): -0.4,
    ("exact_match", "entity_attribution", "D8cons"): 0.0,
    ("loss", "validation", "D2incons_QA2"): 0.3,
}
NEW_SUBSETS = ("D5cons", "D6cons", "D8cons", "QA7")


def outcomes(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.claim: verdict.outcome for verdict in verdicts}


def reliability_one_half(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"subsets": with_reliability(experiment.subsets, 0.5)})


def without_stage_1(experiment: Experiment) -> Experiment:
    return experiment.with_settings({"stages.stage1.epochs": 0})


@pytest.fixture(scope="module")
def tiny() -> Experiment:
    """The experiment of all tests, with all its epochs, which these planted records were looked at with."""
    return make_tiny()


def test_all_claims_hold_on_records_like_the_papers(tiny: Experiment) -> None:
    found = judge(planted_records(tiny, SEEDS, PAPER), tiny)
    assert len(found) == 28
    assert set(outcomes(found).values()) == {"holds"}


def test_reversed_effects_fail(tiny: Experiment) -> None:
    reversed_effects = {key: -value for key, value in PAPER.items()}
    reversed_effects["loss", "train_qa", "D1cons_QA1"] = 0.3
    found = outcomes(judge(planted_records(tiny, SEEDS, reversed_effects), tiny))
    assert found["gap-on-questions"] == found["reliable-definitions-help"] == "fails"
    assert found["equal-question-losses"] == "fails"


def test_no_effect_measured_well_fails_and_measured_badly_is_undecided(tiny: Experiment) -> None:
    well = outcomes(judge(planted_records(tiny, range(40), noise=0.004), tiny))
    assert well["gap-on-questions"] == "fails"
    assert well["equal-definition-losses"] == "holds"
    badly = judge(planted_records(tiny, range(4), noise=0.1), tiny)
    assert outcomes(badly)["gap-on-questions"] == outcomes(badly)["equal-definition-losses"] == "undecided"


def test_undecided_claims_say_how_many_more_seeds_they_take(tiny: Experiment) -> None:
    few = judge(planted_records(tiny, range(4), PAPER, noise=0.08), tiny)
    waiting = [verdict.decision for verdict in few if verdict.decision.more_seeds]
    assert waiting
    for decision in waiting:
        assert decision.outcome == "undecided"
        assert f"{decision.more_seeds} more seed" in decision.reason


def test_one_seed_decides_nothing(tiny: Experiment) -> None:
    found = judge(planted_records(tiny, range(1), PAPER), tiny)
    assert set(outcomes(found).values()) == {"undecided"}
    assert all(math.isnan(verdict.p_corrected) for verdict in found)


def test_what_was_not_measured_is_undecided_and_not_zero(tiny: Experiment) -> None:
    records = [
        dataclasses.replace(record, value=math.nan)
        if (record.measure, record.subset) == ("exact_match", "D6cons")
        else record
        for record in planted_records(tiny, SEEDS, PAPER)
        if (record.eval_set, record.subset) != ("train_qa", "D1cons_QA1")
    ]
    found = {verdict.claim: verdict for verdict in judge(records, tiny)}
    for name in ("gap-on-questions", "equal-question-losses"):
        assert found[name].outcome == "undecided"
        assert found[name].decision.reason == "not measured"
        assert found[name].difference == "not measured"
    assert found["reliable-definitions-help"].outcome == "holds"


def test_claims_on_an_evaluation_set_the_data_do_not_have_are_left_out(tiny: Experiment) -> None:
    records = planted_records(tiny, SEEDS, PAPER)
    asked = [record for record in records if not record.eval_set.startswith("entity_attribution")]
    on_attribution = {
        claim.name
        for claim in claims_for(tiny)
        if any(number.eval_set.startswith("entity_attribution") for number in claim.contrast.numbers)
    }
    assert len(on_attribution) == 15
    assert outcomes(judge(records, tiny)).keys() == {claim.name for claim in claims_for(tiny)}
    assert outcomes(judge(asked, tiny)).keys() == outcomes(judge(records, tiny)).keys() - on_attribution


def test_what_has_not_run_is_not_measured(tiny: Experiment) -> None:
    found = judge([], tiny)
    assert len(found) == len(claims_for(tiny))
    assert {verdict.decision.reason for verdict in found} == {"not measured"}


def test_seeds_without_any_spread_are_undecided(tiny: Experiment) -> None:
    records = [dataclasses.replace(record, value=0.0) for record in planted_records(tiny, range(8))]
    assert set(outcomes(judge(records, tiny)).values()) == {"undecided"}


@pytest.mark.parametrize("control", [reliability_one_half, without_stage_1])
def test_controls_claim_that_there_is_no_gap(tiny: Experiment, control: Callable[[Experiment], Experiment]) -> None:
    experiment = control(tiny)
    assert kind_of(experiment) == "control"
    names = {claim.name for claim in claims_for(experiment)}
    assert {"no-gap-on-questions", "no-gap-on-attribution", "equal-definition-losses"} <= names
    assert not names & {"gap-on-questions", "gap-on-attribution", "new-source-on-attribution"}
    quiet = outcomes(judge(planted_records(experiment, SEEDS), experiment))
    assert quiet["no-gap-on-questions"] == quiet["no-gap-on-attribution"] == "holds"
    loud = outcomes(judge(planted_records(experiment, SEEDS, PAPER), experiment))
    assert loud["no-gap-on-questions"] == loud["no-gap-on-attribution"] == "fails"


def test_two_subsets_may_be_asked_different_things(tiny: Experiment) -> None:
    asked = ("exact_match", "entity_attribution", "D1cons_QA1")
    said = ("exact_match", "attribution_as_defined", "D2incons_QA2")
    both = judge(planted_records(tiny, SEEDS, {asked: 0.3, said: 0.1}), tiny)
    (found,) = (verdict for verdict in both if verdict.claim == "reliable-definitions-stick")
    assert found.comparison.difference == pytest.approx(0.2, abs=0.02)
    assert "D1cons_QA1 on entity_attribution > D2incons_QA2 on attribution_as_defined" in found.contrast
    known = outcomes(judge(planted_records(tiny, SEEDS, {asked: 0.3, said: 0.6}), tiny))
    assert known["reliable-definitions-stick"] == "fails"
    assert known["reliable-beats-unreliable-on-attribution"] == "holds"


def test_wrong_definitions_of_a_reliable_source_stick_only_where_it_is_very_reliable(tiny: Experiment) -> None:
    very, less, always = (tiny.with_settings({"reliability": share}) for share in (0.95, 0.9, 1.0))
    name = "source-over-consistency"
    assert name in {claim.name for claim in claims_for(very)}
    assert name not in {claim.name for claim in (*claims_for(less), *claims_for(always))}
    effects = {("exact_match", "attribution_as_defined", "D9incons_QA9"): 0.2}
    assert outcomes(judge(planted_records(very, SEEDS, effects), very))[name] == "holds"
    assert outcomes(judge(planted_records(very, SEEDS), very))[name] != "holds"


def test_informative_tags_are_no_control(tiny: Experiment) -> None:
    assert kind_of(tiny) == "informative"
    assert kind_of(tiny.with_settings({"reliability": 0.75})) == "informative"


def test_words_of_known_meaning_and_definitions_in_context_have_claims_of_their_own(tiny: Experiment) -> None:
    worded = without_stage_1(tiny).with_settings(
        {"sources.reliable.text": ["is", "means"], "sources.unreliable.text": "isn't", "definition.order": "ATE"}
    )
    assert kind_of(worded) == "worded"
    loud = outcomes(judge(planted_records(worded, SEEDS, PAPER), worded))
    assert loud["is-believed-on-attribution"] == "holds"
    assert loud["is-no-better-on-questions"] == "fails"
    assert not loud.keys() & {"gap-on-questions", "no-gap-on-questions"}
    in_context = tiny.with_settings({"in_context": {}, "stages.stage2.epochs": 0})
    assert kind_of(in_context) == "in_context"
    found = outcomes(judge(planted_records(in_context, SEEDS, PAPER), in_context))
    assert found["in-context-definitions-help"] == "holds"
    assert "gap-on-attribution" not in found


def test_without_stage_1_nothing_is_claimed_about_it(tiny: Experiment) -> None:
    assert all(claim.contrast.parts == ("X2",) for claim in claims_for(without_stage_1(tiny)))


def test_a_new_source_is_believed_more_in_two_stages_and_less_in_one(tiny: Experiment) -> None:
    joint = {"name": "joint", "documents": ["X1", "X2"], "epochs": 2}
    single = tiny.with_settings({"stages": [tiny.stages[0].model_dump(mode="json"), joint]})
    two, one = ({claim.name for claim in claims_for(experiment)} for experiment in (tiny, single))
    assert "new-source-on-attribution" in two - one
    assert one - two == {"reliable-source-over-new-on-attribution"}
    assert {"gap-on-questions", "gap-on-attribution", "gap-on-who", "reliable-definitions-help"} <= two & one


def test_claims_on_subsets_that_do_not_exist_are_left_out(tiny: Experiment) -> None:
    fewer = tuple(subset for subset in tiny.subsets if subset.name != "D8cons")
    names = {claim.name for claim in claims_for(tiny.model_copy(update={"subsets": fewer}))}
    assert "new-source-on-attribution" not in names
    assert "gap-on-attribution" in names


def test_each_cell_is_judged_by_itself_in_the_experiments_order(tiny: Experiment) -> None:
    sweep = tiny.vary("sweep", stages__stage1__epochs=[4, 0])
    found = judge(planted_records(sweep, range(6), PAPER), sweep)
    cells = list(dict.fromkeys(verdict.cell for verdict in found))
    assert cells == ["stages.stage1.epochs=4", "stages.stage1.epochs=0"]
    assert "no-gap-on-questions" in {verdict.claim for verdict in found if verdict.cell == cells[1]}
    assert {v.outcome for v in found if (v.cell, v.claim) == (cells[1], "no-gap-on-questions")} == {"fails"}


def test_records_and_their_table_are_judged_alike(tiny: Experiment) -> None:
    records = planted_records(tiny, range(5), PAPER)
    assert judge(records, tiny) == judge(records_frame(records), tiny)


def test_verdicts_say_difference_and_seeds(tiny: Experiment) -> None:
    verdicts = judge(planted_records(tiny, SEEDS, PAPER), tiny)
    assert len(verdicts) == 28
    for verdict in verdicts:
        assert verdict.outcome == "holds"
        assert " ± " in verdict.difference
        assert verdict.comparison.seeds == 12


def test_every_row_of_the_ledger_is_well_formed() -> None:
    assert len({claim.name for claim in LEDGER}) == len(LEDGER)
    for claim in LEDGER:
        assert claim.sentence.endswith(".")
        assert claim.contrast.within is None or claim.contrast.within > 0


def test_families_hold_what_is_judged_one_row_a_seed(tiny: Experiment) -> None:
    records = planted_records(tiny, SEEDS, PAPER)
    found = {family.name: family for family in families(records, tiny)}
    assert list(found) == ["figure 3a", "figure 3b", "figure 8", "figure 9"]
    verdicts = {verdict.claim: verdict for verdict in judge(records, tiny)}
    assert sorted(claim for family in found.values() for claim in family.claims) == sorted(verdicts)
    for family in found.values():
        own = [verdicts[claim] for claim in family.claims]
        assert family.seeds == tuple(SEEDS)
        assert family.differences.shape == (12, len(own))
        assert family.differences.mean(axis=0) == pytest.approx([verdict.comparison.difference for verdict in own])
        assert family.margins.tolist() == pytest.approx([verdict.margin or math.nan for verdict in own], nan_ok=True)
        assert family.worth == tiny.smallest_effect
        assert {family.name in verdict.section for verdict in own} == {True}


def test_a_figure_is_one_family_over_all_cells(tiny: Experiment) -> None:
    sweep = tiny.vary("sweep", reliability=[0.5, 0.75, 1.0])
    found = {family.name: family for family in families(planted_records(sweep, SEEDS), sweep)}
    assert "gap-grows-with-reliability-on-questions" in found["figure 4a"].claims
    cells = [finding.cell for finding in found["figure 3a"].findings if finding.claim == "gap-on-questions"]
    assert cells == ["reliability=0.75", "reliability=1.0"]
    missing = [record for record in planted_records(sweep, SEEDS) if (record.cell, record.seed) != (cells[0], 103)]
    short = {family.name: family for family in families(missing, sweep)}
    assert {(len(family.seeds), family.finished) for family in short.values()} == {(12, 11)}


def test_what_is_worth_having_is_the_experiments(tiny: Experiment) -> None:
    records = planted_records(tiny, range(40), noise=0.004)
    assert outcomes(judge(records, tiny))["gap-on-questions"] == "fails"
    finer = tiny.with_settings({"smallest_effect": 0.001})
    assert outcomes(judge(records, finer))["gap-on-questions"] == "undecided"


def test_another_look_and_an_unfinished_plan_are_judged_more_strictly(tiny: Experiment) -> None:
    records = planted_records(tiny, SEEDS, PAPER, noise=0.06)
    once, again, interim = (
        {found.claim: found for found in judge(records, tiny, looks)}
        for looks in (None, Looks((6, 12), 12), Looks((16,), 12))
    )
    for name, verdict in once.items():
        assert str(verdict.looks) == "planned 12, looked once"
        assert again[name].p_corrected == pytest.approx(min(3 * verdict.p_corrected, 1))
        assert interim[name].p_corrected == pytest.approx(min(verdict.p_corrected * 100 / 3, 1))
        assert (interim[name].outcome == "holds") == (interim[name].p_corrected < 0.05)
    held = [sum(found.outcome == "holds" for found in verdicts.values()) for verdicts in (once, interim)]
    assert held[0] > held[1]


def test_two_seeds_are_too_few(tiny: Experiment) -> None:
    found = judge(planted_records(tiny, range(2), PAPER), tiny)
    assert {verdict.decision.reason for verdict in found} == {"2 seeds are too few"}
    assert not any("±" in verdict.difference for verdict in found)


def test_the_claims_an_experiment_is_there_for_are_said_first(tiny: Experiment) -> None:
    first = [verdict.claim for verdict in judge(planted_records(tiny, range(4)), tiny) if verdict.headline]
    assert first == ["gap-on-questions", "gap-on-attribution"]
    sweep = tiny.vary("sweep", reliability=[0.5, 0.75, 1.0])
    verdicts = judge(planted_records(sweep, range(4)), sweep)
    assert {verdict.cell for verdict in verdicts if verdict.headline} == {"all 3 cells together"}
