"""A sharded learner's state on disk: every process writes its part, beside training, into one folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.distributed.tensor import DTensor

from sayso.core.files import sync_folder
from sayso.learners.checkpoint import FORMAT, model_digest, read_file, require_fitting
from sayso.learners.several import files
from sayso.learners.several.adafactor import is_whole
from sayso.learners.several.sharding import put, sharded_as, zeros
from sayso.learners.several.team import WAIT, Team


class ShardedCheckpoints:
    """As `sayso.learners.checkpoint.Checkpoints`, but called by all processes at once.

    A state is a folder in place of a file. It appears whole or not at all, and lasts once the first process's future is
    done. Either kind can be read, whatever number of processes has written it.
    """

    def __init__(self, seeds: Sequence[int], parameters: Mapping[str, Tensor], team: Team) -> None:
        self._seeds, self._parameters, self._team = list(seeds), parameters, team
        self._model = model_digest(parameters)
        self._like = next(one for one in parameters.values() if isinstance(one, DTensor))
        self._writers = dist.new_group(backend="gloo", timeout=WAIT)  # they talk beside training
        self._last: Future[Any] | None = None

    def save(self, path: Path, optimizer: dict[str, Any] | None, extra: dict[str, Any]) -> Future[None]:
        """Write the state as it is now; errors of writing are in the future."""
        if self._last is not None:
            self._last.exception()  # wait: two copies at once may be more than there is memory for
        about = {"format": FORMAT, "seeds": self._seeds, "model": self._model, "extra": extra}
        state = {**about, "weights": dict(self._parameters), "optimizer": optimizer}
        folder = path.with_name(f".{path.name}.part")
        if self._team.rank == 0:
            shutil.rmtree(folder, ignore_errors=True)  # of a try that was killed
            folder.mkdir(parents=True)
        self._team.gathered(None)  # nobody writes before that
        written = async_save(files.flat(state), storage_writer=FileSystemWriter(folder), process_group=self._writers)
        assert isinstance(written, Future)
        done: Future[None] = Future()
        written.add_done_callback(lambda _: _settle(written, done, folder, path if self._team.rank == 0 else None))
        self._last = done
        return done

    def load(self, path: Path) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Bring back this process's part of weights and optimizer, and what is extra; see `Checkpoints.load`."""
        if path.is_dir():
            state = files.read(path, self._room, alone=False)
        else:
            state = read_file(path)
            if state.get("optimizer") is not None:
                state["optimizer"] = self._cut(state["optimizer"])
        require_fitting(path, state, self._seeds, self._model)
        for name, tensor in self._parameters.items():
            part = state["weights"][name]
            if isinstance(part, DTensor):
                with torch.no_grad():
                    tensor.to_local().copy_(part.to_local())  # type: ignore[attr-defined]
            else:
                put(tensor, part)
        return state["optimizer"], state["extra"]

    def _room(self, name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """Room for this process's part of a tensor."""
        if is_whole(name, shape):
            return torch.empty(shape, dtype=dtype)
        return zeros(tuple(shape), dtype, self._like)

    def _cut(self, optimizer: dict[str, Any]) -> dict[str, Any]:
        """Cut its process's part out of a whole optimizer's state."""

        def part(name: str, value: Any) -> Any:
            keep = not isinstance(value, Tensor) or is_whole(name, value.shape)
            return value if keep else sharded_as(value, self._like)

        states = optimizer["state"].items()
        return {
            **optimizer,
            "state": {key: {name: part(name, one) for name, one in own.items()} for key, own in states},
        }


def _settle(written: Future[Any], done: Future[None], folder: Path, path: Path | None) -> None:
    """Give a folder that has been written its name, where it is this process's to do, and say that it is done."""
    try:
        if (error := written.exception()) is not None:
            raise _cause(error)
        if path is not None:
            if path.is_dir():
                shutil.rmtree(path)
            folder.replace(path)
            sync_folder(path.parent)
        done.set_result(None)
    except BaseException as error:  # whatever it is, it belongs to whoever waits
        done.set_exception(error)


def _cause(error: BaseException) -> BaseException:
    """The disk's own error, where a process had one."""
    found = getattr(error, "failures", {}).values()
    return next((each[0] for each in found if isinstance(each[0], OSError)), error)
