"""The command line: ``sayso COMMAND --help`` says what each command does, with an example.

Parsing only: each command hands over to `sayso.api`, and what it gives back to `sayso.cli.terminal`. Whatever
the user can put right ends in one line on standard error and exit code 2.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sayso import __version__, api
from sayso.cli import data as cli_data
from sayso.cli.configure import configure, go_on_command
from sayso.cli.errors import OneLineErrors, sigterm_as_ctrl_c
from sayso.cli.helptext import examples as _examples
from sayso.core.errors import SaysoError
from sayso.core.store import Store
from sayso.results import RESULTS, Results, default_results

app = typer.Typer(
    cls=OneLineErrors,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cli_data.app, name="data")

NAME = typer.Argument(metavar="NAME", help="Name in the catalogue ('sayso list'), module:NAME, or a YAML or JSON file.")
DIR = typer.Argument(metavar="[DIR]", help="Results folder, or its name below sayso-results; the newest if not given.")
SET = typer.Option("--set", metavar="PATH=VALUE", help="Change a setting ('sayso show' lists them); a list is an axis.")
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


@app.callback(invoke_without_command=True, epilog=_examples("sayso run pocket"))
def sayso(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """On whose say-so? See which statements a language model comes to believe, and why."""
    if version:
        typer.echo(f"sayso {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list", epilog=_examples("sayso list"))
def list_() -> None:
    """List the experiments of the catalogue."""
    from sayso.cli import terminal

    terminal.show(terminal.catalogue(api.experiments().values()))


@app.command(
    epilog=_examples("sayso show pocket", "sayso show pocket --set train.batch_size='[32, 64]' --json > mine.json")
)
def show(
    name: Annotated[str, NAME],
    settings: Annotated[list[str] | None, SET] = None,
    model: Annotated[str | None, MODEL] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    gpu: Annotated[
        str | None, typer.Option(metavar="GPU", help="Estimate operations, memory and hours on it. [A100-80GB]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON that 'sayso run FILE' takes.")] = False,
) -> None:
    """Show an experiment: settings, subsets, stages, seeds, digest.

    For models of transformers also what a run will take.
    """
    from sayso.cli import terminal
    from sayso.cli.cost_page import PAPERS_GPU, cost_page
    from sayso.learners.specs import HFModel
    from sayso.runs.gpus import find_gpu

    experiment = configure(name, settings or [], model, knowledge)
    card = find_gpu(gpu or PAPERS_GPU)
    if json:
        typer.echo(experiment.model_dump_json(indent=1))
        return
    terminal.show(terminal.experiment_page(experiment))
    if gpu or isinstance(experiment.model, HFModel):
        terminal.show("", cost_page(experiment, card))


@app.command(
    epilog=_examples(
        "sayso run pocket", "sayso run pocket --seeds 100-103 --set stages.stage1.epochs=5 --out few-epochs"
    )
)
def run(
    name: Annotated[str, NAME],
    seeds: Annotated[str | None, typer.Option(metavar="N|a-b", help="How many seeds, or from which to which.")] = None,
    settings: Annotated[list[str] | None, SET] = None,
    model: Annotated[str | None, MODEL] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Results folder. [sayso-results/NAME]")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes at a time. [one per core; one for a large model on a GPU]"),
    ] = None,
    save_models: Annotated[
        bool, typer.Option("--save-models", help="Keep each seed's model after each stage, for transformers.")
    ] = False,
) -> None:
    """Run an experiment; ends with results, claims and a report.

    What is finished in the results folder is kept and not run again.

    Ctrl-C stops it, and the same command goes on where it was. With changed settings, results go to a folder of their
    own, sayso-results/NAME-DIGEST.
    """
    from sayso.cli import terminal
    from sayso.cli.display import Display

    experiment = configure(name, settings or [], model, knowledge)
    folder = out or api.results_folder(experiment, api.load(name))
    errors = terminal.console(stderr=True)
    try:
        with sigterm_as_ctrl_c(), Display(errors, folder) as display:
            results = api.run(
                experiment,
                out=folder,
                seeds=seeds,
                jobs=jobs,
                save_models=save_models,
                on_plan=display.on_plan,
                on_event=display.on_event,
            )
    except KeyboardInterrupt:
        errors.print("stopped; the same command goes on where it was")
        raise typer.Exit(130) from None
    terminal.show(terminal.results_page(results.table()))
    terminal.show("", terminal.claims_page(results.claims()))
    terminal.show("", f"report: {results.report()}")


@app.command(epilog=_examples("sayso status"))
def status(folder: Annotated[Path | None, DIR] = None) -> None:
    """Say how far a results folder has come, and how to go on."""
    from sayso.cli import terminal
    from sayso.runs.status import status as status_of

    found = status_of(_results(folder).store)
    terminal.show(terminal.status_page(found, go_on_command(found) if found.unfinished else None))


@app.command(epilog=_examples("sayso results", "sayso results sayso-results/pocket --csv > pocket.csv"))
def results(
    folder: Annotated[Path | None, DIR] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print every record as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every record as JSON.")] = False,
) -> None:
    """Print exact match after each stage, or every record.

    Means over seeds with 95% intervals, by subset, on questions and on entity attribution.
    """
    if csv and json:
        raise SaysoError("--csv and --json exclude each other; choose one")
    from sayso.cli import terminal
    from sayso.report import table

    found = _results(folder)
    if csv:
        typer.echo(table.to_csv(found.records()), nl=False)
    elif json:
        typer.echo(table.to_json(found.records()), nl=False)
    else:
        terminal.show(terminal.results_page(found.table()))


@app.command(epilog=_examples("sayso claims sayso-results/pocket"))
def claims(folder: Annotated[Path | None, DIR] = None) -> None:
    """Say which claims of the paper hold in a results folder."""
    from sayso.cli import terminal

    terminal.show(terminal.claims_page(_results(folder).claims()))


@app.command(epilog=_examples("sayso report sayso-results/pocket"))
def report(folder: Annotated[Path | None, DIR] = None) -> None:
    """Write report.html with its figures and print its path."""
    typer.echo(_results(folder).report())


@app.command(epilog=_examples("sayso sample pocket --subset D5cons -n 3", "sayso sample pocket-digits --png grids.png"))
def sample(
    name: Annotated[str, NAME],
    subset: Annotated[
        str | None, typer.Option(metavar="S", help="Only documents of this subset, such as D5cons.")
    ] = None,
    each: Annotated[
        int, typer.Option("-n", min=1, metavar="N", help="How many documents of every subset and use.")
    ] = 2,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="K", help="The seed that draws them. [the experiment's first]")
    ] = None,
    settings: Annotated[list[str] | None, SET] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="Also draw them: on one sheet (NAME.png), or a file each in a folder."),
    ] = None,
) -> None:
    """Print documents as the model sees them, by use and subset."""
    from sayso.cli import terminal
    from sayso.samples import sample_documents, sample_pictures, write_pictures

    experiment = configure(name, settings or [], knowledge=knowledge)
    terminal.show(terminal.documents_page(sample_documents(experiment, each=each, seed=seed, subset=subset)))
    if png is not None:
        drawn = sample_pictures(experiment, each=each, seed=seed, subset=subset)
        write_pictures(drawn, png)
        terminal.show("", f"pictures, in the same order: {png}")


def main() -> None:
    """Entry point of the ``sayso`` command."""
    sys.path.append(os.getcwd())  # where a user's module:NAME is looked for last
    app()


def _results(folder: Path | None) -> Results:
    """The results folder meant: as it is, or else of that name below ``sayso-results``."""
    if folder is None:
        return Results(default_results())
    below = RESULTS / folder
    return Results(below if not Store(folder).experiment_path.exists() and below.is_dir() else folder)


if __name__ == "__main__":
    main()
