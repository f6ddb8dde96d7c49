"""Records of `sayso trust` with effects of sources that are known because they were put there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sayso.core import squares
from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.subsets import Source
from sayso.paper.trust import trust_experiment

SOURCES = (
    Source(name="encyclopedia", text=("According to the encyclopedia,", "The encyclopedia says that")),
    Source(name="blog", text="A blog says that"),
    Source(name="rumour", text="Rumour has it that"),
)
PHRASINGS = ("name", "who", "meaning", "stands_for")


def pocket_trust(**more: object) -> Experiment:
    """The experiment in the pocket world, with three sources."""
    return trust_experiment(SOURCES, model="pocket", **more)  # type: ignore[arg-type]


def records_of_trust(
    experiment: Experiment, effects: Mapping[str, float] | None = None, *, noise: float = 0.1, draw: int = 0
) -> list[Record]:
    """Log-odds and exact match of all seeds; `effects` by source are added to log-odds on attribution.

    Seeds have levels of their own, and so have the blocks of aliases of a square, far larger than the noise.
    """
    generator = np.random.default_rng(draw)
    defined = [subset for subset in experiment.subsets if subset.source is not None]
    blocks: dict[tuple[int, int], float] = {}
    found = []
    for seed in experiment.seeds:
        level = generator.normal(0, 2)
        square, row = squares.place(experiment.subsets, seed)
        for subset in experiment.subsets:
            block = (defined.index(subset) - row) % len(defined) if subset in defined else -1
            aliases = blocks.setdefault((square, block), generator.normal(0, 2))
            for eval_set in ("validation", *(f"entity_attribution.{name}" for name in PHRASINGS)):
                effect = (effects or {}).get(subset.source or "", 0.0) if eval_set != "validation" else 0.0
                value = level + aliases + effect + generator.normal(0, noise)
                for measure, what, own in (
                    ("belief", "calibrated_log_odds", value),
                    ("belief", "accuracy", 0.5),
                    ("exact_match", "", 1 / (1 + np.exp(-value))),
                ):
                    found.append(
                        Record(
                            experiment=experiment.name,
                            cell="main",
                            seed=seed,
                            stage2_seed=0,
                            stage="told",
                            epoch=experiment.stages[-1].epochs,
                            measure=measure,
                            what=what,
                            eval_set=eval_set,
                            subset=subset.name,
                            value=float(own),
                            n=8,
                        )
                    )
    return found
