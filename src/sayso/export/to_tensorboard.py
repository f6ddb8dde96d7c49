"""Event files of TensorBoard: a run a seed, in folders that ``tensorboard --logdir`` shows, and adds to as they grow.

Only files are added to, and each only by the process that made it: one that was killed leaves a file whose end may be
cut off, and the next goes on in a new one. What a run has is read back as TensorBoard reads it.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sayso.core.store import Store
from sayso.export.folder import claimed, run_path
from sayso.export.following import EVERY_S, Added, Exported, export
from sayso.export.points import Fresh, Point, Run, Series


class TensorBoard:
    """Writes runs below a folder.

    Raises
    ------
    ModuleNotFoundError
        If tensorboard is not installed.
    """

    def __init__(self, out: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._out, self._reader, self._writer = out, EventAccumulator, RecordWriter
        self._files: dict[Run, Path] = {}

    def series(self, run: Run) -> Series:
        """What its event files hold, as TensorBoard would show it."""
        folder = self._folder(run)
        if not folder.is_dir():
            return Series()
        found = self._reader(str(folder), size_guidance={"scalars": 0})
        found.Reload()
        return Series(
            {
                tag: {event.step: (event.value, event.wall_time) for event in found.Scalars(tag)}
                for tag in found.Tags()["scalars"]
            }
        )

    def add(self, run: Run, fresh: Fresh, series: Series) -> None:
        """Append what is fresh. Where the run had something else, it begins again from that step on."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        events = []
        if run not in self._files:
            folder = self._folder(run)
            first = not folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
            self._files[run] = _next_file(folder)
            events.append(Event(wall_time=time.time(), file_version="brain.Event:2"))
            if first:
                events.append(_settings(run, fresh.points[0].time))
        points = fresh.points
        if fresh.back_to is not None:
            points = series.since(fresh.back_to)
            log = SessionLog(status=SessionLog.START)
            events.append(Event(wall_time=points[0].time, step=fresh.back_to, session_log=log))
        events += map(_event, points)
        with self._files[run].open("ab") as file:
            writer = self._writer(file)
            for event in events:
                writer.write(event.SerializeToString())

    def close(self, run: Run) -> None:
        """What comes later goes into a new file."""
        self._files.pop(run, None)

    def _folder(self, run: Run) -> Path:
        folder = self._out / run_path(run.cell, run.seed)
        return folder / f"stage2-seed-{run.stage2_seed}" if run.stage2_seed else folder


def _next_file(folder: Path) -> Path:
    """A name after those that are there: TensorBoard reads files in the order of their names."""
    there = sorted(path.name for path in folder.glob("events.out.tfevents.*"))
    last = int(there[-1].split(".")[3]) if there else 0
    return folder / f"events.out.tfevents.{max(last, int(time.time())):010d}.{len(there):06d}.{socket.gethostname()}"


def _event(point: Point) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=tag, simple_value=value) for tag, value in point.values.items()]
    return Event(wall_time=point.time, step=point.step, summary=Summary(value=values))


def _settings(run: Run, wall_time: float) -> Any:
    """What a run rests on, as text."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.text.summary_v2 import text_pb

    said = json.dumps({"experiment": run.experiment, **run.config}, indent=1, ensure_ascii=False)
    return Event(wall_time=wall_time, step=0, summary=text_pb("settings", f"```json\n{said}\n```"))


def to_tensorboard(
    store: Store,
    out: Path,
    *,
    follow: bool = False,
    every: float = EVERY_S,
    on_added: Callable[[Added], None] | None = None,
) -> Exported:
    """Write a results folder's records below a folder, as TensorBoard reads them; again adds only what is new.

    Raises
    ------
    SaysoError
        See `sayso.export.following.export`, `sayso.export.folder.claimed`.
    ModuleNotFoundError
        If tensorboard is not installed.
    """
    experiment, tracker = store.experiment(), TensorBoard(out)
    with claimed(out, experiment, "tensorboard"):
        return export(store, tracker, follow=follow, every=every, on_added=on_added)
