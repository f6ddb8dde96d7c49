"""Figures of mechanisms: what is drawn is what was recorded."""

from typing import Any

import pytest

from sayso.core.records import Record
from sayso.paper.table import EXPERIMENTS
from sayso.report.figures import figures
from sayso.report.mechanisms import pair_means
from sayso.report.probe_maps import map_points, steering_points
from sayso.stats.values import for_statistics, records_frame

GRADIENTS, PROBES = EXPERIMENTS["pocket-gradients"], EXPERIMENTS["pocket-probes"]
SEEDS = range(4)


def records(
    measure: str, values: dict[tuple[str, str, str], float], cell: str = "main", epoch: int = 6
) -> list[Record]:
    """One record a seed, a thousandth more for each."""
    return [
        Record("any", cell, seed, "stage1", epoch, measure, eval_set, subset, value + seed / 1000, 9, what=what)
        for (eval_set, subset, what), value in values.items()
        for seed in SEEDS
    ]


def drawn(experiment: Any, planted: list[Record]) -> dict[str, Any]:
    return {figure.name: figure for figure in figures(records_frame(planted), experiment)}


ALIGNED = {
    ("own_questions", "D5cons", "cosine"): 0.3,
    ("own_questions", "D6cons", "cosine"): 0.1,
    ("own_questions", "D5cons", "inner product"): 300.0,
    ("definitions", "D5cons", "L2 norm"): 40.0,
    ("questions", "D5cons", "L2 norm"): 30.0,
}
PAIRS = {
    ("other_questions", "D5cons", "cosine"): 0.01,
    ("questions_of.D6cons", "D5cons", "cosine"): 0.02,
    ("own_less_other_questions", "D5cons", "cosine"): 0.29,
}


def test_alignment_is_drawn_by_epoch_before_a_subset_is_trained_on_as_after():
    found = drawn(GRADIENTS, records("gradient_alignment", ALIGNED, epoch=0) + records("gradient_alignment", ALIGNED))
    assert set(found) == {"gradient-alignment", "gradient-norms"}
    points = found["gradient-alignment"].data
    assert list(points["eval_set"].unique()) == ["cosine", "inner product"]
    assert points["trained"].all()
    (cosine,) = points[(points["eval_set"] == "cosine") & (points["subset"] == "D5cons") & (points["epoch"] == 6)].mean(
        numeric_only=True
    )[["mean"]]
    assert cosine == pytest.approx(0.3015)
    assert list(found["gradient-norms"].data["eval_set"].unique()) == ["definitions", "questions"]
    assert found["gradient-alignment"].svg.startswith("<svg")


def test_all_pairs_are_a_heat_map_of_whose_questions():
    planted = records("gradient_alignment", ALIGNED | PAIRS)
    pairs = pair_means(for_statistics(records_frame(planted)), GRADIENTS)
    at = {(row.definitions, row.questions): row.mean for row in pairs.itertuples()}
    assert at == {
        ("D5cons", "its own alias"): pytest.approx(0.3015),
        ("D6cons", "its own alias"): pytest.approx(0.1015),
        ("D5cons", "D5cons"): pytest.approx(0.0115),
        ("D5cons", "D6cons"): pytest.approx(0.0215),
    }
    figure = drawn(GRADIENTS, planted)["whose-questions"]
    assert figure.data.equals(pairs)
    assert figure.svg.startswith("<svg")


READ = {
    ("probe.validation.born", task, f"layer {layer}, token {token}: {name}{end}"): value
    for task in ("presence", "tag")
    for layer in (0, 1)
    for token, name in enumerate(("born", "alias 1", "?"))
    for end, value in (("", 0.6 + 0.1 * layer), (", permuted", 0.5), (", transfer", 0.4))
}
STEERED = {
    ("steered.validation.born", "D2incons_QA2", f"as defined likelier, {what}"): value
    for what, value in (
        ("unsteered", 0.3),
        ("difference of means, layer 1, strength +1", 0.4),
        ("difference of means, layer 1, strength -1", 0.2),
        ("random, layer 1, strength +1", 0.3),
        ("difference of means, effect", 0.2),
    )
}


def test_maps_of_probes_stand_above_those_of_shuffled_labels():
    points = map_points(for_statistics(records_frame(records("probes", READ))))
    assert len(points) == 2 * 2 * 3 * 2  # tasks, layers, tokens, shuffled or not; transfer is no part of it
    place = points[(points["task"] == "tag") & (points["layer"] == 1) & (points["token"] == 1)]
    assert dict(zip(place["shuffled"], place["mean"], strict=True)) == {
        False: pytest.approx(0.7015),
        True: pytest.approx(0.5015),
    }
    assert set(place["name"]) == {"alias 1"}


def test_steering_starts_from_what_is_not_steered():
    points = steering_points(for_statistics(records_frame(records("steered", STEERED))))
    lines = {
        name: dict(zip(rows["strength"], rows["mean"].round(4), strict=True))
        for name, rows in points.groupby("direction")
    }
    assert lines == {
        "difference of means": {-1.0: 0.2015, 0.0: 0.3015, 1.0: 0.4015},
        "random": {0.0: 0.3015, 1.0: 0.3015},
    }


def test_every_cell_of_a_sweep_has_its_own():
    planted = [
        record
        for order in ("TAE", "ATE")
        for name, values in (("probes", READ), ("steered", STEERED))
        for record in records(name, values, cell=f"definition.order={order}")
    ]
    found = drawn(PROBES, planted)
    assert set(found) == {"probes-01", "steering-01", "probes-02", "steering-02"}
    for figure in found.values():
        assert figure.svg.startswith("<svg")
