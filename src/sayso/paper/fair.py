"""Whether what claims compare is of one size: sources get equally much of everything but reliability."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.core.subsets import Subset
from sayso.core.sweep import cells
from sayso.paper.judging import claims_for
from sayso.paper.trends import TRENDS
from sayso.stats.values import stage_training


def require_fair(experiment: Experiment) -> None:
    """Refuse an experiment that would compare sources by subsets of different sizes, in any of its cells.

    Subsets without a source, as QA3 and QA7, are baselines: in the paper they are smaller than what they stand beside.

    Raises
    ------
    SaysoError
        The message names the subsets, their sizes and a claim that compares them, and fractions that would be right.
    """
    for cell in cells(experiment):
        subsets = cell.experiment.subsets
        total = cell.experiment.split.items(cell.experiment.knowledge.size())
        size = dict(zip((subset.name for subset in subsets), sizes(subsets, total), strict=True))
        for alike, claim in compared(cell.experiment):
            if len({size[subset.name] for subset in alike}) == 1:
                continue
            what = "aliases" if cell.experiment.split.shared_entities else "entities"
            each = sum(subset.fraction for subset in alike) / len(alike)
            after = [s.model_copy(update={"fraction": each}) if s in alike else s for s in subsets]
            fits = next(n for subset, n in zip(after, sizes(after, total), strict=True) if subset.name == alike[0].name)
            settings = " ".join(f"--set subsets.{subset.name}.fraction={each!r}" for subset in alike)
            raise SaysoError(
                f"{experiment.name}: {_listed([f'{subset.name} has {size[subset.name]}' for subset in alike])} {what}, "
                f"but the claim {claim} compares them, so all must have as many; nearest is {fits} each: {settings}"
            )


def compared(experiment: Experiment) -> list[tuple[list[Subset], str]]:
    """Groups of defined subsets that claims compare with each other, directly or by a third, each with such a claim."""
    by_name = {subset.name: subset for subset in experiment.subsets}
    groups: list[tuple[list[Subset], str]] = []
    for names, said in _pairs(experiment):
        pair = [by_name[name] for name in names]
        if any(subset.source is None for subset in pair):
            continue
        touched = [group for group in groups if any(subset in group[0] for subset in pair)]
        merged = [subset for group in touched for subset in group[0]]
        merged += [subset for subset in pair if subset not in merged]
        groups = [group for group in groups if group not in touched]
        groups.append((merged, touched[0][1] if touched else said))
    return groups


def _pairs(experiment: Experiment) -> Iterator[tuple[tuple[str, ...], str]]:
    """Subsets that are compared, with the name of a claim that does: those of cells, and those of whole sweeps.

    Sums of numbers of the same subsets, asked in different ways, compare no subsets.
    """
    there = {subset.name for subset in experiment.subsets}
    for claim in claims_for(experiment):
        pair = claim.contrast.about or claim.contrast.pair or ()
        if len(set(pair)) > 1:
            yield pair, claim.name
    for trend in TRENDS:
        subsets = tuple(dict.fromkeys(number.subset for number in trend.number.numbers))
        trained = all(stage_training(experiment, number.after) is not None for number in trend.number.numbers)
        if len(subsets) == 2 and there.issuperset(subsets) and trained:
            yield subsets, trend.name


def _listed(items: list[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}"
