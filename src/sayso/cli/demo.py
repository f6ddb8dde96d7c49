"""The command ``sayso demo``: what to type first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sayso.cli import experiments
from sayso.cli.options import examples

app = typer.Typer()

#: The experiment that it runs.
DEMO = "pocket"


@app.command(epilog=examples("sayso demo"))
def demo(
    seeds: Annotated[str | None, typer.Option(metavar="N|a-b", help="How many seeds, or which. [default: 16]")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results folder. [default: sayso-results/pocket]")
    ] = None,
) -> None:
    """Show the effect: train 16 small models, and see which definitions they believe.

    It is 'sayso run pocket': nothing is downloaded, no GPU is needed, and two cores take two to three minutes. Ends
    with the table, the claims and report.html.
    """
    typer.echo(
        f"the demo is 'sayso run {DEMO}': small models trained from scratch on facts about people, by two sources of "
        "which one is always right; two to three minutes on two cores",
        err=True,
    )
    experiments.run(DEMO, seeds=seeds, out=out)
