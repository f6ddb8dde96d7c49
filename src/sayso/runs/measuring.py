"""Measures taken at a moment of a job: which are due, and what they give as records and details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sayso.core.legs import Leg, is_measured, measured_epochs
from sayso.core.measure import Measure, Moment
from sayso.core.records import Record
from sayso.core.sweep import Job


def due(measures: Sequence[Measure], leg: Leg, epoch: int) -> list[Measure]:
    """Those measures whose time has come after an epoch of a leg.

    Those that ask for candidates come first: scores for the others are had in the same pass.
    """
    found = [measure for measure in measures if epoch in measured_epochs(leg, measure.when)]
    return sorted(found, key=lambda measure: "choices" not in measure.needs)


def take(measures: Sequence[Measure], moment: Moment, job: Job, leg: Leg) -> Iterator[Record]:
    """Take measures; one record for each number."""
    eval_sets = _eval_sets(moment, job, leg)
    for measure in measures:
        for score in measure.measure(moment, eval_sets):
            yield Record(
                experiment=job.cell.experiment.name,
                cell=job.cell.name,
                seed=job.seeds[score.replica],
                stage2_seed=leg.stage2_seed,
                stage=leg.stage.name,
                epoch=moment.epoch,
                measure=measure.name,
                eval_set=score.eval_set,
                subset=score.subset,
                value=float(f"{score.value:.6g}") if measure.significant else round(score.value, 6),
                n=score.n,
                what=score.what,
            )


def details(measure: Measure, moment: Moment, job: Job, leg: Leg) -> Iterator[dict[str, Any]]:
    """What a measure keeps beside the records at the end of a leg."""
    for replica, row in measure.details(moment, _eval_sets(moment, job, leg)):
        yield {"seed": job.seeds[replica], "stage": leg.stage.name, "stage2_seed": leg.stage2_seed, **row}


def _eval_sets(moment: Moment, job: Job, leg: Leg) -> list[tuple[str, str]]:
    """What is measured in a leg."""
    sets = moment.corpora[0].eval_sets
    return [(item.name, item.subset) for item in sets if is_measured(item, leg, job.cell.experiment)]
