"""What belief buys: how many seeds the gap takes by exact match, by loss, and by log-odds, in the pocket experiments.

    python -m benchmarks belief                                       # all that have a gap to show, 16 fresh seeds
    python -m benchmarks.belief pocket --seeds 9000-9007 --out DIR    # some of them; what is finished there is kept
    python -m benchmarks.belief --folders DIR DIR ...                 # folders in which belief was measured already

The claim is that new definitions of the reliable source are believed more than the unreliable one's (D5cons and
D6cons), each measure alone; a number of seeds is enough from which on it holds in 95% of draws. Prints Markdown.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import sayso
from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.sweep import Cell, cells
from sayso.measures.belief import Belief
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.judging import claims_for
from sayso.results import Results
from sayso.stats.comparisons import compare
from sayso.stats.power import Needed, seeds_needed
from sayso.stats.values import ATTRIBUTION, GAP, by_seed, for_statistics, stage_training

SEEDS = "9000-9015"
#: What is compared: a name, the measure, what of it, and its sign (a loss is smaller where more is believed).
MEASURES = (
    ("exact match", "exact_match", "", 1),
    ("loss", "loss", "", -1),
    ("log-odds", "belief", "log_odds", 1),
    ("calibrated", "belief", "calibrated_log_odds", 1),
    ("forced choice", "belief", "calibrated_accuracy", 1),
)


def main() -> None:
    """All experiments, on fresh seeds."""
    measure(names(), SEEDS, Path("sayso-results") / "belief", None)


def names() -> list[str]:
    """Experiments of pocket size that are said to have a gap on questions, and whose models can be asked to choose."""
    own = {name: each for name, each in sayso.experiments().items() if name.startswith("pocket")}
    return [name for name, each in own.items() if _chooses(each) and any(map(_has_gap, cells(each)))]


def measure(names: Sequence[str], seeds: str, out: Path, jobs: int | None) -> None:
    """Run what is missing, belief measured at the ends of stages, and print the table."""
    print(_HEAD, flush=True)
    for name in names:
        experiment = sayso.load(name)
        found = sayso.run(_with_belief(experiment), out=out / name, seeds=Seeds.parse(seeds), jobs=jobs)
        table(found)


def table(found: Results) -> None:
    """Print the rows of one folder, a row a cell and way of asking."""
    records = for_statistics(found.records())
    for cell in filter(_has_gap, cells(found.experiment)):
        stage = stage_training(cell.experiment, "X2") or ""
        for eval_set in ("validation", ATTRIBUTION):
            told = [_told(records, cell.name, stage, eval_set, *each[1:]) for each in MEASURES]
            if any(told):
                name = found.experiment.name if cell.name == "main" else f"{found.experiment.name}, {cell.name}"
                print(f"| {name} | {eval_set} | {' | '.join(each or '-' for each in told)} |", flush=True)


_HEAD = (
    "Seeds needed (95% interval), effect size.\n\n"
    f"| experiment | asked | {' | '.join(name for name, *_ in MEASURES)} |\n|---|---|{'---|' * len(MEASURES)}"
)


def _told(records: pd.DataFrame, cell: str, stage: str, eval_set: str, measure: str, what: str, sign: int) -> str:
    wide = by_seed(records, cell=cell, stage=stage, measure=measure, eval_set=eval_set, what=what)
    first, second = (wide.reindex(columns=list(GAP))[name].to_numpy(dtype=float) for name in GAP)
    found = compare(sign * first, sign * second)
    if found.seeds < 3 or math.isnan(found.effect_size):
        return ""
    differences = (sign * (first - second))[:, None]
    (needed,) = seeds_needed(differences[~np.isnan(differences[:, 0])], [math.nan], worth=0.0)
    return f"{_number(needed)}, {found.effect_size:.2f}"


def _number(needed: Needed) -> str:
    low, high = ("more" if each is None else str(each) for each in (needed.low, needed.high))
    return f"{'more than 256' if needed.seeds is None else needed.seeds} ({low} to {high})"


def _chooses(experiment: Experiment) -> bool:
    return Belief().needs <= experiment.model.needs_met()


def _has_gap(cell: Cell) -> bool:
    return "gap-on-questions" in [claim.name for claim in claims_for(cell.experiment)]


def _with_belief(experiment: Experiment) -> Experiment:
    """The experiment with what is compared measured at the ends of stages, and nothing else."""
    ends = {f"stages.{stage.name}.measure_every": max(stage.epochs, 1) for stage in experiment.stages}
    measures = (ExactMatch(), MeanLoss(), Belief())
    return experiment.with_settings({**ends, "measures": [each.model_dump(mode="json") for each in measures]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--out", type=Path, default=Path("sayso-results") / "belief")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--folders", nargs="+", type=Path)
    chosen = parser.parse_args()
    if chosen.folders:
        print(_HEAD)
        for folder in chosen.folders:
            table(Results(folder))
    else:
        measure(chosen.names or names(), chosen.seeds, chosen.out, chosen.jobs)
