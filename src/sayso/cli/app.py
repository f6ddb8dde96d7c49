"""Where the ``sayso`` command begins, on a console or as ``python -m sayso``.

What holds for every command is put in order here, before anything that takes time is imported: the working folder is
not where modules are looked for, Ctrl-C ends in no traceback from the first moment on, and whatever is printed can be
printed. The commands themselves are in `sayso.cli.commands`.
"""

import os
import sys


def main() -> None:
    """Entry point of the ``sayso`` command."""
    try:
        _leave_working_folder()
        from sayso.cli.interrupts import quiet_interrupts

        with quiet_interrupts():
            from sayso.cli.commands import app
            from sayso.cli.streams import make_printable

            make_printable()
            app()
    except KeyboardInterrupt:  # before there was anything to be put in order
        os._exit(130)


def _leave_working_folder() -> None:
    """Take the working folder, which ``python -m`` puts there, off the path: files in it are not modules of ours."""
    try:
        here = os.getcwd()
    except OSError:  # it has been deleted
        here = ""
    if not sys.flags.safe_path and sys.path[:1] in ([""], [here]):
        del sys.path[0]
