"""The other processes that train a model together with this one: how they are started, told, watched and ended.

They are started by this process, the first, with the pipes that `sayso.learners.several.follower` describes: a process
whose first one is gone ends itself, and the first hears at once of one that has ended. Where `torchrun` has started all
of them, they meet at its store instead, and it ends all when one fails.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from sayso.core.errors import SaysoError
from sayso.learners.device import device_here
from sayso.learners.several import torchrun
from sayso.learners.several.team import Team

log = logging.getLogger("sayso")

#: How long the first process takes to notice by itself that another is gone, before it is ended; likewise the others.
_NOTICE_S = 10.0
#: How long processes take to come together, and at most to add something up.
_TOGETHER = timedelta(minutes=30)
_FAILED = 2


class Members:
    """The processes of one team, seen from the first; there is one team at a time."""

    def __init__(self, devices: int) -> None:
        self.devices = devices
        self._processes: list[subprocess.Popen[str]] = []
        self._errors: list[str] = []
        self._gone, self._noticed = threading.Event(), threading.Event()
        self.ended = False
        if torchrun.started() and torchrun.size() != devices:
            raise SaysoError(f"model.devices is {devices}, but torchrun has started {torchrun.size()} processes")
        device = own_device(*(torchrun.place() if torchrun.started() else (0, devices)))
        atexit.register(self.end)
        store = torchrun.call(torchrun.JOB) if torchrun.started() else self._start_all()
        with self.watched():
            self.team = joined(store, 0, devices, device)

    def tell(self, name: str, *arguments: Any) -> None:
        """Have the others do something; what it is: `sayso.learners.several.follower`.

        Raises
        ------
        SaysoError
            If they have ended.
        """
        self._require_there()
        self.team.told((name, arguments))

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Do something with the others; after an error in any of them no process goes on.

        Raises
        ------
        SaysoError
            If another process has failed or ended; the message is its own.
        """
        self._require_there()
        try:
            yield
        except BaseException as error:
            self._noticed.set()
            if self._processes and isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError):
                self._gone.wait(_NOTICE_S)  # perhaps a connection that broke: why is told in a moment
            said = self._errors[0] if self._errors else None
            self._break()
            if said is not None:
                raise SaysoError(said) from error
            raise

    def end(self) -> None:
        """Let the others end, and wait for it."""
        if self.ended:
            return
        with contextlib.suppress(Exception):  # some may have ended
            self.tell("end")
        self.ended = True
        _leave_group()
        self._stop()

    def _require_there(self) -> None:
        if self.ended:
            raise SaysoError("the processes that train this model together have ended; build it again")

    def _break(self) -> None:
        """End the others without a word, for they may be waiting for what will not come."""
        self.ended = True
        for process in self._processes:
            process.kill()
        self._stop()
        _leave_group()

    def _stop(self) -> None:
        atexit.unregister(self.end)
        for process in self._processes:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(_NOTICE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_all(self) -> Any:
        """Start the others; where to meet them."""
        store = TCPStore("127.0.0.1", 0, self.devices, is_master=True, wait_for_workers=False, timeout=_TOGETHER)
        for rank in range(1, self.devices):
            self._start(rank, store.port)
        return store

    def _start(self, rank: int, port: int) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sayso.learners.several.follower"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the first process alone
        )
        self._processes.append(process)
        threading.Thread(target=self._listen, args=(rank, process), daemon=True).start()
        assert process.stdin is not None
        request = {"rank": rank, "size": self.devices, "port": port, "path": sys.path}
        with contextlib.suppress(BrokenPipeError):  # it has ended already, which is heard of like any other end
            process.stdin.write(json.dumps({**request, "threads": torch.get_num_threads()}) + "\n")
            process.stdin.flush()

    def _listen(self, rank: int, process: subprocess.Popen[str]) -> None:
        """Hear the one line that a process may say, and of its end."""
        assert process.stdout is not None
        with process.stdout:
            said = process.stdout.read()
        code = process.wait()
        if self.ended or code == 0:
            return
        message = f"process {rank + 1} of {self.devices} that train one model together ended with code {code}"
        with contextlib.suppress(ValueError, TypeError, KeyError):
            message = json.loads(said)["error"]
        self._errors.append(message)
        self._gone.set()
        if not self._noticed.wait(_NOTICE_S):  # this process waits on a device for what will not come
            log.error("%s", message)
            for other in self._processes:
                other.kill()
            os._exit(_FAILED)


def _leave_group() -> None:
    """Leave the process group, if others who are gone do not bar it."""

    def leave() -> None:
        with contextlib.suppress(Exception):
            dist.destroy_process_group()

    leaving = threading.Thread(target=leave, daemon=True)
    leaving.start()
    leaving.join(_NOTICE_S)


def own_device(rank: int, size: int) -> torch.device:
    """The device of one of the processes on this machine.

    Raises
    ------
    SaysoError
        If it has GPUs, and too few.
    """
    if device_here().type != "cuda":
        return torch.device("cpu")
    if size > torch.cuda.device_count():
        raise SaysoError(f"model.devices is {size}, there are {torch.cuda.device_count()} GPUs here; set it to that")
    torch.cuda.set_device(rank)
    return torch.device("cuda", rank)


def joined(store: Any, rank: int, size: int, device: torch.device) -> Team:
    """Join the process group, which all its processes do at the same time."""
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    bound = device if device.type == "cuda" else None
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_TOGETHER, device_id=bound)
    return Team(rank, size, device)
