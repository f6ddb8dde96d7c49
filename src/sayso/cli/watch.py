"""``sayso watch``: a results folder while it is run, on the terminal or in a browser. It runs nobody's code."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.cli.options import DIR, examples
from sayso.core.errors import SaysoError

if TYPE_CHECKING:
    from sayso.runs.watching import CellSeen, JobSeen, Seen, Watcher

app = typer.Typer()

#: Seconds between two looks, at least, and how many times as long as a look takes.
EVERY_S, TIMES = 2.0, 5.0
LOOPBACK = "127.0.0.1"


@app.command(epilog=examples("sayso watch", "sayso watch sayso-results/pocket --serve"))
def watch(
    folder: Annotated[Path | None, DIR] = None,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Serve a page for a browser, until Ctrl-C.")] = False,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help=f"Address to serve on; any other takes a token. [default: {LOOPBACK}]"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to serve on. [default: one that is free]")
    ] = None,
    token: Annotated[
        bool, typer.Option("--token", help="A token on this machine, too: others have accounts on it.")
    ] = False,
) -> None:
    """Watch a results folder while it is run, here or on another machine, from its files alone.

    On a terminal until all jobs have finished, or Ctrl-C; a line now and then where output goes elsewhere.
    """
    from sayso.cli.folders import results_of
    from sayso.runs.watching import Watcher

    if once and serve:
        raise SaysoError("--once and --serve exclude each other; choose one")
    if not serve and (host is not None or port is not None or token):
        raise SaysoError("--host, --port and --token are of --serve: add it")
    store = results_of(folder).store
    if not store.path.is_dir():
        raise SaysoError(f"{store.path}: no such folder; 'sayso run NAME --out {store.path}' makes one")
    watcher = Watcher(store)
    if serve:
        _serve(watcher, host or LOOPBACK, port or 0, secret=token)
    else:
        _show(watcher, once=once)


def _show(watcher: Watcher, *, once: bool) -> None:
    """Show it on the terminal, again and again unless `once`."""
    from sayso.cli import terminal
    from sayso.cli.interrupts import sigterm_as_ctrl_c
    from sayso.cli.watch_page import Lines, live, watch_page

    seen = watcher.look()
    if once:
        terminal.show(watch_page(seen, watcher.curves(seen.of_interest()), _go_on(seen)))
        return
    output = terminal.console()
    with sigterm_as_ctrl_c():
        if not output.is_terminal or output.is_dumb_terminal:
            terminal.show(watch_page(seen, watcher.curves(seen.of_interest()), _go_on(seen)))
            lines = Lines(seen)
            while not seen.finished:
                seen = _next(watcher)
                for line in lines.news(seen):
                    typer.echo(line)
            return
        with live(output) as picture:
            while True:
                page = watch_page(seen, watcher.curves(seen.of_interest()), _go_on(seen), output.height)
                picture.update(page, refresh=True)
                if seen.finished:
                    return
                seen = _next(watcher)


def _next(watcher: Watcher) -> Seen:
    """Look again after a while. One look may fail, for a folder can be half made or half gone; two may not."""
    time.sleep(max(EVERY_S, TIMES * watcher.took))
    try:
        return watcher.look()
    except SaysoError:
        time.sleep(EVERY_S)
        return watcher.look()


def _serve(watcher: Watcher, host: str, port: int, *, secret: bool) -> None:
    """Serve it until Ctrl-C."""
    from sayso.cli.interrupts import sigterm_as_ctrl_c
    from sayso.cli.serving import PageServer
    from sayso.report.live import live_page

    states = States(watcher)
    page, policy = live_page(states.seen.experiment.name)
    with PageServer(host, port, page, policy, states.json, secret=secret) as server, sigterm_as_ctrl_c():
        typer.echo(f"{server.url}    (Ctrl-C ends it)")
        if server.token and not server.loopback:
            typer.echo("whoever has this address can read the page, over a connection that is not encrypted", err=True)
        server.serve_forever()


class States:
    """What the page is told, looked up at most once in a while however many ask.

    Raises
    ------
    SaysoError
        If the first look fails; what goes wrong later is said on the page, beside what was seen before.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._lock = watcher, threading.Lock()
        self._trouble, self._next = "", 0.0
        self.seen = self._look()

    def json(self, cell: str | None) -> str:
        """The state, with the curves of a cell by its place; of one of interest where none or no such is asked for."""
        with self._lock:
            if time.monotonic() >= self._next:
                try:
                    self.seen, self._trouble = self._look(), ""
                except SaysoError as error:
                    self._trouble = str(error)
                    self._next = time.monotonic() + EVERY_S
            names = [each.name for each in self.seen.cells]
            place = int(cell) if cell is not None and cell.isascii() and cell.isdigit() and len(cell) < 9 else -1
            name = names[place] if 0 <= place < len(names) else self.seen.of_interest()
            return json.dumps(self._state(self.seen, name), allow_nan=False)

    def _look(self) -> Seen:
        seen = self._watcher.look()
        self._next = time.monotonic() + max(EVERY_S / 2, TIMES * self._watcher.took)
        return seen

    def _state(self, seen: Seen, cell: str) -> dict[str, Any]:
        from sayso.report.live import chart

        curves = self._watcher.curves(cell)
        drawn = chart(curves.stages, curves.means, curves.subsets(seen.experiment), seen.experiment)
        return {
            "path": str(seen.path),
            "at": seen.at,
            "trouble": self._trouble,
            "cells": [_cell(each) for each in seen.cells],
            "seeds": sum(each.count for each in seen.cells),
            "jobs": [_job(each) for each in seen.jobs],
            "done": seen.done,
            "total": seen.total,
            "a_minute": seen.a_minute,
            "left": seen.left,
            "finished": seen.finished,
            "go_on": _go_on(seen),
            "curves": {"cell": cell, **drawn},
        }


def _cell(cell: CellSeen) -> dict[str, Any]:
    from sayso.core.seeds import seed_range

    states = {name: getattr(cell, name) for name in ("finished", "running", "stopped", "to_do")}
    return {"name": cell.name, **{name: {"seeds": seed_range(of), "count": len(of)} for name, of in states.items()}}


def _job(job: JobSeen) -> dict[str, Any]:
    from dataclasses import asdict

    from sayso.core.seeds import seed_range

    return {**asdict(job), "seeds": seed_range(job.seeds)}


def _go_on(seen: Seen) -> str | None:
    """The command that goes on where nothing runs that would."""
    from sayso.cli.configure import go_on_command

    running = any(job.state == "running" for job in seen.jobs)
    return None if running or seen.finished else go_on_command(seen.status)
