import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sayso.core.records import COLUMNS, columns_of, from_line, to_line
from tests.core.written import record


def test_columns_are_the_promised_ones():
    promised = "experiment,cell,seed,stage,epoch,measure,eval_set,subset,value,n,stage2_seed,what"
    assert ",".join(COLUMNS) == promised


@pytest.mark.parametrize("value", [0.1, 1 / 3, -0.0, 1e-320, 5.0])
def test_a_line_is_read_back_as_it_was_written(value):
    written = record(value=value, subset="Zoë\u2028東京\n")
    line = to_line(written)
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert from_line(line) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_could_not_be_measured_is_null_in_its_line_and_nan_again(value):
    line = to_line(record(value=value))
    assert json.loads(line)[COLUMNS.index("value")] is None
    assert math.isnan(from_line(line).value)


@pytest.mark.parametrize("line", ["", "{}", "[]", "3", "null", "[1, 2", '["tiny"]', "[" + "1, " * 40 + "1]"])
def test_a_line_that_is_no_record_is_an_error(line):
    with pytest.raises(ValueError, match=r".+"):
        from_line(line)


def test_what_is_written_only_where_there_is_something_to_say():
    plain, told = record(), replace(record(), what="cosine")
    assert len(json.loads(to_line(plain))) == len(COLUMNS) - 1
    assert len(json.loads(to_line(told))) == len(COLUMNS)
    assert [from_line(to_line(each)) for each in (plain, told)] == [plain, told]


def test_numbers_come_back_to_the_last_bit():
    draw = np.random.default_rng(0)
    values = draw.normal(size=20_000) * 10.0 ** draw.integers(-300, 300, 20_000)
    lines = "".join(to_line(record(value=float(value))) for value in values)
    assert columns_of(lines.encode())[COLUMNS.index("value")] == tuple(values.tolist())
