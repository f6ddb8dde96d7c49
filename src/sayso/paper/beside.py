"""What stands beside a verdict: what was foreseen, what the control found, and how far it goes beyond entities."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.paper.foreseen import foreseen
from sayso.paper.trends import headline_names
from sayso.stats.entities import entity_check
from sayso.stats.values import ATTRIBUTION
from sayso.stats.verdict import Verdict

#: Which claim of a control is about the same difference, of those about D5cons and D6cons.
_GAP_IN_A_CONTROL = {
    "gap-on-questions": "no-gap-on-questions",
    "gap-on-attribution": "no-gap-on-attribution",
    "is-no-better-on-questions": "no-gap-on-questions",
    "is-believed-on-attribution": "no-gap-on-attribution",
    "in-context-gap-on-questions": "in-context-no-gap-on-questions",
}

#: Of all.
_IN_A_CONTROL = {
    **_GAP_IN_A_CONTROL,
    **{name: name for name in headline_names()},
    **{
        f"{claim}-on-{asked}": f"{control}-on-{asked}"
        for claim, control in (
            ("reliable-over-unreliable", "no-side-is-taken-without-record"),
            ("repetition-counts", "repetition-counts"),
        )
        for asked in ("questions", "attribution")
    },
    **{
        f"{claim}-on-{asked}{ending}": f"{control}-on-{asked}{ending}"
        for claim, control, endings in (
            ("trust-grows-with-reliability", "no-trust-without-record", ("", "-in-log-odds")),
            ("gap", "no-gap", ("-in-log-odds",)),
        )
        for asked in ("questions", "attribution")
        for ending in endings
    },
}

#: Claims on the difference of D5cons and D6cons, and what they ask.
_GAPS = {
    claim: "validation" if claim.endswith("questions") else ATTRIBUTION
    for pair in _GAP_IN_A_CONTROL.items()
    for claim in pair
}


def beside_control(verdicts: Sequence[Verdict], control: Sequence[Verdict]) -> list[Verdict]:
    """Put beside claims on new definitions, and what a sweep is there to show, the same difference in the control."""
    found = {(verdict.cell, verdict.claim): verdict.comparison for verdict in control}
    return [
        dataclasses.replace(verdict, control=found.get((verdict.cell, _IN_A_CONTROL.get(verdict.claim, ""))))
        for verdict in verdicts
    ]


def with_foresight(verdicts: Sequence[Verdict], experiment: Experiment) -> list[Verdict]:
    """Put beside claims what was foreseen of them before the experiment's seeds were run."""
    written = foreseen(experiment)
    if written is None:
        return list(verdicts)
    return [
        dataclasses.replace(verdict, foreseen=written.claims.get(verdict.cell, {}).get(verdict.claim))
        for verdict in verdicts
    ]


def beyond_entities(verdicts: Sequence[Verdict], table: pd.DataFrame, experiment: Experiment) -> list[Verdict]:
    """Put beside each claim on D5cons and D6cons its interval if seeds and entities were drawn anew, where it is known.

    `table` is of all records; it is known where exact match was kept by entity.
    """
    return [
        dataclasses.replace(verdict, over_entities=entity_check(table, experiment, verdict.cell, _GAPS[verdict.claim]))
        if verdict.claim in _GAPS
        else verdict
        for verdict in verdicts
    ]
