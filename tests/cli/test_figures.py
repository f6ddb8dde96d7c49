"""``sayso figures``: files for a paper, and what is refused."""

from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.core.store import Store
from tests.cli.calling import call, error_of
from tests.planted import planted_records, planted_store


@pytest.fixture
def folder(tiny: Experiment, tmp_path: Path) -> Path:
    only = [record for record in planted_records(tiny, range(3)) if record.eval_set in ("validation", "train_qa")]
    return planted_store(Store(tmp_path / "results"), tiny, only).path


def test_figures_are_written_at_a_size_and_named(folder: Path, tmp_path: Path) -> None:
    said = call("figures", folder, "--size", "icml-column", "--format", "svg").stdout.splitlines()
    assert said == [str(folder / "figures" / "icml-column" / f"{name}.svg") for name in NAMES]
    assert all(Path(line).read_text(encoding="utf-8").startswith("<svg") for line in said)
    call("figures", folder, "--out", tmp_path / "other")
    assert {path.name for path in (tmp_path / "other").iterdir()} == {f"{name}.pdf" for name in NAMES}


NAMES = ("learning-curves", "gap-by-seed", "losses")


def test_other_sizes_and_formats_are_refused(folder: Path) -> None:
    assert "no size 'column'" in error_of(call("figures", folder, "--size", "column"))
    assert "no format 'jpg'" in error_of(call("figures", folder, "--format", "jpg"))
    assert not (folder / "figures").exists()
