from pathlib import Path

import pytest

from sayso import Results, SaysoError
from sayso.core.store import Store
from tests.core.written import make_store


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_may_be_named_as_text_or_as_a_path(tiny, tmp_path, kind):
    make_store(Store(tmp_path), tiny)
    assert Results(kind(tmp_path)).experiment == tiny
    assert Results(kind(tmp_path)) == Results(tmp_path)


def test_another_folder_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises(SaysoError, match="not a results folder"):
        Results(str(tmp_path)).records()
