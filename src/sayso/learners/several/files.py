"""A state in a folder of torch.distributed.checkpoint, which every process writes its part of.

What is no tensor stands in one of them, as the bytes of its JSON. How many processes wrote does not matter for reading:
any number of them, or one alone, reads the parts it needs.
"""

from __future__ import annotations

import json
import os
import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from sayso.core.errors import SaysoError

_OTHERS = "others"
#: Between names of tensors on the way to one.
_BELOW = "\t"


def flat(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """A state's tensors by their paths, and all else as bytes."""
    tensors: dict[str, Tensor] = {}

    def rest(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Tensor):
            tensors[_BELOW.join(path)] = value.detach()
            return None
        if isinstance(value, Mapping):
            named = {_key(name): rest(item, (*path, _key(name))) for name, item in value.items()}
            return {name: item for name, item in named.items() if _BELOW.join((*path, name)) not in tensors}
        return value

    text = json.dumps(rest(state, ()))
    return {**tensors, _OTHERS: torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)}


def _key(name: str | int) -> str:
    """A key as text; numbers are told from text by their sign."""
    return f"#{name}" if isinstance(name, int) else name


def _name(key: str) -> str | int:
    return int(key[1:]) if key.startswith("#") else key


def nested(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state that `flat` took apart."""

    def named(value: Any) -> Any:
        return {_name(key): named(item) for key, item in value.items()} if isinstance(value, dict) else value

    state: dict[str, Any] = named(json.loads(bytes(tensors[_OTHERS].numpy()).decode()))
    for path, tensor in tensors.items():
        if path != _OTHERS:
            *above, last = (_name(key) for key in path.split(_BELOW))
            holder: Any = state
            for name in above:
                holder = holder.setdefault(name, {})
            holder[last] = tensor
    return state


def read(folder: Path, empty: Callable[[str, torch.Size, torch.dtype], Tensor], *, alone: bool) -> dict[str, Any]:
    """Read a state; several processes do so together, or one `alone`.

    `empty` makes the tensor that is read into, given its path's last name, its whole shape and its type.

    Raises
    ------
    SaysoError
        If a file is missing, cut off or not what was written.
    """
    metadata = checked(folder)
    tensors: dict[str, Tensor] = {}
    for path, stored in metadata.state_dict_metadata.items():
        if not isinstance(stored, TensorStorageMetadata):
            raise SaysoError(f"{folder}: not a checkpoint of this version of sayso")
        make = whole if path == _OTHERS else empty
        tensors[path] = make(path.split(_BELOW)[-1], stored.size, stored.properties.dtype)
    _load(folder, tensors, alone=alone)
    return nested(tensors)


def about(folder: Path) -> dict[str, Any]:
    """All of a state that is no tensor.

    Raises
    ------
    SaysoError
        As `read` does.
    """
    stored = checked(folder).state_dict_metadata.get(_OTHERS)
    if not isinstance(stored, TensorStorageMetadata):
        raise SaysoError(f"{folder}: not a checkpoint of this version of sayso")
    others = {_OTHERS: torch.empty(stored.size, dtype=stored.properties.dtype)}
    _load(folder, others, alone=True)
    return nested(others)


def _load(folder: Path, tensors: dict[str, Any], *, alone: bool) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        load(tensors, storage_reader=FileSystemReader(folder), no_dist=alone)


def whole(_name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Room for all of a tensor, for `read`."""
    return torch.empty(shape, dtype=dtype)


def checked(folder: Path) -> Metadata:
    """What a folder says is in it, once all of that is there.

    Raises
    ------
    SaysoError
        If it is not.
    """
    try:
        metadata = FileSystemReader(folder).read_metadata()
        for part in (metadata.storage_data or {}).values():
            if os.path.getsize(folder / part.relative_path) < part.offset + part.length:
                raise SaysoError(f"{folder / part.relative_path}: cut off")
    except (OSError, EOFError, ValueError, AttributeError, pickle.UnpicklingError) as error:
        raise SaysoError(f"{folder}: not a readable checkpoint ({' '.join(str(error).split())})") from error
    return metadata
