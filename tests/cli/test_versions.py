import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import sayso
from sayso.cli.versions import LIBRARIES, versions_page
from tests.cli.calling import call


def installed(folder: Path, versions: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line on torch where only a torch of these words is installed, which cannot be imported."""
    about = folder / "torch-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9+cu130\n", encoding="utf-8")
    if versions:
        (folder / "torch").mkdir()
        (folder / "torch" / "version.py").write_text(versions, encoding="utf-8")
        (folder / "torch" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(folder)])
    return versions_page().splitlines()[2]


def test_a_line_each_and_the_first_is_sayso() -> None:
    lines = call("--version").stdout.splitlines()
    assert lines[0] == f"sayso {sayso.__version__}"
    assert lines[1].startswith(f"python {platform.python_version()} (")
    assert [line.split()[0] for line in lines[2:]] == [*LIBRARIES]
    assert f"numpy {metadata.version('numpy')}" in lines


@pytest.mark.parametrize(
    ("versions", "line"),
    [
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "torch 9.9+cu130 (for CUDA 13.0)"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n", "torch 9.9+cu130 (for ROCm 6.4)"),
        ("", "torch 9.9+cu130 (its files are damaged)"),
    ],
)
def test_what_torch_was_built_for_is_read_and_not_imported(
    versions: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installed(tmp_path, versions, monkeypatch) == line


@pytest.mark.parametrize(
    ("system", "machine", "said"), [("Darwin", "arm64", "CPUs and MPS"), ("Linux", "x86_64", "CPUs alone")]
)
def test_a_build_for_no_other_gpus_is_for_cpus_and_apples(
    system: str, machine: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert installed(tmp_path, "cuda: Optional[str] = None\n", monkeypatch) == f"torch 9.9+cu130 (for {said})"


def test_nothing_heavy_is_loaded_for_it() -> None:
    program = "import sys; from sayso.cli.versions import versions_page; versions_page(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pandas", "transformers"} & set(done.stdout.split())
