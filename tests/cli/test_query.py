import csv
import io
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from sayso import Results
from sayso.core.store import Store
from tests.cli.calling import call, error_of
from tests.planted import planted_records, planted_store

MEANS = "select subset, avg(value) as mean, count(*) as n from final where measure = 'loss' group by all order by all"


@pytest.fixture
def folder(tiny, tmp_path):
    store = planted_store(Store(tmp_path / "sayso-results" / "tiny"), tiny, planted_records(tiny, range(3)))
    (job,) = store.jobs()
    job.open(replace(job.manifest(), data_sha256=tiny.knowledge.sha256()))
    return store.path


def test_what_there_is_to_ask_is_listed(folder):
    said = call("query", "tiny").stdout
    assert f"{len(Results(folder).records()):,}" in said
    assert all(word in said for word in ("predictions", "stage2_seed BIGINT", "answers VARCHAR[]", "share DOUBLE"))


@pytest.mark.parametrize("named", [[], ["tiny"], ["sayso-results/tiny"]])
def test_rows_come_as_a_table_as_csv_and_as_json(folder, named):
    table = Results(folder).records().query("measure == 'loss'")
    last = table[table["epoch"] == table.groupby(["cell", "stage"])["epoch"].transform("max")]
    means = last.groupby("subset")["value"].mean()
    shown = call("query", *named, MEANS + " " * 300).stdout.splitlines()  # longer than a file's name may be
    assert [line.split()[:2] for line in shown[2:]] == [[name, f"{mean:.6g}"] for name, mean in means.items()]
    rows = list(csv.DictReader(io.StringIO(call("query", *named, MEANS, "--csv").stdout)))
    assert {row["subset"]: float(row["mean"]) for row in rows} == pytest.approx(dict(means))
    found = json.loads(call("query", *named, MEANS, "--json").stdout)
    assert {row["subset"]: row["mean"] for row in found} == pytest.approx(dict(means))
    assert [(row["subset"], str(row["n"])) for row in found] == [(row["subset"], row["n"]) for row in rows]


def test_values_of_every_kind_can_be_printed(folder):
    kinds = "select seeds, versions, settings, started, tokens, job, 1.5 as x, 'nan'::double as y from jobs"
    (row,) = json.loads(call("query", "tiny", kinds, "--json").stdout)
    assert (row["seeds"], row["settings"]["name"], row["tokens"], row["y"]) == ([0, 1, 2], "tiny", None, None)
    assert row["versions"] == {"sayso": "0.1.0"}
    (row,) = csv.DictReader(io.StringIO(call("query", "tiny", kinds, "--csv").stdout))
    assert (row["seeds"], row["tokens"], row["x"], row["y"]) == ("[0, 1, 2]", "", "1.5", "")
    assert json.loads(call("query", "tiny", "select 1 as a where a > 1", "--json").stdout) == []


def test_a_parquet_file_has_every_record_unless_told_otherwise(folder, tmp_path):
    records = Results(folder).records()
    assert call("query", "tiny", "--parquet", "all.parquet").stdout == f"all.parquet: {len(records):,} rows\n"
    found = pq.read_table("all.parquet").to_pandas()
    assert sorted(found["value"]) == sorted(records["value"])
    assert set(found) == {*records, "folder", "job"}
    call("query", "tiny", "select count(*) as n from jobs;", "--parquet", "one.parquet")
    assert pq.read_table("one.parquet").to_pylist() == [{"n": 1}]
    assert not list(tmp_path.glob(".*.parquet*"))


def test_a_long_table_says_that_it_goes_on(folder):
    result = call("query", "tiny", "select value from records limit 201")
    assert len(result.stdout.splitlines()) == 202
    assert result.stderr == "the first 200 rows; --csv, --json and --parquet FILE give all of them\n"
    assert call("query", "tiny", "select value from records limit 200").stderr == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tiny", "selec 1"], 'Parser Error: syntax error at or near "selec"'),
        (["tiny", "select foo from records"], 'Binder Error: Referenced column "foo" not found'),
        (["tiny", "select 'a'::int + value from records"], "Conversion Error: "),
        (["tiny", "from connection "], "Catalog Error: Table with name connection does not exist!"),
        (["tiny", "select 1 as a, 2 as a"], "two columns are called 'a'; give one another name with 'as'"),
        (["tiny", "sayso-results/tiny", "select 1"], "sayso-results/tiny: named twice"),
        (["nowhere", "select 1"], "nowhere: not a results folder"),
        (["tiny", "--csv", "--json"], "--csv, --json and --parquet exclude each other"),
        (["tiny", "--parquet", "no/file.parquet"], "no/file.parquet: there is no folder no"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, words, said):
    assert said in error_of(call("query", *words))
