"""Claims compare sources by subsets of one size; what would not is refused, with advice that works."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import sayso
from sayso.cli.configure import configure
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.paper.fair import compared, require_fair
from sayso.paper.table import EXPERIMENTS

EACH = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=list(EXPERIMENTS))


def items(experiment: Experiment) -> int:
    return experiment.split.items(experiment.knowledge.size())


def sizes_of(experiment: Experiment) -> dict[str, int]:
    names = [subset.name for subset in experiment.subsets]
    return dict(zip(names, sizes(experiment.subsets, items(experiment)), strict=True))


@EACH
def test_the_catalogue_is_fair_at_any_size(experiment):
    require_fair(experiment)
    for cell in cells(experiment):
        groups = compared(cell.experiment)
        for total in range(items(cell.experiment), items(cell.experiment) + 30):
            size = dict(
                zip((s.name for s in cell.experiment.subsets), sizes(cell.experiment.subsets, total), strict=True)
            )
            assert all(len({size[subset.name] for subset in alike}) == 1 for alike, _ in groups)


@EACH
def test_the_sources_of_new_definitions_are_compared_wherever_two_are_there(experiment):
    for cell in cells(experiment):
        groups = [{subset.name for subset in alike} for alike, _ in compared(cell.experiment)]
        both = any({"D5cons", "D6cons"} <= names for names in groups)
        there = {"D5cons", "D6cons"} <= {subset.name for subset in cell.experiment.subsets}
        assert both or not there or not any("X2" in stage.documents for stage in cell.experiment.stages)


@pytest.mark.parametrize("name", ["pocket", "pocket-strict", "pocket-set-inclusion", "pocket-digits"])
@pytest.mark.parametrize("seed", [0, 1])
def test_compared_subsets_have_equally_many_documents(name, seed):
    experiment = EXPERIMENTS[name]
    corpus = build_corpus(experiment, seed, stage2_seed=seed)
    count = {part: Counter((d.subset, d.kind) for d in corpus.train[part]) for part in ("X1", "X2")}
    for alike, _ in compared(experiment):
        for part in ("X1", "X2"):
            for kind in ("definition", "question"):
                assert len({count[part][subset.name, kind] for subset in alike}) == 1


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (["subsets.D5cons.fraction=0.14", "subsets.QA3.fraction=0.10"], "D5cons has 161, D6cons has 138 and D8cons"),
        (["subsets.D1cons_QA1.fraction=0.20", "subsets.D2incons_QA2.fraction=0.24"], "D1cons_QA1 has 231 and D2incons"),
    ],
)
def test_unequal_subsets_are_refused_and_the_advice_works(settings, found, tmp_path):
    unfair = configure(EXPERIMENTS["pocket"], settings)
    with pytest.raises(SaysoError, match=found) as refused:
        sayso.run(unfair, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    advice = re.findall(r"--set (\S+)", str(refused.value))
    mended = configure(EXPERIMENTS["pocket"], _merged(settings, advice))
    require_fair(mended)
    (nearest,) = re.findall(r"nearest is (\d+) each", str(refused.value))
    names = [path.split(".")[1] for path in advice]
    assert {sizes_of(mended)[name] for name in names} == {int(nearest)}


def _merged(settings: list[str], advice: list[str]) -> list[str]:
    """Both, the advice in place of what it is about."""
    told = {text.partition("=")[0] for text in advice}
    return [*(text for text in settings if text.partition("=")[0] not in told), *advice]
