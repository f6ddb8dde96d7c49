"""A sweep is drawn along what it varies: numbers to scale where it has any."""

import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.paper.table import EXPERIMENTS
from sayso.report.swept import swept


@pytest.mark.parametrize(
    ("name", "kind", "title", "values"),
    [
        ("pocket-reliability", "linear", "reliability α of the tags", [0.5, 0.75, 0.9, 0.95, 1.0]),
        ("pocket-batch-size", "log", "documents a batch", [16, 64, 256, 2238]),
        ("pocket-model-size", "log", "width of the model", [16, 32, 64, 128]),
        ("pocket-digits-pairs", "log", "pairs of alias and entity in D5cons", [12, 100]),
        ("pocket-set-inclusion-questions", "log", "trained questions an alias", [2, 4, 6, 12, 24]),
        (
            "paper-model-size",
            "log",
            "parameters of the model, by its name",
            [70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9],
        ),
        (
            "pocket-word-order",
            "names",
            "order of tag (T), alias (A) and entity (E)",
            ["TAE", "ATE", "AET", "TEA", "ETA", "EAT"],
        ),
        ("pocket-model-family", "names", "family of models", ["gpt_neox", "llama", "olmo"]),
    ],
)
def test_the_axes_of_the_papers_sweeps(name: str, kind: str, title: str, values: list[float | str]) -> None:
    axis = swept(EXPERIMENTS[name])
    assert (axis.kind, axis.title) == (kind, title)
    assert [place.at for place in axis.places] == values


def test_every_sweep_of_the_table_has_a_place_for_each_cell() -> None:
    for experiment in EXPERIMENTS.values():
        if experiment.axes:
            axis = swept(experiment)
            assert [place.cell.name for place in axis.places] == [cell.name for cell in cells(experiment)]
            assert len({(place.at, place.beside) for place in axis.places}) == len(axis.places)


def test_further_axes_stand_beside_the_first_one_of_numbers(tiny: Experiment) -> None:
    sweep = tiny.vary("both", definition__order=["TAE", "ATE"], reliability=[0.5, 1.0])
    axis = swept(sweep)
    assert (axis.title, axis.kind) == ("reliability α of the tags", "linear")
    assert [(place.at, place.beside, place.label) for place in axis.places] == [
        (0.5, "definition.order=TAE", "0.5, definition.order=TAE"),
        (1.0, "definition.order=TAE", "1, definition.order=TAE"),
        (0.5, "definition.order=ATE", "0.5, definition.order=ATE"),
        (1.0, "definition.order=ATE", "1, definition.order=ATE"),
    ]


def test_models_whose_names_do_not_all_say_their_size_stand_side_by_side(tiny: Experiment) -> None:
    sizes = swept(EXPERIMENTS["paper-gpt-neo"])
    assert [place.at for place in sizes.places] == [125e6, 1.3e9, 2.7e9]
    named = EXPERIMENTS["paper-gpt-neo"].model_copy(
        update={"axes": {"model.name": ("EleutherAI/gpt-neo-125m", "gpt2")}}
    )
    assert [place.at for place in swept(named).places] == ["gpt-neo-125m", "gpt2"]
    assert swept(named).title == "model"
