"""A process that trains a model together with the first one: ``python -P -m sayso.learners.several.follower``.

It reads its place among the others as one line of JSON from standard input, which stays open for as long as the first
process lives: when that ends, however it ends, so does this one. Its own error it writes as one line of JSON to
standard output. What it is told to do comes through the process group:

    build CORPORA SPEC HOW  make the learner, in a process that computes so
    fit ARGUMENTS           train; after each epoch it does what it is told until it hears `on`, or leaves at `leave`
    NAME ARGUMENTS          call this method of the learner, as every process does
    end                     end
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from sayso.core.errors import SaysoError
from sayso.learners.several import torchrun
from sayso.learners.several.members import joined, own_device
from sayso.learners.several.team import Team
from sayso.learners.single.learner import HFLearner

_FAILED, _LEFT_ALONE = 2, 3
#: What a process that is told something has to say.
_NOTHING: tuple[str, tuple[Any, ...]] = ("", ())


class _LeaveError(Exception):
    """The first process does not go on with a stage."""


class Follower:
    """Does what the first process of a team tells the others."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._learner: HFLearner | None = None

    def follow(self) -> None:
        """Do what is told until the end."""
        while (name := self._do_next()) != "end":
            assert name not in ("on", "leave")

    def _do_next(self) -> str:
        """Hear one word and do it, unless it is one that only ends something."""
        name, arguments = self._team.told(_NOTHING)
        if name == "build":
            (corpus,), spec, numerics = arguments
            numerics.set_up()
            self._learner = None  # two models at once may be more than there is memory for
            self._learner = HFLearner(corpus, spec, self._team)
        elif name == "fit":
            assert self._learner is not None
            documents, train, more = arguments
            with contextlib.suppress(_LeaveError):
                self._learner.fit(documents, train, **more, on_epoch=self._between_epochs)
        elif name not in ("on", "leave", "end"):
            getattr(self._learner, name)(*arguments)
        return str(name)

    def _between_epochs(self, _epoch: int, _loss: NDArray[np.float64]) -> None:
        while (name := self._do_next()) != "on":
            if name == "leave":
                raise _LeaveError


def follow_calls() -> None:
    """Where torchrun has started this process, follow the first one from job to job, until it has done all.

    Raises
    ------
    SaysoError
        If there are too few GPUs, or this process fails as the first one does.
    """
    logging.getLogger("sayso").setLevel(logging.ERROR)  # the first process has the same to say
    number = 1
    while True:
        word, store = torchrun.heard(number)
        if word == torchrun.OVER:
            return
        team = joined(store, torchrun.rank(), torchrun.size(), own_device(*torchrun.place()))
        Follower(team).follow()
        dist.destroy_process_group()
        number += 1


def main() -> int:
    """Follow the first process to the end; the exit code is 0, or 2 after an error that was said."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_first, daemon=True).start()
    sys.path += [folder for folder in request["path"] if folder not in sys.path]
    output, sys.stdout = sys.stdout, sys.stderr  # whatever libraries print is no error of this process
    logging.getLogger("sayso").setLevel(logging.ERROR)  # the first process has the same to say
    try:
        torch.set_num_threads(request["threads"])
        rank, size = request["rank"], request["size"]
        device = own_device(rank, size)
        store = TCPStore("127.0.0.1", request["port"], size, is_master=False)
        Follower(joined(store, rank, size, device)).follow()
        dist.destroy_process_group()
    except SaysoError as error:
        return _say(output, str(error))
    except Exception as error:  # an error in one process ends all, and the first one is told which
        logging.getLogger("sayso").exception("process %d of %d", request["rank"] + 1, request["size"])
        said = " ".join(str(error).split())
        return _say(output, f"process {request['rank'] + 1} of {request['size']}: {type(error).__name__}: {said}")
    return 0


def _say(output: Any, message: str) -> int:
    output.write(json.dumps({"error": message}) + "\n")
    output.flush()
    return _FAILED


def _end_with_first() -> None:
    """End this process when standard input is closed (read past Python's buffer, whose lock would bar its exit)."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(_LEFT_ALONE)


if __name__ == "__main__":
    os._exit(main())  # whatever the process group still waits for
