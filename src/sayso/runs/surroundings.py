"""Where results and downloads go, how much the disks have left, and whether the hub can be reached."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sayso.data.published.cache import cache_folder

#: Seconds within which the hub must answer.
PATIENCE_S = 3.0
_HUB = "https://huggingface.co"
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "ON", "YES", "TRUE")
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True)
class Folder:
    """A folder that is written to, or will be: bytes its disk has left (None where that cannot be told)."""

    what: str
    path: str
    free: int | None
    writable: bool


@dataclass(frozen=True)
class Hub:
    """The model hub: `offline_by` names the setting that keeps it from being asked, `reachable` is None then.

    `token`: whether there is one; it is not read.
    """

    endpoint: str
    offline_by: str | None
    token: bool
    reachable: bool | None


def folders(environment: Mapping[str, str], results: Path) -> list[Folder]:
    """Folders of results, of prepared facts, and of the hub's files."""
    found = [_look_at("results", results)]
    with contextlib.suppress(ImportError):  # what would know the place may not be installed
        found.append(_look_at("facts", Path(environment.get("SAYSO_CACHE") or cache_folder())))
    return [*found, _look_at("models", _hub_home(environment)[1])]


def hub(environment: Mapping[str, str], reach: Callable[[str, float], bool] | None = None) -> Hub:
    """Say how the hub stands, after `PATIENCE_S` seconds at the latest."""
    endpoint = environment.get("HF_ENDPOINT") or _HUB
    offline = next((name for name in _OFFLINE if environment.get(name, "").upper() in _TRUE), None)
    file = environment.get("HF_TOKEN_PATH") or str(_hub_home(environment)[0] / "token")
    token = any(environment.get(name) for name in _TOKENS) or os.path.isfile(os.path.expanduser(file))
    return Hub(endpoint, offline, token, None if offline else (reach or answers)(endpoint, PATIENCE_S))


def answers(url: str, seconds: float) -> bool:
    """Whether a server answers in time, whatever it says. Looking its name up can take long, so a thread does it."""
    heard = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):  # noqa: S310
                heard.set()
        except urllib.error.HTTPError:
            heard.set()
        except Exception:  # no network, no such name, no address at all
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return heard.is_set()


def _hub_home(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """The hub's own folder, and that of its cache."""
    general = Path(environment.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(environment.get("HF_HOME") or general / "huggingface")
    cache = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE") or home / "hub"
    return home, Path(cache)


def _look_at(what: str, path: Path) -> Folder:
    """How a folder, or the first above it that is there, can be written to."""
    try:
        full = there = os.path.abspath(os.path.expanduser(path))
    except OSError:  # the working folder is gone
        return Folder(what, str(path), None, writable=False)
    while not os.path.exists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = None
    return Folder(what, full, free, _takes_files(there))


def _takes_files(folder: str) -> bool:
    """Whether a file can be made there: permissions do not tell what a superuser or a read-only disk can do."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
