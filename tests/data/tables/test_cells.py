from __future__ import annotations

import datetime
import decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[import-not-found]

from sayso.data.tables.cells import EMPTY, GAPS, MISSING, answer_cell, cell_of, plain_text, text_cell


def test_what_is_missing_is_what_pandas_takes_for_missing():
    assert MISSING == STR_NA_VALUES


def test_in_a_column_of_names_only_nothing_is_missing():
    assert text_cell("NA", EMPTY) == "NA"
    assert text_cell(" ", EMPTY) is None


@given(st.integers(-(10**12), 10**12))
def test_a_whole_number_is_the_same_text_however_it_is_told(number):
    assert {text_cell(str(number)), text_cell(f"{number}.0"), text_cell(f" {number}.0 ")} == {str(number)}
    assert {cell_of(number), cell_of(float(number)), cell_of(str(float(number)))} == {str(number)}


@given(st.floats(-1e15, 1e15))
def test_a_number_is_what_pandas_writes_of_it_without_the_point_of_a_whole_one(number):
    written = pd.DataFrame({"x": [number]}).to_csv(index=False).split()[1]
    assert cell_of(number) == plain_text(written)


@pytest.mark.parametrize("text", ["1.50", "1.00", "1.0.0", "v1.0", ".0", "1.", "1e3.0", "007", "0"])
def test_what_is_no_whole_number_with_a_point_stays_as_it_is(text):
    assert text_cell(text) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, None),
        ([], None),
        ([None, ""], None),
        (["x", None, 2.0], ("x", "2")),
        (float("inf"), None),
        (datetime.datetime(1815, 12, 10), "1815-12-10"),
        (datetime.datetime(1815, 12, 10, 7), "1815-12-10 07:00:00"),
        ("é", "é"),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("1852.00"), "1852"),
        (decimal.Decimal("0E-8"), "0"),
        (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("NaN"), None),
        (0.00001, "0.00001"),
        (1.2345678901234568e16, "12345678901234568"),
        (1e300, "1e+300"),
        (2**70, str(2**70)),
        (True, "True"),
        (datetime.date(1815, 12, 10), "1815-12-10"),
        (datetime.time(7, 30), "07:30:00"),
    ],
)
def test_values_become_text(value, cell):
    assert cell_of(value) == cell


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": 1}, "an object"),
        ([{"a": 1}], "an object"),
        ([["a"]], "a list in a list"),
        (b"x", "bytes"),
        ("salt \ud83d", r"half a character \(\\ud83d\) after 'salt '"),
        (["\udc00"], "half a character"),
        (1j, "a complex"),
        ("x" * 200_000, "200,000 characters"),
    ],
)
def test_what_is_no_answer_is_refused(value, words):
    with pytest.raises(ValueError, match=words):
        cell_of(value)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("1815-12-10T00:00:00.000Z", "1815-12-10"),
        ("1815-12-10 00:00", "1815-12-10"),
        ("1815-12-10T07:30", "1815-12-10 07:30:00"),
        ("1815-12-10 07:30:00.500000", "1815-12-10 07:30:00.5"),
        ("1815-12-10T07:30:00Z", "1815-12-10 07:30:00+00:00"),
        ("1815-12-10 07:30:00+0100", "1815-12-10 07:30:00+01:00"),
        ("1815-12-10 and 1852-11-27", "1815-12-10 and 1852-11-27"),
        ("1e3", "1e3"),
        ("1852.00", "1852"),
        ("1.50", "1.50"),
        ("1.0.0", "1.0.0"),
        ("1e-05", "0.00001"),
        ("-2.5e-07", "-0.00000025"),
        ("1.5e+16", "15000000000000000"),
        ("1e-30", "1e-30"),
    ],
)
def test_a_moment_is_the_same_text_however_it_is_written(text, cell):
    assert plain_text(text) == cell


@given(st.datetimes(), st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=-3))]))
def test_a_moment_as_a_value_is_what_its_text_is(moment, zone):
    moment = moment.replace(tzinfo=zone)
    assert cell_of(moment) == plain_text(moment.isoformat()) == plain_text(str(moment))


def test_an_answer_is_missing_where_its_text_stands_for_that_and_booleans_are_one():
    assert [answer_cell(text, GAPS) for text in ("NaT", "inf", "TRUE", "false", "Rome")] == [
        *(None, None, "True", "False", "Rome")
    ]
    assert [answer_cell(text, GAPS) for text in ("#DIV/0!", "#REF!", "#VALUE!", "#NAME?")] == [None] * 4
    assert answer_cell(("NaN", "x"), GAPS) == ("x",)
    assert answer_cell(("NaN",), GAPS) is None
    assert answer_cell("TRUE", frozenset(["TRUE"])) is None
