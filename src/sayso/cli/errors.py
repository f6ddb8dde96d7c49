"""How a command ends: in one line of error and an exit code, never in a traceback."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from sayso.cli.interrupts import INTERRUPTED
from sayso.core.errors import SaysoError
from sayso.core.extras import PART_OF, advice
from sayso.learners.several import torchrun

_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # typer has moved its own click about


class OneLineErrors(TyperGroup):
    """Commands whose errors are one line and an exit code, never a traceback."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and exit: 0, 2 after an error the user can put right, 130 after Ctrl-C."""
        try:
            if torchrun.follows():
                return _follow()
            code = super().main(*args, **{**extra, "standalone_mode": False})
            if torchrun.started():
                torchrun.call(torchrun.OVER)
            sys.stdout.flush()
        except SaysoError as error:
            _fail(str(error))
        except _USAGE_ERROR as error:
            _fail(_usage(error))
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in PART_OF:
                raise
            _fail(f"this needs {package}, which is not installed: {advice(package)}")
        except OSError as error:
            if error.errno == errno.EPIPE:
                _reader_is_gone()
            _fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
        except (KeyboardInterrupt, typer.Abort):
            sys.exit(INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> str:
    """What is wrong with the words of a command, and whose help says what would be right."""
    said = str(getattr(error, "format_message", error.__str__)())
    words: list[str] = []
    context = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        words.insert(0, str(context.info_name))
        context = context.parent
    return f"{said} (see '{' '.join(['sayso', *words, '--help'])}')"


def _follow() -> NoReturn:
    """Do what the first process that torchrun has started asks for, whatever the command is."""
    from sayso.learners.several.follower import follow_calls

    follow_calls()
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    """One line on standard error, and exit code 2."""
    typer.echo(f"sayso: error: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _reader_is_gone() -> NoReturn:
    """Whoever read our output has stopped reading: end quietly, as other commands do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)
