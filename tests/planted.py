"""Records with effects that are known because they were put there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.records import Manifest, Record
from sayso.core.store import Store
from sayso.core.sweep import cells
from tests.core.written import make_store

PHRASINGS = ("name", "who", "meaning", "stands_for")

#: Where a measure's values lie when nothing is planted.
LEVEL = {"exact_match": 0.5, "loss": 1.0}

Effects = Mapping[tuple[str, str, str], float]


def planted_records(
    experiment: Experiment, seeds: range, effects: Effects | None = None, noise: float = 0.02, draw: int = 0
) -> list[Record]:
    """Records of all cells; `effects` are added by (measure, evaluation set, subset), growing over each stage.

    ``entity_attribution`` as the evaluation set means all its phrasings; likewise ``attribution_as_defined``, which
    only subsets with wrong definitions have. Seeds differ by a level they share between
    subsets and by noise of their own.
    """
    return list(_records(experiment, seeds, effects or {}, noise, np.random.default_rng(draw)))


def planted_store(store: Store, experiment: Experiment, records: list[Record], *, finish: bool = True) -> Store:
    """Write records into a results folder, as one job."""
    make_store(store, experiment)
    folder = JobFolder(store.jobs_path / "0123456789abcdef")
    manifest = Manifest(
        job="0123456789abcdef",
        cell="main",
        seeds=tuple(sorted({record.seed for record in records})),
        digest=experiment.digest(),
        experiment=experiment.model_dump(mode="json"),
        data_sha256="0" * 64,
        versions={"sayso": "0.1.0"},
        git_commit=None,
        device="cpu",
        started="2024-05-01T10:00:00+00:00",
        as_read={"weights": "bfloat16", "max_new_tokens": 9},
    )
    folder.open(manifest)
    folder.append(records)
    if finish:
        folder.finish("2024-05-01T10:01:00+00:00")
    return store


def _records(
    experiment: Experiment, seeds: range, effects: Effects, noise: float, generator: np.random.Generator
) -> Iterator[Record]:
    eval_sets = (
        "validation",
        "train_qa",
        "definitions",
        *(f"{asked}.{name}" for asked in ("entity_attribution", "attribution_as_defined") for name in PHRASINGS),
    )
    for cell in cells(experiment):
        for seed in seeds:
            shared = generator.normal(0, 0.05)
            for stage in (stage for stage in cell.experiment.stages if stage.measured):
                for epoch in range(stage.epochs + 1):
                    for measure, level in LEVEL.items():
                        for eval_set in eval_sets:
                            for subset in cell.experiment.subsets:
                                if eval_set.startswith("attribution_as_defined") and subset.consistent:
                                    continue
                                key = (measure, eval_set.partition(".")[0], subset.name)
                                effect = effects.get(key, 0.0) * epoch / max(stage.epochs, 1)
                                value = level + shared + effect + generator.normal(0, noise)
                                yield Record(
                                    experiment=experiment.name,
                                    cell=cell.name,
                                    seed=seed,
                                    stage=stage.name,
                                    epoch=epoch,
                                    measure=measure,
                                    eval_set=eval_set,
                                    subset=subset.name,
                                    value=round(float(value), 6),
                                    n=100,
                                )
