from __future__ import annotations

import datetime
import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.tables.cells import EMPTY, cell_of
from sayso.data.tables.lists import listed


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('["cook", "head cook"]', ("cook", "head cook")),
        ("['clerk', 'office clerk']", ("clerk", "office clerk")),
        ("[1815.0, None, 'x']", ("1815", "x")),
        ("['cook' 'head cook']", ("cook", "head cook")),
        ("['cook'\n 'head cook']", ("cook", "head cook")),
        ("[1914 1918]", ("1914", "1918")),
        ("[1914.  1918.5    nan]", ("1914", "1918.5")),
        ("[ True False]", ("True", "False")),
        ("{'cook', 'head cook'}", ("cook", "head cook")),
        ("('clerk', 'b')", ("clerk", "b")),
        ("('clerk',)", ("clerk",)),
        ("(1914, 1918)", ("1914", "1918")),
        ("['a', nan]", ("a",)),
        ("['NA', <NA>, NaT]", ("NA",)),
        ("[np.str_('a'), np.int64(3), np.float64(nan), np.True_]", ("a", "3", "True")),
        ("[Timestamp('2020-01-01 00:00:00'), datetime.date(2020, 2, 1)]", ("2020-01-01", "2020-02-01")),
        (r"['C:\dir', 'a\tb', 'it\'s']", (r"C:\dir", "a\tb", "it's")),
        ("[]", ()),
        ("[nan nan]", ()),
        ("[sic]", None),
        ("[...]", None),
        ("[sic] and [so]", None),
        ("[a, b] and [c, d]", None),
        ("[1914 BC]", None),
        ("['a''b']", None),
        ("(cook, maid)", None),
        ("('a' 'b')", None),
        ("('a')", None),
        ("(1815)", None),
        ("{x}", None),
        ("(", None),
        ("[" * 10_000 + "]" * 10_000, None),
        ("cook", None),
    ],
)
def test_a_list_written_in_a_cell_is_several_texts(text, texts):
    assert listed(text) == texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{'a': 1}", "an object"),
        ('{"a": 1}', "an object"),
        ('[{"a": 1}]', "an object"),
        ("[['a']]", "a list in a list"),
        ("[['a' 'b']\n ['c' 'd']]", "a list in a list"),
        ("[cook, maid]", r'write \["cook", "maid"\] if it is several answers, and \["\[cook, maid\]"\] if it is one'),
        ("{cook,maid}", "may be a list or not"),
        ("['a' 'b', 'c']", "may be a list or not"),
        ("['a', odd('b')]", "may be a list or not"),
        ("['a' 'b' ... 'y' 'z']", "cut short"),
        ("[   0    1 ... 1999]", "cut short"),
        ("<ArrowStringArray>\n['x', 'y']\nLength: 2, dtype: string", "as pandas prints it"),
    ],
)
def test_what_is_neither_a_list_of_texts_nor_surely_a_text_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        listed(text)


def test_the_advice_on_a_text_in_brackets_works():
    assert listed('["[cook, maid]"]') == ("[cook, maid]",)


WORDS = st.text(st.characters(exclude_categories=["C"]), max_size=6).map(str.strip).filter(bool)
ITEMS = WORDS | st.integers(-(10**9), 10**9) | st.booleans() | st.dates() | st.floats(-1e6, 1e6)


@given(st.lists(ITEMS, min_size=2, max_size=5))
def test_what_python_and_json_write_of_a_list_is_the_list(items):
    cell = cell_of(items, EMPTY)
    assert listed(str(items)) == listed(str(tuple(items))) == cell
    if not any(isinstance(item, datetime.date) for item in items):
        assert listed(json.dumps(items)) == cell
    assert isinstance(cell, tuple)
    assert set(listed(str(set(items))) or ()) <= set(cell)


@given(st.lists(WORDS, min_size=2, max_size=5) | st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=5))
def test_what_a_data_frame_writes_of_an_array_is_the_array(items):
    frame = pd.DataFrame({"x": [np.array(items)]})
    written = pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype=str, keep_default_na=False)["x"][0]
    assert listed(written) == cell_of(items, EMPTY)
