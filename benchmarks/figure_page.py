"""The paper figure by figure, as a page: what each shows, what runs it and takes how long, and what came out here.

``python -m benchmarks.whole_paper`` writes ``docs/paper.md`` with it, from the table of experiments, the verdicts kept
in ``docs/results.json``, ``expected.json``, ``costs.json``, and what is said in words in ``docs/came-out.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.markdown import anchor, table
from sayso.core.sweep import cells
from sayso.paper.costs import CARD, NEWER_CARD, cost_of, downloads
from sayso.paper.expected import all_expected
from sayso.paper.rows import Row
from sayso.paper.table import TABLE
from sayso.paper.whole import Place, places
from sayso.runs.gpus import find_gpu
from sayso.stats.entries import TOLD
from sayso.stats.numbers import share, with_interval

#: Claims of which is shown what departures do to them, and what they are called.
_HEADLINES = {
    "reliable-beats-unreliable": "D1cons_QA1 - D2incons_QA2",
    "gap-on-questions": "gap",
    "gap-on-attribution": "gap on attribution",
}


def figure_page(found: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    """The page in Markdown, of what ``docs/results.json`` and ``docs/came-out.yaml`` hold."""
    there = places("pocket")
    figures = {each["figure"]: each for each in found["figures"]}
    said: dict[str, str] = {}
    parts = [
        "# The paper, figure by figure",
        words["intro"],
        "## At a glance",
        *_lines(table(("figure", "shows", *TOLD[:3]), [_glance(place, figures, words) for place in there])),
        "By section of the paper:",
        *_lines(table(("section", "experiments at pocket size", "at full size"), _sections())),
    ]
    for place in there:
        parts += [f"## {_capital(place.name)}", f"**Shows.** {words['figures'][place.name]}"]
        parts += _place(place, figures[place.name], found["experiments"], words["experiments"], said)
    crossing = [each for each in figures.values() if each["figure"] not in {place.name for place in there}]
    for each in crossing:
        parts += [f"## {_capital(each['figure'])}", _claims(each)]
    own = [row for row in TABLE.values() if row.about.kind in ("control", "beyond") and _told(row, words)]
    parts += [
        "## Controls and variations",
        words["own"],
        *_lines(table(("experiment", "shows", "takes", "what came out"), [_own(row, words) for row in own])),
        "## What departures from the paper's recipe buy",
        words["departures"],
        words["taken_back"],
        *_lines(table(("experiment", "without this change", *_HEADLINES.values()), _without())),
        "## The paper at full size",
        words["full_size"],
        "## Your facts and your model",
        *words["yours"],
    ]
    return "\n\n".join(parts) + "\n"


def _place(
    place: Place, claims: Mapping[str, Any], ran: Mapping[str, Any], words: Mapping[str, Any], said: dict[str, str]
) -> list[str]:
    """Of a figure what runs it and what came out; what was said of an experiment before is not said again."""
    rows, full = ([TABLE[name] for name in names] for names in (place.experiments, place.other_size))
    parts: list[str] = []
    if found := " ".join(_once(row.about.found for row in full if row.about.found)):
        parts.append(f"**The paper found.** {found}")
    takes = [*(_pocket(row, ran) for row in rows), *(_full(row) for row in full)]
    parts += _lines(table(("run it", "size", "seeds", "takes"), takes))
    for row in rows:
        if row.name in said:
            parts.append(f"**Came out** of `{row.name}`: [above](#{anchor(said[row.name])}).")
        else:
            told = words[row.name]
            parts.append(
                f"**Came out** of `{row.name}` (seeds {told['seeds']}): {told['found']}. {_draws(row)}".strip()
            )
            said[row.name] = place.name
            parts += [told["also"]] if "also" in told else []
    return [*parts, _claims(claims)]


def _claims(figure: Mapping[str, Any]) -> str:
    """How many claims hold, and those that do not, each sentence once."""
    counted = ", ".join(f"{figure['counts'][told]} {_plural(told, figure)}" for told in TOLD if figure["counts"][told])
    lead = f"**Claims.** {counted}: [each with its numbers](results.md#{anchor(figure['figure'])})."
    against: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for outcome, sentence, where, numbers, _ in figure["claims"]:
        if outcome in ("fails", "undecided"):
            against.setdefault((outcome, sentence), []).append((where, numbers))
    if not against:
        return lead
    rows = [
        (outcome, sentence, _where(entries), _difference(entries))
        for told in ("fails", "undecided")
        for (outcome, sentence), entries in against.items()
        if outcome == told
    ]
    return "\n".join(
        [f"{lead} What does not hold, or is open:", "", *table(("verdict", "claim", "of", "difference"), rows)]
    )


def _plural(told: str, figure: Mapping[str, Any]) -> str:
    if figure["counts"][told] == 1:
        return {"undecided": "is undecided", "not run": "was not run"}.get(told, told)
    return {"holds": "hold", "fails": "fail", "undecided": "are undecided", "not run": "were not run"}[told]


def _where(entries: Sequence[tuple[str, str]]) -> str:
    """The experiments, each with how many of its cells are meant, or the one cell."""
    by_name: dict[str, list[str]] = {}
    for where, _ in entries:
        name, _, cell = where.partition(", ")
        by_name.setdefault(name, []).append(cell)
    return ", ".join(
        f"`{name}`" + (f" ({cell[0] if len(cell) == 1 else f'{len(cell)} cells'})" if cell != [""] else "")
        for name, cell in by_name.items()
    )


def _difference(entries: Sequence[tuple[str, str]]) -> str:
    """The one difference with its interval, or from the smallest to the largest."""
    texts = [numbers.split(", ")[0] for _, numbers in entries]
    if len(texts) == 1:
        return texts[0]
    values = sorted((float(text.split()[0]), text.split()[0]) for text in texts)
    return f"{values[0][1]} to {values[-1][1]}"


def _pocket(row: Row, ran: Mapping[str, Any]) -> list[str]:
    minutes = ran[row.name]["minutes"] if row.name in ran else None
    takes = "" if minutes is None else f"{minutes:.0f} minutes of two cores"
    return [f"`sayso run {row.name}`", "pocket", _seeds(row), takes]


def _full(row: Row) -> list[str]:
    cost = cost_of(row.experiment)
    hours = "not known"
    if cost is not None and cost.gpu_hours is not None and cost.newer_gpu_hours and cost.gpu_memory:
        hours = f"about {_hours(cost.newer_gpu_hours)} hours of one {NEWER_CARD}, "
        hours += f"{_hours(cost.gpu_hours)} of one {CARD}; "
        whole = cost.gpu_memory < find_gpu(NEWER_CARD).memory
        hours += f"{cost.gpu_memory:,.0f} GB" if whole else "the largest batches in smaller passes"
    needs = downloads(row.experiment)
    return [
        f"`sayso run {row.name}`",
        "full",
        _seeds(row),
        f"{hours} (estimates)" + (f"; downloads {', '.join(needs)}" if needs else ""),
    ]


def _hours(hours: float) -> str:
    return f"{hours:.1f}" if hours < 10 else f"{hours:,.0f}"


def _seeds(row: Row) -> str:
    experiment, planned = row.experiment, len(cells(row.experiment))
    return (
        f"{experiment.seeds.count}"
        + (f" with {experiment.stage2_seeds} stage-2 seeds each" if experiment.stage2_seeds > 1 else "")
        + (f", of each of {planned} cells" if planned > 1 else "")
    )


def _draws(row: Row) -> str:
    """In which share of draws of the default seeds its claims hold; nothing where that was not measured."""
    expected = all_expected().get(row.name)
    if expected is None:
        return ""
    least, wrong = min(claim.holds for claim in expected.claims), max(claim.fails for claim in expected.claims)
    told = f"All that it is there to show holds in at least {share(least)} of draws of {expected.count} seeds"
    return f"{told}, and fails in {f'at most {share(wrong)}' if wrong else 'none'}."


def _glance(place: Place, figures: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    counted, shows = figures[place.name]["counts"], words["figures"][place.name]
    return [f"[{place.name}](#{anchor(place.name)})", shows, *(str(counted[told] or "") for told in TOLD[:3])]


def _sections() -> list[list[str]]:
    """Each section and appendix with the experiments that stand for it, in the paper's order."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in TABLE.values():
        if row.about.kind in ("pocket", "paper"):
            for section in row.about.sections:
                found.setdefault(section, {}).setdefault(row.about.kind, []).append(f"`{row.name}`")
    order = sorted(found, key=lambda name: (not name[0].isdigit(), name))
    return [[name, *(", ".join(found[name].get(kind, ())) for kind in ("pocket", "paper"))] for name in order]


def _told(row: Row, words: Mapping[str, Any]) -> bool:
    return row.name in words["experiments"]


def _own(row: Row, words: Mapping[str, Any]) -> list[str]:
    cost, told = cost_of(row.experiment), words["experiments"][row.name]
    takes = "" if cost is None or cost.minutes is None else f"{cost.minutes:.0f} minutes of two cores"
    return [f"`sayso run {row.name}`", row.about.shows, takes, _came_out(row, told)]


def _came_out(row: Row, told: Mapping[str, Any]) -> str:
    """What came out, in words, and how surely it does."""
    return f"{told['found']} (seeds {told['seeds']}). {_draws(row)}".strip()


def _without() -> Iterable[Sequence[str]]:
    """Each departure taken back alone, and what is left of the headlines, with the share of draws they hold in."""
    for name, expected in all_expected().items():
        for each in expected.without:
            found = {claim.claim: claim for claim in each.claims}
            yield (
                f"`{name}` ({each.seeds})",
                each.what,
                *(
                    f"{with_interval(claim.difference, claim.low, claim.high, signed=True)} ({share(claim.holds)})"
                    if (claim := found.get(headline)) is not None
                    else ""
                    for headline in _HEADLINES
                ),
            )


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(re.sub(r"\s+", " ", text) for text in texts))


def _lines(rows: Sequence[str]) -> list[str]:
    return ["\n".join(rows)]
