from pathlib import Path

import pytest

from sayso import Results, SaysoError
from sayso.core.store import Store
from sayso.data.build import build_corpus
from sayso.report import page
from tests.core.written import make_store
from tests.planted import planted_records, planted_store
from tests.report.test_drill import store_of


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


def test_what_models_said_is_a_table_of_a_row_a_question(tiny, tmp_path):
    kept = Results(store_of(tiny, tmp_path / "kept", range(2)).path)
    table, corpus = kept.predictions(), build_corpus(tiny, 1)
    asked = [each for each in corpus.eval_sets if each.name == "validation" and each.subset == "D5cons"]
    own = table.query("seed == 1 and stage == 'stage2' and eval_set == 'validation' and subset == 'D5cons'")
    assert list(own["prompt"]) == [example.prompt for example in asked[0].examples]
    assert list(own["answers"]) == [example.answers for example in asked[0].examples]
    assert set(own["cell"]) == {"main"}
    none = Results(store_of(tiny, tmp_path / "none", range(2), kept=False).path).predictions()
    assert (len(none), list(none)) == (0, list(table))
    made = Store(tmp_path / "empty")
    make_store(made, tiny)
    with pytest.raises(SaysoError, match="no finished job yet"):
        Results(made.path).predictions()


def test_a_report_of_changed_data_has_no_documents_and_says_why(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "figures", lambda *_: [])
    results = Results(store_of(tiny, tmp_path, range(2)).path)  # whose manifest has another sha256 of the data
    text = results.report().read_text(encoding="utf-8")
    assert "no documents are shown: " in text
    assert "Documents are not shown, nor which entity an alias stands for" in text
    assert text.count('class="drill-data"') == 2
    text = results.report(seeds=[1]).read_text(encoding="utf-8")
    assert text.count('class="drill-data"') == 1
    with pytest.warns(DeprecationWarning, match=r"^drilled is deprecated: it is called seeds$") as told:
        assert results.report(drilled=[1]).read_text(encoding="utf-8") == text
    assert told[0].filename == __file__
    with pytest.raises(SaysoError, match=r"^drilled is the old name of seeds; give seeds alone$"):
        results.report(seeds=[1], drilled=[1])
