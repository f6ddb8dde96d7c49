"""The index of a results folder and DuckDB's views of it, against what the folder's own readers say."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sayso import Results, SaysoError, database
from sayso.core.job_folder import JobFolder
from sayso.core.records import COLUMNS
from sayso.core.store import Store
from sayso.core.sweep import Cell, Job, cells
from sayso.query.tables import pieces
from sayso.query.views import VIEWS
from tests.core.test_store import add_job
from tests.core.written import make_store, manifest, record
from tests.report.test_drill import answered

LEDGER = [1, "stage1", 0, "X1", "QA3", "question", 10, 100, 90, 0.25, 0.5]
DETAILS = {"seed": 1, "stage": "stage2", "stage2_seed": 1, "layer": 3, "values": [0.5, None]}


@pytest.fixture
def sweep(tiny):
    return tiny.vary("sweep", train__batch_size=[64, 256], definition__order=["TAE", "ATE"])


@pytest.fixture
def store(sweep, tmp_path):
    """Two jobs in each of four cells, with all that can be kept in one of them, and one job that was stopped."""
    store = Store(tmp_path / "some [results]*'s" / "a=b")
    make_store(store, sweep.with_settings({"seeds.first": 1, "seeds.count": 4}))
    for cell in cells(sweep):
        for seeds in ((3, 1), (2, 4)):
            add(store, cell, seeds)
    kept = next(folder for folder in store.jobs() if folder.manifest().seeds == (3, 1))
    kept.ledger_path.write_text(json.dumps(LEDGER) + "\n", encoding="utf-8")
    kept.add_measured("f1", [replace(record(1, 4, float("nan"), kept.manifest().cell), measure="f1")], {})
    rows = [asdict(each) for each in answered(sweep.with_axes({}), 1)]
    kept.write_details("predictions-stage1", [row for row in rows if row["stage"] == "stage1"])
    kept.write_details("gradient_alignment-stage2-1", [DETAILS])
    add(store, cells(sweep)[0], (9,), finish=False)
    return store


def add(store: Store, cell: Cell, seeds: tuple[int, ...], *, finish: bool = True) -> JobFolder:
    job = Job(cell, seeds)
    own = [
        record(seed, epoch, seed + epoch / 8, cell.name, s) for epoch in (0, 4) for seed in seeds for s in ("QA3", "D")
    ]
    folder = add_job(store, job, own, finish=finish)
    written = replace(manifest(job.id, seeds, cell.name), experiment=cell.experiment.model_dump(mode="json"))
    folder.open(replace(written, started="2026-01-01T10:00:00+02:00", as_read={"threads": 2}))
    return folder


def as_read(store: Store) -> list[tuple[Any, ...]]:
    """All records as the store gives them, nothing where a value could not be measured."""
    found = [astuple(each) for each in store.records()]
    return sorted(tuple(None if value != value else value for value in row) for row in found)


def asked(results: Results) -> list[tuple[Any, ...]]:
    return sorted(results.duckdb().execute(f"select {', '.join(COLUMNS)} from records").fetchall())


def changed(store: Store) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in store.index_path.iterdir()}


def test_views_hold_what_the_folder_holds(store, sweep):
    results = Results(store.path)
    connection = results.duckdb()
    assert asked(results) == as_read(store)
    assert {row[0] for row in connection.execute("show tables").fetchall()} == set(VIEWS)
    assert connection.execute("select distinct folder from records").fetchall() == [(str(store.path),)]
    assert connection.execute("select distinct epoch from final").fetchall() == [(4,)]
    assert connection.execute("select count(*) from records where value is null").fetchall() == [(1,)]
    ledger = connection.execute("select * exclude (folder, job) from ledger").fetchall()
    assert ledger == [tuple(row) for row in results.ledger().itertuples(index=False)]
    said = connection.execute("select * exclude (folder, job) from predictions").df()
    said["answers"] = said["answers"].map(tuple)
    assert len(said) > 10
    pd.testing.assert_frame_equal(said, results.predictions(), check_dtype=False)
    (row,) = connection.execute("select measure, seed, stage, stage2_seed, content->'layer' from details").fetchall()
    assert row == ("gradient_alignment", 1, "stage2", 1, "3")


def test_jobs_have_the_settings_that_vary_and_how_far_they_have_come(store):
    connection = Results(store.path).duckdb()
    (stopped,) = connection.execute("select cell, seeds, epochs_done from jobs where state = 'stopped'").fetchall()
    assert stopped == ("train.batch_size=64,definition.order=TAE", [9], 0)
    states = connection.execute("select state, count(*) from jobs group by all order by all").fetchall()
    assert states == [("finished", 8), ("stopped", 1)]
    sizes = 'select distinct "train.batch_size", "definition.order", settings->\'$.train.batch_size\' from jobs'
    assert set(connection.execute(sizes).fetchall()) == {(s, o, str(s)) for s in (64, 256) for o in ("TAE", "ATE")}
    of_one = "select started::text, versions['python'], as_read['threads'], measured_later from jobs order by all desc"
    assert connection.execute(of_one).fetchone() == ("2026-01-01 08:00:00", "3", "2", ["f1"])
    positions = connection.execute("select cell from cells order by position").fetchall()
    assert [cell for (cell,) in positions] == [cell.name for cell in cells(Store(store.path).experiment())]


def test_only_what_changed_is_made_anew(store, sweep, monkeypatch):
    results = Results(store.path)
    results.duckdb()
    before, read = changed(store), []

    def spy(table, jobs):
        read.extend(jobs)
        return pieces(table, jobs)

    monkeypatch.setattr("sayso.query.index.pieces", spy)
    results.duckdb()
    assert changed(store) == before
    folder = add(store, cells(sweep)[1], (77,))
    assert asked(results) == as_read(store)
    assert {job.path.name for job in read} == {folder.path.name}
    new = {
        name.removesuffix(".parquet")[-1]
        for name, at in changed(store).items()
        if before.get(name) != at and "-" in name
    }
    assert len(new) == 1
    folder.add_measured("loss", [replace(record(77), cell=cells(sweep)[1].name, measure="loss")], {})
    assert asked(results) == as_read(store)
    shutil.rmtree(folder.path)
    assert asked(results) == as_read(store)
    assert len(asked(results)) == 65


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "marker", "other format", "empty marker"])
def test_a_damaged_index_is_made_anew(store, damage):
    results = Results(store.path)
    results.duckdb()
    for path in store.index_path.glob("*.json" if "m" in damage and damage != "damaged" else "records-*"):
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(
                {
                    "cut": content[:-9],
                    "changed": bytes([*content[:-60], content[-60] ^ 1, *content[-59:]]),
                    "marker": content[:-9],
                    "empty marker": b"[]",
                    "other format": content.replace(b'"format": "', b'"format": "0'),
                }[damage]
            )
    assert asked(results) == as_read(store)


def test_damaged_records_are_named_as_by_other_readers_whether_or_not_they_were_in_the_index(store):
    results = Results(store.path)
    results.duckdb()
    path = store.jobs()[0].records_path if store.jobs()[0].finished else store.jobs()[1].records_path
    path.write_bytes(path.read_bytes().replace(b"QA3", b"QA4", 1))
    with pytest.raises(SaysoError) as read:
        results.records()
    for _ in range(2):
        with pytest.raises(SaysoError) as indexed:
            results.duckdb()
        assert str(indexed.value) == str(read.value)


def test_a_folder_that_cannot_be_written_is_read_in_memory(store):
    store.index_path.write_text("in the way", encoding="utf-8")
    results = Results(store.path)
    assert asked(results) == as_read(store)
    connection = results.duckdb()
    assert {row[0] for row in connection.execute("show tables").fetchall()} == set(VIEWS)
    assert connection.execute("select count(*) > 10 from predictions").fetchone() == (True,)
    assert store.index_path.read_text(encoding="utf-8") == "in the way"


def test_two_at_a_time_do_no_harm(store):
    count = "sql('select count(*) from records').fetchall()"
    code = f"import sayso; print(sayso.Results({str(store.path)!r}).duckdb().{count})"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in both] == ["[(65,)]\n"] * 2
    assert asked(Results(store.path)) == as_read(store)
    assert not list(store.index_path.glob(".*"))


def test_a_seed_run_in_two_jobs_counts_once(store, sweep):
    folder = add(store, cells(sweep)[0], (1, 8))
    folder.add_measured("f1", [replace(record(8, cell=cells(sweep)[0].name), measure="f1")], {})
    results, columns = Results(store.path), list(COLUMNS)
    shown = results.records().astype(object)
    expected = shown.where(shown.notna(), None)[columns].itertuples(index=False, name=None)
    assert asked(results) == sorted(expected)
    kept = results.predictions()
    assert results.duckdb().execute("select count(*) from predictions").fetchone() == (len(kept),)
    assert results.duckdb().execute("select count(*) from ledger").fetchone() == (len(results.ledger()),)


def test_jobs_on_different_data_reach_no_view(store):
    results = Results(store.path)
    results.duckdb()
    folder = next(job for job in store.jobs() if job.finished)
    folder.open(replace(folder.manifest(), data_sha256="11"))
    with pytest.raises(SaysoError, match="rest on different data") as read:
        results.records()
    with pytest.raises(SaysoError) as indexed:
        results.duckdb()
    assert str(indexed.value) == str(read.value)


def test_several_folders_are_told_apart_and_share_the_columns_of_settings(store, tiny, tmp_path):
    other = Store(tmp_path / "other")
    make_store(other, tiny.vary("rates", train__learning_rate=[0.5, 1], train__batch_size=[32]))
    add_job(other, Job(cells(other.experiment())[0], (1,)), [record(1, cell=cells(other.experiment())[0].name)])
    folder = other.jobs()[0]
    folder.open(replace(folder.manifest(), experiment=tiny.model_dump(mode="json")))
    connection = database([store.path, other.path])
    counts = dict(connection.execute("select folder, count(*) from records group by all").fetchall())
    assert counts == {str(store.path): len(store.records()), str(other.path): 1}
    rates = connection.execute(
        'select distinct "train.learning_rate", "train.batch_size", "definition.order" from jobs where folder = ?',
        [str(other.path)],
    ).fetchall()
    assert rates == [(0.5, 32, "TAE")]
    with pytest.raises(SaysoError, match="named twice"):
        database([store.path, store.path / ".." / store.path.name])


def test_a_folder_without_results_has_empty_views(tiny, tmp_path):
    make_store(Store(tmp_path), tiny)
    connection = Results(tmp_path).duckdb()
    assert {connection.execute(f"select count(*) from {view}").fetchone() for view in VIEWS if view != "cells"} == {
        (0,)
    }
    with pytest.raises(SaysoError, match="not a results folder"):
        Results(tmp_path / "nowhere").duckdb()


def test_the_index_can_be_read_by_other_programs(store):
    Results(store.path).duckdb()
    found = pd.concat([pq.read_table(path).to_pandas() for path in Path(store.index_path).glob("records-*.parquet")])
    assert len(found) == len(store.records())


def test_without_duckdb_one_line_says_what_installs_it(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "sayso.query.views", raising=False)
    with pytest.raises(SaysoError, match=r"duckdb, which is not installed: pip install 'sayso\[query\]'"):
        Results(store.path).duckdb()
