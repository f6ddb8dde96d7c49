"""Tables that people read, and files they take elsewhere."""

import json
import math
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.report import table
from sayso.stats.values import records_frame
from tests.planted import planted_store
from tests.stats.test_values import record


def test_csv_has_ten_columns_and_the_same_bytes_every_time() -> None:
    records = [record(0, 0.25), record(1, math.nan), record(2, 1 / 3, subset='a "b", c')]
    text = table.to_csv(records_frame(records))
    assert text.splitlines()[0] == "experiment,cell,seed,stage,epoch,measure,eval_set,subset,value,n"
    assert text.splitlines()[2] == "tiny,main,1,stage1,1,exact_match,validation,QA3,,10"
    assert text == table.to_csv(records_frame(records))
    back = pd.read_csv(StringIO(text))
    assert back["value"][2] == 1 / 3
    assert back["subset"][2] == 'a "b", c'


def test_json_writes_null_where_nothing_was_measured() -> None:
    rows = json.loads(table.to_json(records_frame([record(0), record(1, math.nan)])))
    assert [row["value"] for row in rows] == [0.5, None]
    assert rows[0]["seed"] == 0
    assert json.loads(table.to_json(records_frame([]))) == []


def test_the_table_people_read_has_means_and_half_widths() -> None:
    validation = [record(seed, value) for seed, value in enumerate((0.2, 0.3, 0.4))]
    near = [record(seed, value, eval_set="definitions") for seed, value in enumerate((0.99, 0.98, 1.0))]
    found = table.readable(records_frame([*validation, *near, record(0, 0.5, eval_set="train_qa")]))
    assert found.index.tolist() == [("main", "stage1", "exact_match", "QA3")]
    expected = {"validation": "0.300 (0.122 to 0.568)", "train_qa": "0.500", "definitions": "0.990 (0.924 to 0.999)"}
    assert found.to_dict(orient="records") == [expected]


def test_what_is_measured_stands_beside_its_measure_where_there_is_more_than_one() -> None:
    found = records_frame([record(0, 0.2, what="layer 0"), record(0, 0.4, what="layer 1")])
    assert [names[2] for names in table.readable(found).index] == ["exact_match layer 0", "exact_match layer 1"]
    assert table.to_csv(found).splitlines()[1].endswith(",0.2,10,layer 0")


def test_a_folder_without_finished_jobs_says_how_to_go_on(tiny: Experiment, tmp_path: Path) -> None:
    store = planted_store(Store(tmp_path), tiny, [record()], finish=False)
    with pytest.raises(SaysoError, match=r"no finished job yet; 'sayso status .*' says how to go on"):
        table.load(store)


def test_reports_never_load_torch(fresh_python: Callable[..., str]) -> None:
    code = "import sys, sayso.report.page, sayso.paper.judging; print({'torch', 'transformers'} & set(sys.modules))"
    assert fresh_python(code).strip() == "set()"
