"""The commands ``sayso data prepare``, ``show`` and ``check``. Parsing only, as in `sayso.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sayso.cli.options import examples

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def data(context: typer.Context) -> None:
    """Get the facts that questions are made of, and look at them."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=examples("sayso data prepare cvdb", "sayso data prepare trex --file TREx.zip"))
def prepare(
    source: Annotated[str, typer.Argument(metavar="cvdb|trex", help="Which of the paper's knowledge bases.")],
    file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The published file, if you have it. [default: downloaded]")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to keep it. [default: $SAYSO_CACHE, or the user's cache folder]"),
    ] = None,
) -> None:
    """Download a knowledge base and keep what is needed of it.

    A download that breaks off goes on where it was when the command is given again.
    """
    from sayso.cli import data_pages, terminal
    from sayso.data.published.cache import cache_folder
    from sayso.data.published.prepare import prepare as prepare_source

    with data_pages.Bars(terminal.console(stderr=True)) as bars:
        prepared = prepare_source(source, file, cache, bars.begin)
    terminal.show(data_pages.prepared_page(prepared))
    if cache is not None and cache != cache_folder():
        terminal.show(f"runs look for it there if SAYSO_CACHE={cache}")


FACTS = typer.Argument(
    metavar="cvdb|trex|FILE", help="What was prepared, T-REx's .zip, or a table: .csv, .json, .parquet, .xlsx, ..."
)
SETTING = typer.Option("--set", metavar="NAME=VALUE", help="How it is read, for example name_column=label.")
CHECKED = typer.Option(
    "--set",
    metavar="NAME=VALUE",
    help="How it is read, for example name_column=label; or a setting of the experiment, split.trained_questions=1.",
)


@app.command(
    epilog=examples(
        *("sayso data show cvdb", "sayso data show my-facts.csv -n 2", "sayso data show trex --json"),
        "sayso data show my-facts.xlsx --set name_column=label --set sheet=Facts",
    )
)
def show(
    facts: Annotated[str, FACTS],
    count: Annotated[int, typer.Option("-n", min=1, metavar="N", help="How many entities.")] = 5,
    settings: Annotated[list[str] | None, SETTING] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each question.")] = False,
) -> None:
    """Print what was taken for what in a table, and entities with their questions and accepted answers."""
    from sayso.cli import data_pages, terminal
    from sayso.cli.configure import facts_of
    from sayso.data.tables.table import Table

    knowledge = facts_of(facts, settings or [])
    found = knowledge.first(count)
    if json:
        typer.echo(data_pages.facts_json(found), nl=False)
        return
    if isinstance(knowledge, Table):
        terminal.show(data_pages.taken_page(knowledge.taken()), "")
    terminal.show(data_pages.facts_page(found))


@app.command(
    epilog=examples(
        "sayso data check my-facts.csv", "sayso data check my-facts.csv --experiment paper-t5 --model FOLDER"
    )
)
def check(
    facts: Annotated[str, FACTS],
    settings: Annotated[list[str] | None, CHECKED] = None,
    name: Annotated[
        str, typer.Option("--experiment", metavar="NAME", help="The experiment whose subsets they are for.")
    ] = "paper-main",
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|FOLDER", help="Also what this model's tokenizer makes of names and answers."),
    ] = None,
) -> None:
    """Say what is to be known of facts before anything is trained on them; exit code 1 where a run would be refused."""
    from sayso.cli import data_pages, terminal
    from sayso.cli.configure import find, with_facts
    from sayso.data.check import check as check_facts
    from sayso.data.tables.table import Table
    from sayso.learners.specs import HFModel
    from sayso.runs.spelling import check_spelling

    experiment, knowledge = with_facts(find(name), facts, settings or [])
    findings = check_facts(knowledge, experiment)
    if model is not None:
        findings += check_spelling(knowledge, experiment, HFModel(name=model))
    if isinstance(knowledge, Table):
        terminal.show(data_pages.taken_page(knowledge.taken()), "")
    terminal.show(data_pages.findings_page(findings))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
