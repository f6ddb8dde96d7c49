"""The glossary says what subsets are."""

from sayso.core.experiment import Experiment
from sayso.report.glossary import subsets_of, subsets_of_the_paper


def test_every_subset_of_the_paper_is_told_apart() -> None:
    told = dict(subsets_of_the_paper())
    assert set(told) >= {"D1cons_QA1", "D2incons_QA2", "QA3", "QA4", "D5cons", "D6cons", "QA7", "D8cons"}
    assert {"D9incons_QA9", "D10cons_QA10"} <= set(told)
    assert len(set(told.values())) == len(told)


def test_an_experiments_own_subsets_are_as_it_has_them(tiny: Experiment) -> None:
    named = tiny.subsets[0].model_copy(update={"name": "mine", "source": "<us>", "consistent": False})
    experiment = tiny.model_copy(update={"subsets": (named, *tiny.subsets[1:])})
    told = dict(subsets_of(experiment, ["mine", "D9incons_QA9", "told"]))
    assert told["mine"].startswith("X1: aliases that the source “<us>” defines wrongly")
    assert list(told) == ["mine", "D9incons_QA9"]
