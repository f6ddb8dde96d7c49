import subprocess
import sys
from pathlib import Path

import pytest

#: Press Ctrl-C when the module that is named first is imported, then run the command.
PRESS = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
where, how, *words = sys.argv[1:]
class Press:
    def find_spec(self, name, path=None, target=None):
        if name == where:
            print("pressed", flush=True)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Press())
sys.argv = ["sayso", *words]
if how == "-m":
    runpy.run_module("sayso", run_name="__main__")
else:
    from sayso.cli.app import main
    main()
"""


def pressed(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRESS, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("how", ["console", "-m"])
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("sayso.cli.interrupts", ["list"]),
        ("sayso.cli.commands", ["list"]),
        ("typer", ["--help"]),
        ("numpy", ["list"]),
        ("pydantic", ["run", "pocket"]),
        ("rich", ["show", "pocket"]),
        ("sayso.runs.needed", ["run", "pocket"]),
    ],
)
def test_ctrl_c_while_sayso_begins_ends_it_without_a_word(
    how: str, where: str, words: list[str], tmp_path: Path
) -> None:
    done = pressed(where, how, *words, folder=tmp_path)
    assert done.stdout.splitlines()[:1] == ["pressed"]
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_that_is_to_be_ignored_is_ignored(tmp_path: Path) -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from sayso.cli.interrupts import quiet_interrupts\n"
        "with quiet_interrupts(): os.kill(os.getpid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('still here')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"still here\n"


def test_ctrl_c_is_a_keyboard_interrupt_where_nothing_is_imported(tmp_path: Path) -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sayso.cli.interrupts import quiet_interrupts\n"
        "with quiet_interrupts():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT); print('not reached')\n"
        "    except KeyboardInterrupt: print('put in order', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('not reached')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"put in order\n", b"")
