"""What the paper says of two of its experiments side by side: a gap is as large in one as in the other, or larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sayso.core.sweep import Cell, cells
from sayso.paper.judging import Found
from sayso.paper.ledger import EQUAL
from sayso.paper.quantities import Side, Values, gap_of, in_words
from sayso.stats.looks import Looks
from sayso.stats.values import ATTRIBUTION, for_statistics
from sayso.stats.verdict import Family, Finding, Verdict, judge_family


@dataclass(frozen=True)
class Across:
    """A number that is larger in one experiment than in another, or the same `within` a margin.

    `pairs`: the two experiments, at full size and at pocket size. Seeds of one number are compared with each other.
    """

    name: str
    sentence: str
    section: str
    figure: str
    number: Side
    pairs: tuple[tuple[str, str], ...]
    within: float | None = None


_STAGES = (("paper-single-stage", "paper-main"), ("pocket-single-stage", "pocket"))
_FACTS = (("paper-main", "paper-trex"), ("pocket", "pocket-other-facts"))

ACROSS = (
    *(
        Across(
            f"a-single-stage-is-as-strong-on-{asked}",
            f"Trained together, new definitions show as large a gap as in two stages, on {asked}.",
            "section 3.3, appendix C.5",
            "figure 14",
            gap_of(eval_set),
            _STAGES,
            EQUAL,
        )
        for asked, eval_set in (("questions", "validation"), ("attribution", ATTRIBUTION))
    ),
    Across(
        "a-smaller-gap-on-works",
        "On T-REx the gap on questions is smaller than on the CVDB.",
        "appendix C.2",
        "figure 10",
        gap_of("validation"),
        _FACTS,
    ),
)


def names_of_pairs(there: Sequence[str]) -> list[str]:
    """The experiments, of those that are there, that claims on two of them are about."""
    pairs = [pair for claim in ACROSS for pair in claim.pairs if set(pair) <= set(there)]
    return list(dict.fromkeys(name for pair in pairs for name in pair))


def across(found: Mapping[str, Found | None]) -> list[Verdict]:
    """Judge claims on two experiments, those of a figure together; without numbers where one was not run (None).

    Where both were run, seeds that both have are compared with each other.
    """
    known = {name: (cells(own[0])[0], Values(for_statistics(own[1]))) for name, own in found.items() if own}
    worth = max((own[0].smallest_effect for own in found.values() if own), default=0.0)
    families: dict[tuple[str, str], list[Finding]] = {}
    seeds: dict[tuple[str, str], tuple[int, ...]] = {}
    for claim in ACROSS:
        for pair in claim.pairs:
            if set(pair) <= set(found):
                both = [known[name] for name in pair if name in known]
                sets = [values.seeds.get(cell.name, set()) for cell, values in both]
                common = sorted(set.intersection(*sets)) if len(both) == 2 else []
                key = (claim.figure, " and ".join(pair))
                families.setdefault(key, []).append(_finding(claim, pair, both, common))
                seeds[key] = tuple(common)
    return [
        verdict
        for key, own in families.items()
        for verdict in judge_family(
            Family(key[0], seeds[key], len(seeds[key]), tuple(own), worth), Looks((len(seeds[key]),), len(seeds[key]))
        )
    ]


def _finding(
    claim: Across, pair: tuple[str, str], both: Sequence[tuple[Cell, Values]], seeds: Sequence[int]
) -> Finding:
    sides = [values.of(cell, claim.number, seeds) for cell, values in both] if seeds else [np.empty(0), np.empty(0)]
    sign = ">" if claim.within is None else "="
    return Finding(
        cell=" and ".join(pair),
        claim=claim.name,
        sentence=claim.sentence,
        section=f"{claim.section}, {claim.figure}",
        contrast=f"{in_words(claim.number)}, {pair[0]} {sign} {pair[1]}",
        first=sides[0],
        second=sides[1],
        margin=claim.within,
    )
