"""The command that runs the whole paper, or looks at how far it has come: ``sayso paper``."""

from __future__ import annotations

import json as json_lib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sayso.cli import completing
from sayso.cli.options import by_old_name, examples, not_both

if TYPE_CHECKING:
    from sayso.whole_paper import Runner

app = typer.Typer()


@app.command(epilog=examples("sayso paper", "sayso paper --only pocket --only pocket-t5", "sayso paper --no-run --csv"))
def paper(
    scale: Annotated[
        Literal["pocket", "full"], typer.Option(help="At pocket size on a laptop, or at full size on GPUs.")
    ] = "pocket",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder that holds a results folder of each. [default: sayso-results]"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This experiment; may be repeated.", autocompletion=completing.experiments),
    ] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N|a-b", help="How many seeds of each, or which.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes at a time.")] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Run nothing; judge what is there.")] = False,
    look: Annotated[bool, typer.Option("--look", hidden=True)] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every claim as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every claim as JSON.")] = False,
) -> None:
    """Run the whole paper, and judge its claims by figure.

    Every experiment at one size, one after the other. What is finished is kept and not run again; Ctrl-C stops it, and
    the same command goes on where it was. Ends with paper.html, every claim by figure, with the way to each
    experiment's report.
    """
    not_both(csv=csv, json=json)
    if look:
        by_old_name("--no-run", "--look")
        no_run = True
    from sayso.cli import paper_page, terminal
    from sayso.cli.interrupts import stoppable
    from sayso.core.seeds import Seeds
    from sayso.paper.table import TABLE
    from sayso.paper.whole import experiments_of
    from sayso.report.whole import ledger_csv
    from sayso.results import RESULTS
    from sayso.whole_paper import whole_paper

    if not no_run:
        each = None if seeds is None else Seeds.parse(seeds)
        wanted = [TABLE[name].experiment for name in experiments_of(scale) if not only or name in only]
        if wanted:
            typer.echo(f"{paper_page.takes(wanted, each)}; what is finished is not run again", err=True)
    with stoppable("goes on where it was"):
        found = whole_paper(scale, out or RESULTS, only=only or (), run=None if no_run else _runner(seeds, jobs))
    figures = found.figures()
    if csv:
        typer.echo(ledger_csv(figures), nl=False)
    elif json:
        typer.echo(json_lib.dumps(paper_page.as_data(figures), indent=1, ensure_ascii=False))
    else:
        terminal.show(paper_page.ledger(figures, found.refused))
    if found.there:
        typer.echo(f"page: {found.page(figures)}", err=csv or json)


def _runner(seeds: str | None, jobs: int | None) -> Runner:
    """Runs an experiment as ``sayso run`` does, watched."""
    from sayso import api
    from sayso.cli import terminal
    from sayso.cli.display import Display

    def run(name: str, folder: Path) -> None:
        with Display(terminal.console(stderr=True), folder) as display:
            api.run(
                api.load(name), out=folder, seeds=seeds, jobs=jobs, on_plan=display.on_plan, on_event=display.on_event
            )

    return run
