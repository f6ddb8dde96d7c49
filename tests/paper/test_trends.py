"""Planted trends get the verdicts they deserve."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.sweep import cells
from sayso.learners.specs import HFModel
from sayso.paper.judging import judge
from sayso.paper.paper_settings import PAPER_MAIN
from sayso.paper.pocket_settings import POCKET_DIGITS
from sayso.paper.table import EXPERIMENTS
from sayso.stats.verdict import Verdict
from tests.planted import planted_records

SEEDS = range(12)
QUESTIONS, ATTRIBUTION = "gap-grows-with-reliability-on-questions", "gap-grows-with-reliability-on-attribution"


def sweep(tiny: Experiment, path: str, values: Sequence[Any]) -> Experiment:
    return tiny.vary("sweep", **{path.replace(".", "__"): list(values)})


def with_gaps(experiment: Experiment, gaps: Mapping[str, float], noise: float = 0.02) -> list[Record]:
    """Records whose questions about new aliases show these gaps, by cell; nothing is planted on attribution."""
    planted = ("exact_match", "validation", "D5cons", "stage2")
    return [
        replace(record, value=record.value + gaps[record.cell])
        if (record.measure, record.eval_set, record.subset, record.stage) == planted
        else record
        for record in planted_records(experiment, SEEDS, noise=noise)
    ]


def trends(records: list[Record], experiment: Experiment) -> dict[str, Verdict]:
    return {found.claim: found for found in judge(records, experiment) if found.cell.endswith("cells together")}


def gaps_of(experiment: Experiment, gaps: Sequence[float]) -> dict[str, float]:
    return {cell.name: gap for cell, gap in zip(cells(experiment), gaps, strict=True)}


def test_a_gap_that_grows_holds_and_one_that_shrinks_fails(tiny: Experiment) -> None:
    experiment = sweep(tiny, "reliability", [0.5, 0.75, 0.9, 1.0])
    up = trends(with_gaps(experiment, gaps_of(experiment, [0.0, 0.1, 0.2, 0.3])), experiment)
    assert up[QUESTIONS].outcome == "holds"
    assert up[QUESTIONS].comparison.difference == pytest.approx(0.3, abs=0.03)
    assert up[QUESTIONS].cell == "all 4 cells together"
    assert up[ATTRIBUTION].outcome != "holds"
    down = trends(with_gaps(experiment, gaps_of(experiment, [0.3, 0.2, 0.1, 0.0])), experiment)
    assert down[QUESTIONS].outcome == "fails"


def test_cells_are_taken_by_the_number_and_not_by_their_order_in_the_file(tiny: Experiment) -> None:
    experiment = sweep(tiny, "reliability", [1.0, 0.5, 0.9])
    found = trends(with_gaps(experiment, gaps_of(experiment, [0.4, 0.0, 0.2])), experiment)
    assert found[QUESTIONS].outcome == "holds"
    assert found[QUESTIONS].contrast.endswith("from reliability=0.5 to reliability=1.0")


def test_the_change_is_that_of_a_straight_line_over_the_ranks(tiny: Experiment) -> None:
    experiment = sweep(tiny, "reliability", [0.5, 0.8, 0.9, 0.95, 1.0])
    records = with_gaps(experiment, gaps_of(experiment, [0.0, 0.3, 0.1, 0.2, 0.4]))
    last = {
        (record.cell, record.seed, record.subset): record.value
        for record in records
        if (record.measure, record.eval_set, record.stage) == ("exact_match", "validation", "stage2")
    }
    slopes = [
        np.polyfit(range(5), [last[c.name, s, "D5cons"] - last[c.name, s, "D6cons"] for c in cells(experiment)], 1)[0]
        for s in SEEDS
    ]
    found = trends(records, experiment)[QUESTIONS].comparison
    assert found.difference == pytest.approx(4 * np.mean(slopes))
    assert found.deviation == pytest.approx(4 * np.std(slopes, ddof=1))


def test_larger_batches_are_said_to_shrink_the_gap(tiny: Experiment) -> None:
    experiment = sweep(tiny, "train.batch_size", [8, 32, 128])
    found = trends(with_gaps(experiment, gaps_of(experiment, [0.3, 0.2, 0.0])), experiment)
    assert found["gap-shrinks-with-batch-size-on-questions"].outcome == "holds"
    assert found["gap-shrinks-with-batch-size-on-questions"].comparison.difference > 0


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("reliability", [0.5, 1.0]),  # two cells show no trend
        ("train.learning_rate", [0.1, 0.2, 0.3]),  # the paper says nothing of it
        ("model.architecture", ["gpt_neox", "llama", "olmo"]),  # no order
    ],
)
def test_other_sweeps_have_no_trend(tiny: Experiment, path: str, values: list[Any]) -> None:
    experiment = sweep(tiny, path, values)
    assert not trends(planted_records(experiment, range(3)), experiment)


def test_without_training_on_x2_there_is_no_trend_of_the_gap(tiny: Experiment) -> None:
    experiment = sweep(tiny.with_settings({"stages.stage2.epochs": 0}), "reliability", [0.5, 0.75, 1.0])
    found = trends(planted_records(experiment, range(3)), experiment)
    assert found.keys() == {
        "difference-in-stage-1-grows-with-reliability",
        "right-definitions-stick-more-with-reliability",
    }


def test_a_seed_that_lacks_a_cell_is_left_out(tiny: Experiment) -> None:
    experiment = sweep(tiny, "reliability", [0.5, 0.75, 1.0])
    records = planted_records(experiment, SEEDS)
    short = [record for record in records if (record.cell, record.seed) != ("reliability=0.75", 3)]
    found = trends(short, experiment)[QUESTIONS].comparison
    assert (found.seeds, found.missing) == (len(SEEDS) - 1, 1)


def test_what_has_not_run_is_not_measured(tiny: Experiment) -> None:
    experiment = sweep(tiny, "reliability", [0.5, 0.75, 1.0])
    found = trends([], experiment)
    assert found.keys() >= {QUESTIONS, ATTRIBUTION}
    assert {verdict.decision.reason for verdict in found.values()} == {"not measured"}


def test_model_sizes_and_pairs_are_known_where_they_are_swept() -> None:
    assert "gap-grows-with-model-size-on-questions" in trends([], EXPERIMENTS["paper-model-size"])
    pairs = POCKET_DIGITS.vary("pairs", knowledge__entities=[12, 24, 48])
    assert trends([], pairs).keys() >= {"gap-grows-with-pairs-on-questions"}
    unknown = [HFModel(name=f"somebody/model-{size}").name for size in (1, 2, 3)]
    assert not trends([], PAPER_MAIN.vary("mine", model__name=unknown))
