from pathlib import Path

import pytest

from sayso import Results, SaysoError
from sayso.core.store import Store
from tests.core.written import make_store
from tests.planted import planted_records, planted_store


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_may_be_named_as_text_or_as_a_path(tiny, tmp_path, kind):
    make_store(Store(tmp_path), tiny)
    assert Results(kind(tmp_path)).experiment == tiny
    assert Results(kind(tmp_path)) == Results(tmp_path)


def test_another_folder_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises(SaysoError, match="not a results folder"):
        Results(str(tmp_path)).records()


def test_claims_are_judged_by_how_often_seeds_were_planned(tiny, tmp_path):
    first = tiny.with_settings({"seeds.first": 100, "seeds.count": 4})
    results = Results(planted_store(Store(tmp_path), first, planted_records(tiny, range(100, 104))).path)
    assert {str(verdict.looks) for verdict in results.claims()} == {"planned 4, looked once"}
    make_store(results.store, tiny.with_settings({"seeds.first": 104, "seeds.count": 2}))
    said = {str(verdict.looks) for verdict in results.claims()}
    assert said == {"4 of 6 planned seeds: interim, decided below p = .001 only"}
    assert next(verdict.looks.plans for verdict in results.claims()) == (4, 6)
