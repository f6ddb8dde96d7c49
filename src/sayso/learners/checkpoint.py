"""A learner's state on disk: weights and optimizer, enough to go on as if nothing had happened."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.core.files import whole
from sayso.core.spec import canonical_json
from sayso.learners.several import files

#: Counts changes of what stands in the file.
FORMAT = 1
_AGAIN = "delete its folder to run these seeds again"


class Checkpoints:
    """Writes and reads the state of the replicas of these seeds.

    A file is one dictionary: ``format``, ``seeds``, ``model`` (a digest of names and shapes), ``weights``,
    ``optimizer`` (None if weights are all there is) and ``extra`` (small settings of the learner's). It appears whole
    or not at all, and lasts once its future is done. The folder that a sharded learner writes in its place can be read
    as well (`sayso.learners.several.checkpoint`).

    `beside`: write it beside training, from a copy in the CPU's memory. One is written at a time.
    """

    def __init__(self, seeds: Sequence[int], parameters: Mapping[str, Tensor], *, beside: bool) -> None:
        self._seeds, self._parameters = list(seeds), parameters
        self._model = model_digest(parameters)
        self._writer = ThreadPoolExecutor(1, "checkpoint") if beside else None
        self._last: Future[None] | None = None

    def save(self, path: Path, optimizer: dict[str, Any] | None, extra: dict[str, Any]) -> Future[None]:
        """Write the state as it is now.

        Raises
        ------
        OSError
            If it cannot be written, a full disk for example; from the future, if it is written beside training.
        """
        state = {
            "format": FORMAT,
            "seeds": self._seeds,
            "model": self._model,
            "weights": {name: tensor.detach() for name, tensor in self._parameters.items()},
            "optimizer": optimizer,
            "extra": extra,
        }
        if self._writer is not None:
            if self._last is not None:
                self._last.exception()  # wait: two copies at once may be more than there is memory for
            self._last = self._writer.submit(_write, path, _copy(state))
            return self._last
        _write(path, state)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def load(self, path: Path) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Bring back the weights that `save` wrote; give the optimizer's state and what is extra.

        Raises
        ------
        SaysoError
            If the file is damaged, or belongs to another version, other seeds or another model.
        """
        state = files.read(path, files.whole, alone=True) if path.is_dir() else read_file(path)
        require_fitting(path, state, self._seeds, self._model)
        with torch.no_grad():
            for name, tensor in self._parameters.items():
                tensor.copy_(state["weights"][name])
        return state["optimizer"], state["extra"]


def model_digest(parameters: Mapping[str, Tensor]) -> str:
    """A digest of the names, types and whole shapes of parameters."""
    shapes = {name: [str(tensor.dtype), *tensor.shape] for name, tensor in parameters.items()}
    return hashlib.sha256(canonical_json(shapes).encode()).hexdigest()


def read_file(path: Path) -> dict[str, Any]:
    """Read what `Checkpoints.save` wrote.

    Raises
    ------
    SaysoError
        If the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        for name in ("seeds", "weights", "optimizer"):
            state[name]
    except MemoryError:
        raise
    except Exception as error:  # torch raises many kinds for a damaged file
        raise SaysoError(f"{path}: not a readable checkpoint; {_AGAIN}") from error
    return state


def require_readable(path: Path, seeds: Sequence[int], model: str) -> None:
    """Make sure that there is a state of these seeds and of a model with this digest.

    Raises
    ------
    SaysoError
        If there is none, or it is damaged, as far as that is seen without reading all of it.
    """
    require_fitting(path, files.about(path) if path.is_dir() else read_file(path), seeds, model)


def require_fitting(path: Path, state: Mapping[str, Any], seeds: Sequence[int], model: str) -> None:
    """Make sure that a state is of these seeds and of a model with this digest.

    Raises
    ------
    SaysoError
        If it is not, or of another version.
    """
    if state.get("format") != FORMAT:
        raise SaysoError(f"{path}: a checkpoint of another version of sayso; {_AGAIN}")
    if state["seeds"] != list(seeds):
        raise SaysoError(f"{path}: a checkpoint of seeds {state['seeds']}, where {list(seeds)} are trained")
    if state["model"] != model:
        raise SaysoError(f"{path}: a checkpoint of another model; {_AGAIN}")


def _write(path: Path, state: dict[str, Any]) -> None:
    """Write a file, and wait until it is on the disk."""
    with whole(path) as file, _cause_kept(file) as watched:
        torch.save(state, watched)  # type: ignore[arg-type]  # it needs no more than to write and flush


class _Watched:
    """A file that remembers why it could not be written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


@contextlib.contextmanager
def _cause_kept(file: IO[bytes]) -> Iterator[_Watched]:
    """Raise the disk's own error where torch makes another of it."""
    watched = _Watched(file)
    try:
        yield watched
    except Exception:
        if watched.error is not None:
            raise watched.error from None
        raise


def _copy(value: Any) -> Any:
    """The same, with tensors of its own in the CPU's memory."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
