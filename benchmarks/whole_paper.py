"""The paper at pocket size on fresh seeds: runs what is missing; writes ``docs/results.md`` and ``docs/paper.md``.

    python -m benchmarks.whole_paper --out DIR            # run what is missing in DIR, then write
    python -m benchmarks.whole_paper --out DIR --look     # of what is there
    python -m benchmarks.whole_paper                      # the text anew from docs/results.json

What is written is kept in ``docs/results.json``; what is said of it in words is in ``docs/came-out.yaml``. Each
experiment has as many seeds as by default, or those that are in DIR already. Before each one a peer is timed, matrix
products on every core (`benchmarks.demo.peer`), which says how quiet the machine was.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import sayso
from benchmarks.costs import minutes
from benchmarks.demo import peer
from benchmarks.figure_page import figure_page
from benchmarks.markdown import anchor, table
from sayso.paper.rows import About
from sayso.paper.table import TABLE
from sayso.report.whole import claim_row
from sayso.results import Results
from sayso.stats import numbers
from sayso.stats.entries import TOLD, Figure, counts
from sayso.whole_paper import WholePaper, whole_paper

DOCS = Path(__file__).parent.parent / "docs"
KEPT, PAGE = DOCS / "results.json", DOCS / "results.md"
WORDS, FIGURE_PAGE = DOCS / "came-out.yaml", DOCS / "paper.md"
FIRST_SEED = 8000
_COLUMNS = ("outcome", "sentence", "where", "found", "p")


def main() -> None:
    """Run, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--look", action="store_true")
    parser.add_argument("--jobs", type=int)
    chosen = parser.parse_args()
    if chosen.out is not None:
        timed: dict[str, list[float]] = {}
        found = whole_paper("pocket", chosen.out, run=None if chosen.look else _runner(timed, chosen.jobs))
        KEPT.write_text(json.dumps(kept(found, timed), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    there = json.loads(KEPT.read_text(encoding="utf-8"))
    PAGE.write_text(text(there), encoding="utf-8")
    FIGURE_PAGE.write_text(figure_page(there, in_words()), encoding="utf-8")


def in_words() -> dict[str, Any]:
    """What is said of results in words: by experiment, of departures from the paper, of other facts and models."""
    said: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return said


def _runner(timed: dict[str, list[float]], jobs: int | None) -> Callable[[str, Path], None]:
    """Runs an experiment on fresh seeds; notes the minutes that took, and the peer's seconds before."""

    def run(name: str, folder: Path) -> None:
        own = Results(folder)
        if own.store.experiment_path.exists() and any(job.finished for job in own.store.jobs()):
            return
        experiment = sayso.load(name)
        of_peer, begin = peer(), time.perf_counter()
        sayso.run(experiment, out=folder, seeds=f"{FIRST_SEED}-{FIRST_SEED + experiment.seeds.count - 1}", jobs=jobs)
        timed[name] = [(time.perf_counter() - begin) / 60, of_peer]
        print(f"{name}: {timed[name][0]:.1f} minutes, the peer {of_peer:.1f} s", flush=True)

    return run


def kept(found: WholePaper, timed: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """What is kept of a folder: each experiment's seeds and minutes, and each claim's verdict as text."""
    figures = found.figures()
    manifests = [job.manifest() for own in found.there.values() for job in own.store.jobs() if job.finished]
    return {
        "made": max(manifest.started for manifest in manifests)[:10],
        "versions": {name: manifests[-1].versions[name] for name in ("sayso", "torch", "transformers")},
        "python": platform.python_version(),
        "experiments": {
            name: {
                "of": own.experiment.digest(),
                "seeds": _seeds(own),
                "minutes": minutes(own),
                "timed": [round(value, 1) for value in timed[name]] if name in timed else None,
            }
            for name, own in found.there.items()
        },
        "figures": [
            {"figure": figure.name, "counts": counts(figure.entries), "claims": _claims(figure)} for figure in figures
        ],
    }


def _claims(figure: Figure) -> list[list[str]]:
    rows = [claim_row(entry, {}) for entry in figure.entries]
    return [[str(row[name]) for name in _COLUMNS] for row in rows]


def _seeds(own: Results) -> str:
    seeds = sorted({seed for job in own.store.jobs() if job.finished for seed in job.manifest().seeds})
    whole = seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}-{seeds[-1]}" if whole else numbers.count(len(seeds), "seed")


def text(found: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    experiments = found["experiments"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    counted = {told: sum(figure["counts"][told] for figure in found["figures"]) for told in TOLD}
    lines = [
        "# Results: the paper at pocket size",
        "",
        "Every claim of the paper that can be checked, on seeds that no setting was chosen on: "
        f"{counted['holds']} hold, {counted['fails']} fail, {counted['undecided']} are undecided, "
        f"{counted['not run']} were not run. Made by "
        f"`python -m benchmarks.whole_paper --out DIR` from results folders; {versions}, Python {found['python']}, "
        f"{found['made']}. `sayso paper` runs the same on the default seeds, with a page of figures.",
        "",
        "A claim holds, or it fails, where a p-value is below .05 that is corrected over the claims of the figure in "
        "its experiment (Holm) and for looks at the data; intervals are 95% intervals over seeds. A claim is stated "
        "once for each experiment, and cell of a sweep, that it is made of. What fails is a finding of the pocket "
        "world, at its size.",
        "",
        *table(("figure", *TOLD), [_counts(figure) for figure in found["figures"]]),
        "",
        "## What it took",
        "",
        *_took(experiments),
    ]
    for figure in found["figures"]:
        lines += ["", f"## {figure['figure'][0].upper()}{figure['figure'][1:]}", ""]
        if said := _found_by_the_paper(figure["figure"]):
            lines += [f"The paper: {said}", ""]
        lines += table(("verdict", "claim", "experiment", "found", "corrected p"), figure["claims"])
    return "\n".join(lines) + "\n"


def _counts(figure: Mapping[str, Any]) -> list[str]:
    name = figure["figure"]
    return [f"[{name}](#{anchor(name)})", *(str(figure["counts"][told] or "") for told in TOLD)]


def _took(experiments: Mapping[str, Any]) -> list[str]:
    known = {name: own["minutes"] for name, own in experiments.items() if own["minutes"] is not None}
    rows = [
        [
            f"`{name}`",
            own["seeds"],
            "" if own["minutes"] is None else f"{own['minutes']:.1f}",
            "" if own["timed"] is None else f"{own['timed'][0]:.1f} ({own['timed'][1]:.0f} s)",
        ]
        for name, own in experiments.items()
    ]
    return [
        f"The default seeds of these {len(experiments)} experiments take {sum(known.values()):.0f} minutes of two "
        f"cores at most, by the fastest job of each cell ({len(experiments) - len(known)} unknown): jobs that were "
        "halted for a while, or had to share their cores, count in full. Beside it, where all of an experiment was "
        "run in one go, what the clock said, and in brackets the peer's seconds before it.",
        "",
        *table(("experiment", "seeds", "minutes for the default seeds", "by the clock (peer)"), rows),
    ]


def _found_by_the_paper(figure: str) -> str:
    """What the paper found in a figure, as the table's rows of its own experiments say."""
    about: list[About] = [row.about for row in TABLE.values() if row.about.kind == "paper"]
    said = [
        each.found
        for each in about
        if figure in [*(f"figure {own}" for own in each.figures), *(f"footnote {own}" for own in each.footnotes)]
    ]
    return " ".join(dict.fromkeys(filter(None, said)))


if __name__ == "__main__":
    main()
