"""The command ``sayso doctor``: what there is to run on. It runs the user's own code only to find an experiment."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from sayso.cli import completing
from sayso.cli.options import CODE, KNOWLEDGE, MODEL, examples
from sayso.core.errors import SaysoError

app = typer.Typer()

EXPERIMENT = typer.Argument(
    metavar="NAME", help="An experiment: what it would use.", autocompletion=completing.experiments
)


@app.command(epilog=examples("sayso doctor", "sayso doctor laptop --model FOLDER", "sayso doctor --json"))
def doctor(
    name: Annotated[str | None, EXPERIMENT] = None,
    model: Annotated[str | None, MODEL] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    code: Annotated[Path | None, CODE] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what sayso sees of this machine, what it would use, and what is missing.

    GPUs, cores, memory, libraries, disks and the hub, each problem with the command that helps. It exits with 0 where
    runs can be done, with 1 where not. It asks the hub whether it answers, unless HF_HUB_OFFLINE=1 is set.
    """
    from sayso.cli import doctor_page, terminal
    from sayso.results import RESULTS
    from sayso.runs.doctor import examine

    experiment = None
    if name is not None:
        from sayso.cli.configure import configure, find

        experiment = configure(find(name, code), model=model, knowledge=knowledge)
    elif model is not None or knowledge is not None:
        raise SaysoError("--model and --knowledge are those of an experiment: name it, as in 'sayso doctor laptop'")
    found = examine(experiment, results=RESULTS)
    if json:
        typer.echo(dumps(doctor_page.doctor_data(found), indent=1))
    else:
        terminal.show(doctor_page.doctor_page(found))
    if not found.ready:
        raise typer.Exit(1)
