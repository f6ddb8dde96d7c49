"""What models said is read as it was written, and what is damaged is named."""

import gzip
import json
from dataclasses import asdict, replace

import pytest

from sayso.core.job_folder import JobFolder
from sayso.core.predictions import Answered, predictions
from sayso.core.store import Store
from sayso.core.sweep import cells
from tests.core.written import error, make_store, manifest

ONE = Answered(
    seed=1,
    stage="stage2",
    stage2_seed=0,
    eval_set="validation",
    subset="D5cons",
    attribute=["born", "died"],
    alias=["<|zoë|>", "<|b\u2028c|>"],
    prompt=["born <|zoë|> ?", "died <|b\u2028c|> ?"],
    answers=[("19 century",), ("1920s", "1921")],
    said=["18 century", ""],
    match=[False, True],
    f1=[0.5, 0],
    loss=[2.31, float("nan")],
)


def read(folder: JobFolder) -> list[Answered]:
    return list(predictions(folder))


def written(path, *lines: object) -> JobFolder:
    path.mkdir(exist_ok=True)
    folder = JobFolder(path)
    folder.write_details("predictions-stage2", lines)  # type: ignore[arg-type]
    return folder


def test_they_are_read_as_they_were_written_each_deal_of_x2_too(tmp_path):
    folder = written(tmp_path, asdict(ONE), asdict(replace(ONE, seed=2)))
    folder.write_details("predictions-stage2-1", [asdict(replace(ONE, stage2_seed=1))])
    assert [(each.seed, each.stage2_seed) for each in read(folder)] == [(1, 1), (1, 0), (2, 0)]
    assert str(read(folder)[1]) == str(ONE)  # NaN is not equal to itself
    assert read(JobFolder(tmp_path / "none")) == []


def test_lines_of_one_question_as_they_were_written_before_are_read(tmp_path):
    before = {**asdict(ONE), "attribute": "born", "alias": "x", "prompt": "x?", "answers": ["a"], "said": "a"}
    (found,) = read(written(tmp_path, {**before, "match": True, "f1": 1.0, "loss": 0.1}))
    assert (found.seed, found.alias, found.answers, found.match) == (1, ["x"], [("a",)], [True])


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "1"},
        {"seed": True},
        {"said": ["one"]},
        {"said": "18 century"},
        {"match": [1, 0]},
        {"answers": ["19 century", "1920s"]},
        {"answers": [["19 century"], []]},
        {"answers": [["19 century"], [1920]]},
        {"f1": None},
    ],
    ids=str,
)
def test_a_line_that_is_something_else_is_named_with_its_file(tmp_path, change):
    folder = written(tmp_path, asdict(ONE), {**asdict(ONE), **change})
    said = error(read, folder)
    assert "predictions-stage2.jsonl.gz: line 2 is not what a model said" in said
    assert "measured-predictions.json, and measure again" in said


def test_a_file_without_a_column_or_that_is_no_json_is_named(tmp_path):
    less = asdict(ONE)
    del less["loss"]
    assert "line 1 is not what a model said ('loss')" in error(read, written(tmp_path / "less", less))
    assert "line 1 is not what" in error(read, written(tmp_path / "list", [1, 2]))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "predictions-stage1.jsonl.gz").write_bytes(
        gzip.compress(json.dumps(asdict(ONE))[:-9].encode())
    )
    assert "line 1 is not what" in error(read, JobFolder(tmp_path / "text"))


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_file_that_is_cut_off_is_named(tmp_path, keep):
    folder = written(tmp_path, *[asdict(replace(ONE, seed=seed)) for seed in range(50)])
    path = tmp_path / "predictions-stage2.jsonl.gz"
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    assert "predictions-stage2.jsonl.gz: cut off or damaged after line " in error(read, folder)


def test_of_a_results_folder_cells_come_in_order_and_a_seed_that_was_run_twice_counts_once(tiny, tmp_path):
    sweep, store = tiny.vary("sweep", reliability=[0.5, 1.0]), Store(tmp_path)
    make_store(store, sweep)
    first, second = (cell.name for cell in cells(sweep))
    for name, cell, seeds in (("a", second, (1, 2)), ("b", first, (2, 3)), ("c", first, (1, 2)), ("d", first, (9,))):
        folder = store.job(name)
        folder.open(manifest(name, seeds, cell))
        folder.write_details("predictions-stage2", [asdict(replace(ONE, seed=seed)) for seed in seeds])
        if name != "d":  # is not finished
            folder.finish("now")
    found = [(cell, each.seed) for cell, each in store.predictions()]
    assert found == [(first, 1), (first, 2), (first, 3), (second, 1), (second, 2)]
