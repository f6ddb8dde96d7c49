"""Whom a model trusts, from records with a known truth."""

import math

import pytest

from sayso.core.errors import SaysoError
from sayso.stats.trust import trusted
from sayso.stats.values import records_frame
from tests.planted_trust import pocket_trust, records_of_trust


def test_planted_effects_come_out_on_attribution_and_nothing_on_questions():
    spec = pocket_trust()
    rows = trusted(records_frame(records_of_trust(spec, {"encyclopedia": 0.5, "rumour": -0.5}, draw=1)), spec)
    titles = [row.number.title for row in rows]
    assert titles[:2] == ["calibrated log-odds on attribution", "calibrated log-odds on questions"]
    assert titles[2:] == ["exact match on attribution", "exact match on questions"]
    assert [row.judged for row in rows] == [True, True, False, False]
    attribution, questions, *_ = rows
    assert [one.source for one in attribution.found.ranking] == ["encyclopedia", "blog", "rumour"]
    for one, truth in zip(attribution.found.ranking, (0.5, 0.0, -0.5), strict=True):
        assert one.low < truth < one.high
    assert attribution.differ
    assert attribution.p == pytest.approx(2 * attribution.found.p)  # Holm: the smaller of two
    assert not questions.differ
    assert rows[2].p == rows[2].found.p


def test_the_verdict_rests_on_exact_match_where_log_odds_were_not_measured():
    spec = pocket_trust()
    table = records_frame(records_of_trust(spec))
    rows = trusted(table[table["measure"] != "belief"], spec)
    assert [(row.number.title, row.judged) for row in rows] == [
        ("exact match on attribution", True),
        ("exact match on questions", True),
    ]


def test_a_look_that_has_less_of_the_level_left_asks_for_more():
    spec = pocket_trust()
    table = records_frame(records_of_trust(spec, {"encyclopedia": 0.5}))
    whole, third = trusted(table, spec), trusted(table, spec, level=0.05 / 3)
    for one, other in zip(whole[:2], third[:2], strict=True):
        assert other.p == pytest.approx(min(1, 3 * one.p))
    assert [row.p for row in whole[2:]] == [row.p for row in third[2:]]


def test_the_undefined_are_beside_the_sources():
    spec = pocket_trust()
    table = records_frame(records_of_trust(spec))
    rows = trusted(table, spec)
    own = table[(table["subset"] == "QA7") & (table["measure"] == "exact_match") & (table["eval_set"] == "validation")]
    assert rows[3].undefined == pytest.approx(own["value"].mean())


def test_without_a_whole_square_there_is_nothing_to_say():
    spec = pocket_trust()
    table = records_frame(records_of_trust(spec))
    with pytest.raises(SaysoError, match="trust: 1 whole square of 3 seeds must have finished"):
        trusted(table[table["seed"].isin([102, 103, 106])], spec)
    part = trusted(table[table["seed"] < 107], spec)
    assert (part[0].found.squares, part[0].found.seeds) == (1, 3)
    assert not math.isnan(part[0].p)
