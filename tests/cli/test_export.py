"""``sayso export``, and what it says."""

import sys
import threading

import pytest

from sayso.core.store import Store
from tests.cli.calling import call, error_of
from tests.export.written import FINISHED, begin, records_of


@pytest.fixture
def folder(tiny, tmp_path):
    store = Store(tmp_path / "sayso-results" / "tiny")
    experiment = tiny.with_settings({"seeds.first": 1, "seeds.count": 1})
    job = begin(store, "a", (1,), experiment)
    job.append(records_of(tiny, 1))
    job.finish(FINISHED)
    return store.path


def test_a_folder_goes_to_tensorboard_by_its_name_and_again_adds_nothing(folder, tmp_path):
    pytest.importorskip("tensorboard")
    first = call("export", "tiny", "--tensorboard", "logs")
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("1 run, ")
    assert first.stdout.endswith("new values: tensorboard --logdir logs\n")
    assert call("export", "--tensorboard", "logs").stdout == "1 run, nothing new: tensorboard --logdir logs\n"
    assert list((tmp_path / "logs" / "main" / "seed-1").glob("events.out.tfevents.*"))


def test_a_run_that_goes_on_is_said_and_followed(folder, tiny):
    pytest.importorskip("tensorboard")
    store = Store(folder)
    store._plan((1, 2))
    begin(store, "b", (2,), tiny).append(records_of(tiny, 2)[:50])
    shown = call("export", "tiny", "--tensorboard", "logs")
    assert "not all jobs have finished; the same again adds what is new" in shown.stderr

    def finish():
        store.job("b").append(records_of(tiny, 2)[50:])
        store.job("b").finish(FINISHED)

    timer = threading.Timer(0.3, finish)
    timer.start()
    followed = call("export", "tiny", "--tensorboard", "logs", "--follow", "--every", "0.1")
    timer.join()
    assert followed.exit_code == 0, followed.output
    said = [line for line in followed.stderr.splitlines() if line.startswith("main, seed 2: ")]
    assert [line.endswith(", finished") for line in said] == [False] * (len(said) - 1) + [True]
    assert "not all jobs" not in followed.stderr


def test_folders_for_the_hub_are_named(folder):
    pytest.importorskip("pyarrow")
    shown = call("export", "tiny", "--hf", "hub", "--license", "mit")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == "hub/dataset    records\n"
    assert "no models were saved" in shown.stderr
    assert "no models were saved" in error_of(call("export", "tiny", "--hf", "hub", "--models", "all"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to export to: --tensorboard OUT, --wandb OUT or --hf OUT"),
        (("--hf", "a", "--wandb", "b"), "--wandb and --hf exclude each other; choose one"),
        (("--hf", "a", "--follow"), "--follow goes with --tensorboard or --wandb"),
        (("--wandb", "a", "--license", "mit"), "--license goes with --hf"),
        (("--tensorboard", "a", "--link"), "--link goes with --hf"),
        (("--tensorboard", "a", "--every", "3"), "--every goes with --follow"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(folder, words, said):
    assert error_of(call("export", "tiny", *words)) == said


@pytest.mark.parametrize(("option", "library"), [("--tensorboard", "tensorboard"), ("--wandb", "wandb")])
def test_a_library_that_is_missing_is_named_with_what_installs_it(folder, monkeypatch, option, library):
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    found = error_of(call("export", "tiny", option, "out"))
    assert found == f"this needs {library}, which is not installed: pip install 'sayso[{library}]'"
