"""What lies in a model's folder, seen without loading it: which file the weights are in, and whether files are whole.

A folder is one of transformers' (``config.json``, safetensors, a tokenizer) or holds one GGUF file, which may also be
named itself. What is wrong with files is said of the file, before any library trips over it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256, folder_sha256
from sayso.learners.known_models import ENCODER_DECODERS

#: Endings of the files that transformers reads of a model's folder: weights, settings, tokenizer, code.
READ = (".safetensors", ".bin", ".json", ".model", ".txt", ".tiktoken", ".jinja", ".py")
GGUF = ".gguf"

_LFS = b"version https://git-lfs"
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.(safetensors|gguf)$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: How safetensors calls types of numbers, and how torch does.
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_LARGEST_HEADER = 100_000_000


def reads_prompts_apart(name: str) -> bool:
    """Whether the model of a folder is an encoder-decoder, as its configuration says; False of what is no folder."""
    try:
        said = json.loads((Path(name).expanduser() / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and bool(
        said.get("is_encoder_decoder", str(said.get("model_type")) in ENCODER_DECODERS)
    )


def gguf_of(name: str) -> Path | None:
    """The GGUF file a model's name means, by itself or as the only one of a folder without ``config.json``.

    Raises
    ------
    SaysoError
        If such a folder holds several, or the model is in parts.
    """
    path = Path(name).expanduser()
    if path.suffix == GGUF and path.is_file():
        found = path
    elif path.is_dir() and not (path / "config.json").exists():
        files = sorted(file for file in path.glob(f"*{GGUF}") if file.is_file())
        if not files:
            return None
        if len(files) > 1 and not _SHARD.search(files[0].name):
            some = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
            raise SaysoError(
                f"model {name}: there are {len(files)} GGUF files in this folder ({some}); name one of them"
            )
        found = files[0]
    else:
        return None
    if (part := _SHARD.search(found.name)) and int(part[2]) > 1:
        raise SaysoError(
            f"model {name}: {found.name} is one of {int(part[2])} parts; join them first with llama-gguf-split --merge"
        )
    return found


def sha256_of(name: str) -> str | None:
    """Sha256 (hex) of a local model's files; None where the name is neither a folder nor a GGUF file.

    Raises
    ------
    SaysoError
        If a file cannot be read.
    """
    if (file := gguf_of(name)) is not None:
        return file_sha256(file)
    folder = Path(name).expanduser()
    return folder_sha256(folder, READ) if folder.is_dir() else None


def check_files(name: str, *, weights: bool = True) -> None:
    """Make sure that the files of a local model are there and whole, as far as that shows without loading them.

    `weights`: whether its weights are to be read, too, and not its settings and tokenizer alone.

    Raises
    ------
    SaysoError
        If one is a Git LFS pointer in place of the file, is cut off, or is missing from several that belong together.
    """
    file = gguf_of(name)
    if file is not None:
        _refuse_pointers(name, [file])
        with file.open("rb") as stream:
            if stream.read(4) != b"GGUF":
                raise SaysoError(f"model {name}: {file.name} is no GGUF file (it does not begin with GGUF)")
        return
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return
    _refuse_pointers(name, (path for path in sorted(folder.iterdir()) if path.suffix in READ and path.is_file()))
    if weights:
        for path in _weights_in(name, folder):
            _header(name, path)


def stored_as(folder: Path) -> str | None:
    """The type of most numbers of the safetensors in a folder (``bfloat16``, ...); None where there are none.

    Raises
    ------
    SaysoError
        If one of them is cut off or missing.
    """
    counts: Counter[str] = Counter()
    for path in _weights_in(str(folder), folder):
        for tensor in _header(str(folder), path).values():
            low, high = tensor["data_offsets"]
            counts[tensor["dtype"]] += high - low
    if not counts:
        return None
    most = counts.most_common(1)[0][0]
    return _DTYPES.get(most, most.lower())


def revision_of(folder: Path) -> str | None:
    """The commit a folder was fetched at, if it says: one of the hub's cache, of ``hf download``, or a clone."""
    if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name):
        return folder.name
    fetched = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    commit = _first_line(fetched) or _head(folder / ".git")
    return commit if _COMMIT.fullmatch(commit) else None


def _head(git: Path) -> str:
    """The commit that is checked out in a clone; nothing where there is none."""
    head = _first_line(git / "HEAD")
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if found := _first_line(git / name):
        return found
    packed = git / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")


def _first_line(path: Path) -> str:
    """The first line of a file; nothing where there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, ValueError):
        return ""


def _refuse_pointers(name: str, files: Iterable[Path]) -> None:
    for file in files:
        if file.stat().st_size < 1024 and file.read_bytes().startswith(_LFS):
            raise SaysoError(
                f"model {name}: {file.name} is a Git LFS pointer and not the file itself; run 'git lfs pull' there"
            )


def _weights_in(name: str, folder: Path) -> list[Path]:
    """The safetensors that transformers would read: one file, or all that an index names."""
    if (folder / _WHOLE).is_file():
        return [folder / _WHOLE]
    index = folder / _INDEX
    if not index.is_file():
        parts = sorted(path.name for path in folder.glob("model-*.safetensors") if _SHARD.search(path.name))
        if parts:
            raise SaysoError(f"model {name}: there are parts of its weights ({parts[0]}, ...) but no {_INDEX}")
        return []
    try:
        named = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        files = [folder / part for part in named]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SaysoError(f"model {name}: {_INDEX} cannot be read; fetch it again") from None
    if missing := [path.name for path in files if not path.is_file()]:
        raise SaysoError(
            f"model {name}: {_INDEX} names {len(files)} files, of which {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not there (the first is {missing[0]}); fetch what is missing"
        )
    return files


def _header(name: str, path: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors, by name.

    Raises
    ------
    SaysoError
        If the file is no safetensors, or shorter than its tensors.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(size - 8, _LARGEST_HEADER):
                raise ValueError
            header: dict[str, Any] = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        end = 8 + length + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise SaysoError(f"model {name}: {path.name} is cut off or no safetensors file; fetch it again") from None
    if size < end:
        raise SaysoError(f"model {name}: {path.name} is cut off: {size:,} of {end:,} bytes; fetch it again")
    return header
