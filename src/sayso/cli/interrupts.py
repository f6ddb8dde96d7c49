"""Ctrl-C at any moment: exit code 130, and no traceback."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

#: What a shell takes for the end by Ctrl-C.
INTERRUPTED = 130


@contextlib.contextmanager
def quiet_interrupts() -> Iterator[None]:
    """Meet Ctrl-C by `interrupt`, and in the end, when nothing is left to be put in order, by ending at once.

    Whoever started this process may have told it to ignore Ctrl-C, as shells do in the background: then it does.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Stop as after Ctrl-C when told to terminate, so that the terminal is left in order."""
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def stoppable(said: str) -> Iterator[None]:
    """Let Ctrl-C stop what is done, with a word on what the same command will do."""
    import typer

    try:
        with sigterm_as_ctrl_c():
            yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command {said}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`; while a module is being imported, end at once.

    Libraries that are interrupted half-way through an import say so in many lines, or take it for something else.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            _end(number, frame)
        frame = frame.f_back
    raise KeyboardInterrupt


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
