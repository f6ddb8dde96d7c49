"""A folder is written into only where it is this export's, and each run has a folder of its own in it."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.export.folder import Kind, claimed, run_path

CELLS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)


def refused(out: Path, experiment: Experiment, kind: Kind) -> str:
    with pytest.raises(SaysoError) as caught, claimed(out, experiment, kind):
        raise AssertionError("it should not have been given")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_one_export_s_from_then_on(tiny, tmp_path):
    out = tmp_path / "deep" / "out"
    for _ in range(2):
        with claimed(out, tiny, "tensorboard"):
            (out / "something").touch()
    assert "for --tensorboard, not" in refused(out, tiny, "wandb")
    other = tiny.with_settings({"train.learning_rate": 0.5})
    assert other.digest() in refused(out, other, "tensorboard")
    with claimed(out, tiny.with_settings({"seeds.count": 3, "keep": "none"}), "tensorboard"):
        pass  # the same runs


def test_other_content_is_left_alone(tiny, tmp_path):
    (tmp_path / "mine.txt").touch()
    assert (
        refused(tmp_path, tiny, "hf")
        == f"{tmp_path}: has other content; choose a folder that is not there yet, or empty"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert "cannot write here: " in refused(tmp_path / "mine.txt", tiny, "hf")


def test_two_exports_do_not_write_at_once(tiny, tmp_path):
    with claimed(tmp_path, tiny, "hf"):
        assert "another 'sayso export' is writing here" in refused(tmp_path, tiny, "hf")
    with claimed(tmp_path, tiny, "hf"):
        pass


def test_a_damaged_marker_is_said(tiny, tmp_path):
    (tmp_path / "sayso-export.json").write_text("[]", encoding="utf-8")
    assert "holds something else" in refused(tmp_path, tiny, "hf")
    (tmp_path / "sayso-export.json").write_text(json.dumps({"experiment": "x"})[:-1], encoding="utf-8")
    assert "cannot be read" in refused(tmp_path, tiny, "hf")


@example("..", ".")
@given(CELLS, CELLS)
def test_cells_have_folders_of_their_own_that_any_system_takes(first, second):
    one, two = run_path(first, 3), run_path(second, 3)
    assert (one == two) == (first == second)
    assert len(one.parts) == 2
    assert ".." not in one.parts
    assert len(one.parts[0].encode()) < 255
    assert not set(one.parts[0]) & set('/\\:*?"<>|\n')


def test_usual_names_stay_readable():
    assert run_path("main", 7).as_posix() == "main/seed-7"
    assert run_path("train.batch_size=64,model.name=a/b", 7).parts[0] == "train.batch_size=64,model.name=a%2Fb"
