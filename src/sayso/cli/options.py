"""What commands share: arguments and options, and how their help ends."""

from __future__ import annotations

import typer

from sayso.cli import completing
from sayso.core.errors import SaysoError

NAME = typer.Argument(
    metavar="NAME",
    help="Name in the catalogue ('sayso list'), a YAML or JSON file, or an Experiment of your own: module:NAME or "
    "FILE.py:NAME.",
    autocompletion=completing.experiments,
)
DIR = typer.Argument(
    metavar="DIR",
    help="Results folder, or its name below sayso-results; the newest if not given.",
    autocompletion=completing.folders,
)
SET = typer.Option(
    "--set",
    metavar="PATH=VALUE",
    help="Change a setting ('sayso show' lists them).",
    autocompletion=completing.settings,
)
SWEEP = typer.Option(
    "--sweep",
    metavar="PATH=LIST",
    help="Try each value of a list: an axis of cells.",
    autocompletion=completing.settings,
)
MODEL = typer.Option(
    metavar="NAME|PATH",
    help="A pretrained model: hub name or folder. For pocket experiments what to train from scratch: an architecture "
    "of transformers (gpt_neox, gpt2, llama, ...) or a config.json.",
)
KNOWLEDGE = typer.Option(
    metavar="NAME|FILE",
    help="Facts: cvdb, trex, their files, or a table of your own. For pocket experiments notables, synthetic, or a CSV "
    "file in the CVDB's columns.",
)
CONTROL = typer.Option(
    "--control", help="Its control instead, NAME-control: nothing tells the sources apart, so it must find nothing."
)
CODE = typer.Option(
    metavar="DIR",
    help="Where modules of your own are, if an experiment has any. [default: the folder of FILE.py, or this one]",
)


def examples(*commands: str) -> str:
    r"""The end of a command's help; ``\b`` keeps its lines."""
    return "\n".join(
        ["\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {command}" for command in commands)]
    )


def by_old_name(new: str, old: str) -> None:
    """Say on standard error that an option was given by a name that is deprecated."""
    typer.echo(f"sayso: note: {old} is deprecated: it is called {new}", err=True)


def not_both(*, csv: bool, json: bool) -> None:
    """Refuse two forms at a time by a SaysoError."""
    if csv and json:
        raise SaysoError("--csv and --json exclude each other; choose one")
