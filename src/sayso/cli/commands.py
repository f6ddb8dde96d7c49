"""All commands under one name: ``sayso COMMAND --help`` says what each does, with an example.

Parsing only: each command hands over to `sayso.api`, and what it gives back to `sayso.cli.terminal`. Whatever the user
can put right ends in one line on standard error and exit code 2. What a command needs it imports itself, so that help
is there at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sayso.cli import data, demo, doctor, experiments, export, folders, paper, query, trust, watch
from sayso.cli.errors import OneLineErrors
from sayso.cli.options import examples

app = typer.Typer(
    cls=OneLineErrors,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(demo.app)
app.add_typer(experiments.app)
app.add_typer(folders.app)
app.add_typer(watch.app)
app.add_typer(query.app)
app.add_typer(export.app)
app.add_typer(paper.app)
app.add_typer(trust.app)
app.add_typer(doctor.app)
app.add_typer(data.app, name="data")


@app.callback(invoke_without_command=True, epilog=examples("sayso demo", "sayso run pocket"))
def sayso(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print versions of sayso and of what matters, and stop.")
    ] = False,
) -> None:
    """On whose say-so? See which statements a language model comes to believe, and why."""
    if version:
        from sayso.cli.versions import versions_page

        typer.echo(versions_page())
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
