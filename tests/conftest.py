"""What all tests share: no network, and an experiment that trains in a second."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import settings
from pytest_socket import disable_socket

from sayso import Experiment, SplitSpec, Stage, TrainSpec
from sayso.core.device_asked import DEVICE
from sayso.data.formats import WordOrder
from sayso.data.pocket import PocketWorld
from sayso.learners.specs import FromScratch
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.runs.devices import signs_of_gpus

os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Hundreds of processes are started, each of which would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.register_profile("sayso", deadline=None)  # how long an example takes depends on what else the machine does
settings.load_profile("sayso")


def pytest_collection_finish() -> None:
    """What all tests import stays: whoever collects garbage need not go through it every time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests compute on the CPU where there is a GPU as well, as what they compare with does; those for GPUs on one."""
    if signs_of_gpus():
        os.environ[DEVICE] = "cpu" if item.get_closest_marker("gpu") is None else "auto"


@pytest.fixture(autouse=True)
def no_network() -> None:
    """Every test runs offline; processes may still talk to each other."""
    disable_socket(allow_unix_socket=True)


@pytest.fixture
def no_device_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment asks for no device, as a user's does not."""
    monkeypatch.delenv(DEVICE, raising=False)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is prepared of files goes to a cache of the tests, never to the user's."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("SAYSO_CACHE")
    os.environ["SAYSO_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["SAYSO_CACHE"]
    else:
        os.environ["SAYSO_CACHE"] = before


def make_tiny() -> Experiment:
    """All subsets and three stages, with a model too small to learn much."""
    return Experiment(
        name="tiny",
        summary="Shows that everything runs. Nothing is learned.",
        knowledge=PocketWorld(facts="synthetic", entities=8, values=4, names=4, pool=16),
        split=SplitSpec(aliases_per_entity=10, shared_entities=True, trained_questions=4),
        definition=WordOrder(),
        model=FromScratch(
            config={
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "max_position_embeddings": 16,
            }
        ),
        train=TrainSpec(learning_rate=3e-3),
        stages=(
            Stage(name="stage0", documents=("world",), epochs=1, measured=False),
            Stage(name="stage1", documents=("X1",), epochs=4),
            Stage(name="stage2", documents=("X2",), epochs=6),
        ),
        measures=(ExactMatch(), MeanLoss()),
    )


@pytest.fixture(scope="session")
def tiny() -> Experiment:
    """An experiment that trains in a second."""
    return make_tiny()


@pytest.fixture(scope="session")
def one_thread() -> None:
    """Torch uses one thread, as in a worker: results do not depend on how many cores there are."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def fresh_python() -> Callable[..., str]:
    """Run code in a fresh process, with a hash seed of its own; give what it prints."""

    def run(code: str, hash_seed: int = 0) -> str:
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory, tiny: Experiment) -> Path:
    """The same as a YAML file."""
    path = tmp_path_factory.mktemp("experiment") / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny.model_dump(mode="json")), encoding="utf-8")
    return path
