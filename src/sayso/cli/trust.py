"""The command that asks a model which sources it trusts: ``sayso trust``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.cli.options import SET, by_old_name, examples
from sayso.core.errors import SaysoError

if TYPE_CHECKING:
    from sayso.trusted import Runner

app = typer.Typer()


@app.command(
    epilog=examples(
        "sayso trust --model HuggingFaceTB/SmolLM2-135M --sources sources.csv --knowledge facts.csv --entities 40",
        "sayso trust --model pocket --sources sources.csv --latin-squares 4 --no-controls",
    )
)
def trust(
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH",
            help="A pretrained model: hub name or folder; or pocket, a small one that is trained first.",
        ),
    ],
    sources: Annotated[
        Path, typer.Option(metavar="FILE", help="A table with the columns source and text, a row a phrase.")
    ],
    knowledge: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Facts: a table of your own, cvdb or trex. [default: the shipped people]"),
    ] = None,
    entities: Annotated[
        int | None,
        typer.Option(
            "--entities",
            "--people",
            min=1,
            metavar="N",
            help="How many entities of the facts. [default: all; pocket: 12]",
        ),
    ] = None,
    aliases: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Fresh names of each entity. [default: 1; pocket: 16]")
    ] = None,
    definition: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE", help="How a definition is written. [default: '{tag} {alias} refers to {entity}.']"
        ),
    ] = None,
    lora: Annotated[
        int | None, typer.Option(min=1, metavar="RANK", help="Train by LoRA of this rank. [default: the whole model]")
    ] = None,
    latin_squares: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Latin squares; each takes a seed a source. [default: 2, or for 16 seeds]"
        ),
    ] = None,
    squares: Annotated[int | None, typer.Option("--squares", min=1, hidden=True)] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="N|a-b", help="The seeds of whole squares instead, as 100-119.")
    ] = None,
    controls: Annotated[
        list[str] | None,
        typer.Option("--control", metavar="phrases|twice", help="This control; may be repeated. [default: both]"),
    ] = None,
    no_controls: Annotated[bool, typer.Option("--no-controls", help="Run no control.")] = False,
    settings: Annotated[list[str] | None, SET] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Results folder; controls go to DIR-phrases, DIR-twice. [default: sayso-results/trust]"
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes at a time.")] = None,
) -> None:
    """Find out which sources a model trusts.

    Each source defines fresh names of known entities, in turn over a square of seeds, and the model is trained on that
    alone; whom it believes is ranked, with a verdict on whether sources differ at all. Two controls are run as well:
    random tags in place of phrases, and each source under two names. What is finished is kept; Ctrl-C stops it, and the
    same command goes on. Ends with trust.html.
    """
    from sayso.cli import terminal
    from sayso.cli.configure import parse_settings
    from sayso.cli.interrupts import stoppable
    from sayso.cli.trust_page import trust_page
    from sayso.trusted import CONTROLS
    from sayso.trusted import trust as find_out

    if no_controls and controls:
        raise SaysoError("--control and --no-controls exclude each other; choose one")
    if squares is not None:
        if latin_squares is not None:
            raise SaysoError("--squares is the old name of --latin-squares; give --latin-squares alone")
        by_old_name("--latin-squares", "--squares")
        latin_squares = squares
    if latin_squares is not None and seeds is not None:
        raise SaysoError("--latin-squares and --seeds exclude each other; choose one")
    chosen = [] if no_controls else controls or list(CONTROLS)
    with stoppable("goes on where it was"):
        found = find_out(
            sources,
            model,
            knowledge,
            out=out,
            controls=chosen,
            run=_runner(jobs),
            entities=entities,
            aliases=aliases,
            definition=definition,
            lora=lora,
            latin_squares=latin_squares,
            seeds=seeds,
            settings=parse_settings(settings or []),
        )
    rows, beside = found.sources(), found.found_of_controls()
    terminal.show(trust_page(rows, beside))
    terminal.show("", f"page: {found.page(rows, beside)}")


def _runner(jobs: int | None) -> Runner:
    """Runs an experiment as ``sayso run`` does, watched."""
    from sayso import api
    from sayso.cli import terminal
    from sayso.cli.display import Display
    from sayso.core.experiment import Experiment

    def run(experiment: Experiment, folder: Path) -> None:
        with Display(terminal.console(stderr=True), folder) as display:
            api.run(experiment, out=folder, jobs=jobs, on_plan=display.on_plan, on_event=display.on_event)

    return run
