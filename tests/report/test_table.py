"""Records become tables without losing, doubling or inventing numbers."""

import json
import math
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.records import COLUMNS, Record
from sayso.core.store import Store
from sayso.report import table
from tests.planted import planted_records, planted_store


def record(seed: int = 0, value: float = 0.5, **changes: Any) -> Record:
    base: dict[str, Any] = {"experiment": "tiny", "cell": "main", "seed": seed, "stage": "stage1", "epoch": 1, "n": 10}
    base |= {"measure": "exact_match", "eval_set": "validation", "subset": "QA3", "value": value}
    return Record(**(base | changes))


def test_a_table_has_the_columns_of_records_in_their_order(tiny: Experiment) -> None:
    records = planted_records(tiny, range(2))
    found = table.records_frame(records)
    assert tuple(found.columns) == COLUMNS
    assert [Record(*row) for row in found.itertuples(index=False, name=None)] == records


def test_no_records_are_an_empty_table() -> None:
    found = table.records_frame([])
    assert tuple(found.columns) == COLUMNS
    assert table.final_table(found).empty


def test_a_seed_run_twice_counts_once() -> None:
    found = table.records_frame([record(0, 0.5), record(1, 0.7), record(0, 0.5000001)])
    assert found["value"].tolist() == [0.5, 0.7]


def test_csv_has_ten_columns_and_the_same_bytes_every_time() -> None:
    records = [record(0, 0.25), record(1, math.nan), record(2, 1 / 3, subset='a "b", c')]
    text = table.to_csv(table.records_frame(records))
    assert text.splitlines()[0] == "experiment,cell,seed,stage,epoch,measure,eval_set,subset,value,n"
    assert text.splitlines()[2] == "tiny,main,1,stage1,1,exact_match,validation,QA3,,10"
    assert text == table.to_csv(table.records_frame(records))
    back = pd.read_csv(StringIO(text))
    assert back["value"][2] == 1 / 3
    assert back["subset"][2] == 'a "b", c'


def test_json_writes_null_where_nothing_was_measured() -> None:
    rows = json.loads(table.to_json(table.records_frame([record(0), record(1, math.nan)])))
    assert [row["value"] for row in rows] == [0.5, None]
    assert rows[0]["seed"] == 0
    assert json.loads(table.to_json(table.records_frame([]))) == []


def test_attribution_is_averaged_over_phrasings_within_each_seed() -> None:
    names = ["entity_attribution.name", "entity_attribution.who"]
    values = {(0, names[0]): 0.2, (0, names[1]): 0.4, (1, names[0]): 0.5, (1, names[1]): math.nan}
    records = [record(seed, value, eval_set=name) for (seed, name), value in values.items()]
    found = table.with_attribution(table.records_frame(records))
    average = found[found["eval_set"] == "entity_attribution"]
    assert average["seed"].tolist() == [0, 1]
    assert average["value"].tolist() == pytest.approx([0.3, math.nan], nan_ok=True)
    assert average["n"].tolist() == [20, 20]


def test_attribution_as_defined_is_an_average_of_its_own() -> None:
    names = ["entity_attribution.name", "attribution_as_defined.name", "attribution_as_defined.who"]
    records = [record(0, value, eval_set=name) for name, value in zip(names, (0.9, 0.1, 0.3), strict=True)]
    found = table.for_statistics(table.records_frame(records)).set_index("eval_set")["value"]
    assert found["entity_attribution"] == 0.9
    assert found["attribution_as_defined"] == pytest.approx(0.2)


def test_final_values_are_those_of_the_last_epoch_of_each_stage(tiny: Experiment) -> None:
    found = table.final(table.records_frame(planted_records(tiny, range(2))))
    assert set(zip(found["stage"], found["epoch"], strict=True)) == {("stage1", 4), ("stage2", 6)}


def test_the_summary_counts_measured_seeds_only() -> None:
    found = table.summary(table.records_frame([record(0, 0.2), record(1, 0.4), record(2, math.nan)])).iloc[0]
    assert (found["mean"], found["seeds"]) == (pytest.approx(0.3), 2)
    assert found["high"] - found["mean"] == pytest.approx(12.7062 * 0.1, rel=1e-4)
    assert math.isnan(table.summary(table.records_frame([record()]))["low"].iloc[0])


def test_values_by_seed_are_one_row_a_seed_and_one_column_a_subset() -> None:
    records = [record(1, 0.1), record(0, 0.2), record(0, 0.3, subset="D1cons_QA1"), record(0, 0.9, epoch=0)]
    found = table.by_seed(
        table.records_frame(records), cell="main", stage="stage1", measure="exact_match", eval_set="validation"
    )
    assert list(found.columns) == ["D1cons_QA1", "QA3"]
    assert found["QA3"].tolist() == [0.2, 0.1]
    assert found["D1cons_QA1"].tolist() == pytest.approx([0.3, math.nan], nan_ok=True)


def test_subsets_stand_in_the_order_of_table_1() -> None:
    assert table.ordered(["mine", "QA7", "D10cons_QA10", "D2incons_QA2", "QA3"]) == [
        "D2incons_QA2",
        "QA3",
        "QA7",
        "D10cons_QA10",
        "mine",
    ]


def test_the_table_people_read_has_means_and_half_widths() -> None:
    found = table.readable(table.records_frame([record(0, 0.2), record(1, 0.4), record(0, 0.5, eval_set="train_qa")]))
    assert found.index.tolist() == [("main", "stage1", "exact_match", "QA3")]
    assert found.to_dict(orient="records") == [{"validation": "0.300 ± 1.271", "train_qa": "0.500"}]


def test_a_folder_without_finished_jobs_says_how_to_go_on(tiny: Experiment, tmp_path: Path) -> None:
    store = planted_store(Store(tmp_path), tiny, [record()], finish=False)
    with pytest.raises(SaysoError, match=r"no finished job yet; 'sayso status .*' says how to go on"):
        table.load(store)


def test_reports_never_load_torch(fresh_python: Callable[..., str]) -> None:
    code = "import sys, sayso.report.page, sayso.paper.claims; print({'torch', 'transformers'} & set(sys.modules))"
    assert fresh_python(code).strip() == "set()"
