"""Effects of steps against plain loops, and their rank correlations against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from sayso.measures.alignment import rank_correlation
from sayso.measures.step_effect import StepEffect
from sayso.measures.told import told
from tests.measures.gradients_by_text import EVAL_SETS, gradient, moment


def test_changes_are_means_over_definitions():
    found = {
        (score.replica, score.subset, score.what): score.value
        for score in StepEffect().measure(moment(3, 4), EVAL_SETS)
    }
    at = moment(3, 4)
    for replica, subset in ((0, "D5cons"), (1, "D6cons")):
        inner = [
            gradient(item.definition) @ np.mean([gradient(asked) for asked in item.questions], axis=0)
            for item in told(at, replica, subset, ("train_qa", "validation"))
        ]
        first = -at.train.learning_rate * np.array(inner)
        assert found[replica, subset, "first-order change"] == pytest.approx(first.mean())
        assert found[replica, subset, "real change"] == pytest.approx((first + 0.1 * abs(first)).mean())
        for what, sign in (("inner product", 1), ("first-order change", 1)):  # both order definitions as the fall does
            assert found[replica, subset, f"rank correlation of {what}"] == pytest.approx(sign)
    assert found[0, "D5cons+D6cons", "rank correlation of first-order change"] == pytest.approx(1.0)
    assert found[0, "D5cons", "rank correlation of cosine"] <= 1.0


def test_details_are_a_row_a_definition():
    rows = [row for _, row in StepEffect().details(moment(3), EVAL_SETS)]
    assert len(rows) == 6
    assert set(rows[0]) == {
        *("subset", "alias", "definition", "cosine", "inner product", "first-order change", "real change")
    }


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=12))
def test_rank_correlation_is_spearman_s(pairs):
    first, second = np.array(pairs, dtype=float).T
    found = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)
