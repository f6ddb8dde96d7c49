"""A process that runs a job, or where it is told to stay job after job: ``python -P -m sayso.runs.worker``.

It reads a job as one line of JSON from standard input, and writes what happens as JSON lines to standard output. When
it could do another one it says ``ready``; after a job that did not come to its end it ends, whatever it was told.
Standard input stays open for as long as its parent lives: when that ends, however it ends, so does the worker. A line
on it, `STOP`, asks it to keep the epoch under way once it is done, and to end.

``-P`` keeps the working folder off its path, where a file may be called as a module of the standard library is. Types
of a user's own it looks for where its parent does, after everywhere else.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.experiment import load_spec
from sayso.core.extras import installing
from sayso.core.job_folder import JobFolder
from sayso.core.lease import HeldError, LostError
from sayso.core.measure import Measure
from sayso.core.own_types import has_foreign
from sayso.core.sweep import Cell, Job

EXIT_STOPPED = 3
#: The job is another process's.
EXIT_HELD = 4
#: Standard error of a job, in its folder.
LOG = "log.txt"
#: Asks a worker to end after its epoch.
STOP = "stop"


def job_to_json(
    job: Job,
    folder: JobFolder,
    *,
    save_models: bool = False,
    measures: Sequence[Measure] = (),
    train_again: bool = False,
    threads: int = 1,
    lapsed: tuple[int, int] | None = None,
    stay: bool = False,
) -> str:
    """Write a job as the one line a worker reads: to be run, or where `measures` are named, to be measured.

    `lapsed` is as `JobFolder.hold` has it. `stay`: the worker is to wait for another one when it has done it.
    """
    request = {
        "cell": job.cell.name,
        "experiment": job.cell.experiment.model_dump(mode="json"),
        "seeds": list(job.seeds),
        "folder": str(folder.path.resolve()),
        "save_models": save_models,
        "measures": [measure.model_dump(mode="json") for measure in measures],
        "train_again": train_again,
        "threads": threads,
        "lapsed": lapsed,
        "stay": stay,
    }
    return json.dumps({**request, "path": import_path() if has_foreign(request) else []})


def import_path() -> list[str]:
    """Where this process finds modules, as absolute folders: a worker looks there last for a user's own."""
    folders = []
    for folder in sys.path:
        with contextlib.suppress(FileNotFoundError):  # a working folder that is no longer there
            folders.append(os.path.abspath(folder))
    return folders


class _Warnings(logging.Handler):
    """Tells of what sayso warns of; it stands in the job's log as well."""

    def __init__(self, send: Callable[[dict[str, object]], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send a warning as an event; an error is one that ends this process at once."""
        kind = "error" if record.levelno >= logging.ERROR else "warning"
        self._send({"event": kind, "message": record.getMessage()})
        _log(record.getMessage())


def _log(message: str) -> None:
    """Write a line into the job's log, which others can read who do not hear its events."""
    with contextlib.suppress(OSError):  # a log on a full disk is no reason to end
        print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Run jobs on standard input; the exit code is 0, 2 after an error the user can put right, or `EXIT_HELD`."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    stop = threading.Event()
    more: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_stop_with_parent, args=(stop, more), daemon=True).start()
    output, sys.stdout = sys.stdout, sys.stderr  # whatever libraries print must not mix with the events

    def send(event: dict[str, object]) -> None:
        output.write(json.dumps(event) + "\n")
        output.flush()

    logging.getLogger("sayso").addHandler(_Warnings(send))
    while (code := _run(request, send, stop.is_set)) == 0 and request["stay"]:
        gc.collect()
        send({"event": "ready"})
        request = json.loads(more.get())
        _log_to(Path(request["folder"]) / LOG)
    return code


def _run(request: dict[str, Any], send: Callable[[dict[str, object]], None], stop: Callable[[], bool]) -> int:
    """Run a job as its experiment asks, whatever was run before; the exit code that says how it ended."""

    def fail(message: str) -> int:
        send({"event": "error", "message": message})
        _log(message)
        return 2

    sys.path += [folder for folder in request["path"] if folder not in sys.path]
    try:
        import torch

        from sayso.learners.numerics import Numerics
        from sayso.runs.execute import StoppedError, execute, threads_begun_with
        from sayso.runs.measure import measure_job

        experiment = load_spec(request["experiment"], "experiment", own_only=False)
        job = Job(Cell(request["cell"], experiment), tuple(request["seeds"]))
        folder = JobFolder(Path(request["folder"]))
        Numerics(experiment.deterministic, experiment.tf32).set_up()
        # numbers of a large model depend on it, so that what was begun goes on with as many
        torch.set_num_threads(threads_begun_with(folder) or request["threads"])
        measures = [Measure.model_validate(data) for data in request["measures"]]
        lapsed = request["lapsed"]
        holding: dict[str, Any] = {"wait_s": 0.0, "lapsed": None if lapsed is None else tuple(lapsed)}
        if measures:
            measure_job(job, folder, measures, send, train_again=request["train_again"], **holding)
            return 0
        try:
            execute(job, folder, send, save_models=request["save_models"], stop=stop, **holding)
        except StoppedError as error:
            send({"event": "stopped", "message": str(error)})
            return EXIT_STOPPED
    except (HeldError, LostError) as error:
        send({"event": "held", "message": str(error)})
        return EXIT_HELD
    except SaysoError as error:
        return fail(str(error))
    except OSError as error:
        place = error.filename or request["folder"]
        reason = error.strerror or error
        return fail(f"{place}: {reason}; once that is mended, the same command goes on")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers", "tokenizers", "safetensors"):
            raise
        return fail(f"training needs {error.name}: {installing('train')}")
    except KeyboardInterrupt:
        return EXIT_STOPPED
    return 0


def _log_to(log: Path) -> None:
    """Let standard error go on in another file, as far as it can be opened."""
    sys.stderr.flush()
    with contextlib.suppress(OSError), log.open("ab") as file:
        os.dup2(file.fileno(), 2)


def _stop_with_parent(stop: threading.Event, more: queue.SimpleQueue[str]) -> None:
    """Pass on further lines of standard input, and end this process when it is closed.

    It is read past Python's buffer, whose lock would bar this process's exit.
    """
    said = b""
    while read := os.read(sys.stdin.fileno(), 1 << 16):
        *lines, said = (said + read).split(b"\n")
        for line in lines:
            if line == STOP.encode():
                stop.set()
            else:
                more.put(line.decode())
    os._exit(EXIT_STOPPED)


if __name__ == "__main__":
    sys.exit(main())
