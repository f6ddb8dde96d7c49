"""What ``sayso --version`` prints: versions of what results depend on, from what packages say of themselves.

Nothing is imported, torch least of all, so that it is there at once and also where a library does not load.
"""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path

from sayso import __version__

#: Libraries that matter most, in the order in which they are printed.
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "pandas")
#: A line of torch's own file of versions: ``cuda: Optional[str] = '12.8'``.
_BUILD = re.compile(r"^(cuda|hip|xpu)\b[^=]*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
_CALLED = {"cuda": "CUDA", "hip": "ROCm", "xpu": "XPU"}


def versions_page() -> str:
    """A line each: sayso, Python and its machine, and libraries, of torch also what it was built for."""
    python = f"python {platform.python_version()} ({platform.python_implementation()}, {_machine()})"
    return "\n".join([f"sayso {__version__}", python, *map(_library, LIBRARIES)])


def _library(name: str) -> str:
    try:
        there = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return f"{name} not installed"
    return f"{name} {there.version}" + (f" ({_built_for(there)})" if name == "torch" else "")


def _built_for(torch: metadata.Distribution) -> str:
    """What torch computes on; Apple's builds are for CPUs and MPS."""
    try:
        text = Path(str(torch.locate_file("torch/version.py"))).read_text(encoding="utf-8")
    except OSError:
        return "its files are damaged"
    found = [f"{_CALLED[kind]} {version}" for kind, version in _BUILD.findall(text)]
    return "for " + (", ".join(found) or ("CPUs and MPS" if _is_apples() else "CPUs alone"))


def _is_apples() -> bool:
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"
