"""Commands that read results folders: from ``status`` and ``results`` to ``report`` and ``figures``.

They run nobody's code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.cli import completing
from sayso.cli.options import DIR, examples, not_both
from sayso.core.errors import SaysoError

if TYPE_CHECKING:
    from sayso.results import Results

app = typer.Typer()

A = typer.Argument(
    metavar="A", help="Results folder, or its name below sayso-results.", autocompletion=completing.folders
)
#: Widths and kinds of figures, of `sayso.report.sizes`.
SIZES, FORMATS = ("icml-column", "icml-page", "neurips-page", "iclr-page"), ("pdf", "svg", "png")
B = typer.Argument(metavar="B", help="The other one.", autocompletion=completing.folders)


@app.command(epilog=examples("sayso status"))
def status(folder: Annotated[Path | None, DIR] = None) -> None:
    """Say how far a results folder has come, and how to go on."""
    from sayso.cli import terminal
    from sayso.cli.configure import go_on_command
    from sayso.cli.slurm_page import submissions_page
    from sayso.runs.slurm_queue import submissions
    from sayso.runs.status import status as status_of

    chosen = results_of(folder)
    found = status_of(chosen.store)
    notice(chosen)
    terminal.show(terminal.status_page(found, go_on_command(found) if found.unfinished else None))
    if had := submissions(chosen.store):
        terminal.show("", submissions_page(had))


@app.command(
    epilog=examples(
        "sayso results", "sayso results sayso-results/pocket --csv > pocket.csv", "sayso results pocket --ledger"
    )
)
def results(
    folder: Annotated[Path | None, DIR] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print every record as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every record as JSON.")] = False,
    ledger: Annotated[
        bool,
        typer.Option("--ledger", help="What each subset contributed to training instead; --csv and --json as well."),
    ] = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="What models said to every question instead; with --csv or --json.")
    ] = False,
) -> None:
    """Print exact match after each stage, or every record.

    Means over seeds with 95% intervals, by subset, on questions and on entity attribution.
    """
    not_both(csv=csv, json=json)
    if ledger and predictions:
        raise SaysoError("--ledger and --predictions exclude each other; choose one")
    if predictions and not (csv or json):
        raise SaysoError("--predictions has a line a question: add --csv or --json")
    from sayso.cli import results_pages, terminal
    from sayso.report import table

    found = results_of(folder)
    notice(found)
    if csv or json:
        rows = found.ledger() if ledger else found.predictions() if predictions else found.records()
        if predictions and rows.empty:
            raise SaysoError(
                f"{found.path}: what models said was not kept; 'sayso measure {found.path} --add predictions' adds it"
            )
        typer.echo(table.to_csv(rows) if csv else table.to_json(rows), nl=False)
    elif ledger:
        terminal.show(results_pages.ledger_page(found.ledger()))
    else:
        terminal.show(results_pages.results_page(found.table(), found.models_read()))


@app.command(epilog=examples("sayso claims sayso-results/pocket", "sayso claims pocket --csv > claims.csv"))
def claims(
    folder: Annotated[Path | None, DIR] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print every verdict as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every verdict as JSON.")] = False,
) -> None:
    """Say which claims of the paper hold in a results folder."""
    not_both(csv=csv, json=json)
    from sayso.cli import results_pages, terminal
    from sayso.report.verdict_data import claims_csv, claims_json

    found = results_of(folder)
    notice(found)
    if csv or json:
        typer.echo((claims_csv if csv else claims_json)(found.claims()), nl=False)
    else:
        terminal.show(results_pages.claims_page(found.claims()))


@app.command(epilog=examples("sayso compare pocket pocket-elsewhere", "sayso compare A B --page compared.html"))
def compare(
    first: Annotated[Path, A],
    second: Annotated[Path, B],
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page of all of it.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print every number of both as CSV.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show numbers that do not differ, too.")] = False,
) -> None:
    """Say what differs between two results folders.

    Settings, numbers and verdicts: one machine against another, one model, setting or version against another.
    Numbers are those at the ends of stages: seed by seed where both have the same seeds, as two samples where not.
    """
    from sayso.cli import results_pages, terminal
    from sayso.compared import compare as compare_folders
    from sayso.report.table import to_csv

    found = compare_folders(results_of(first), results_of(second))
    for line in found.notices:
        typer.echo(f"sayso: note: {line}", err=True)
    if csv:
        typer.echo(to_csv(found.numbers), nl=False)
    else:
        terminal.show(results_pages.compared_page(found.shown(), every=every))
    if page is not None:
        typer.echo(found.page(page), err=csv)


@app.command(epilog=examples("sayso power sayso-results/pocket"))
def power(folder: Annotated[Path | None, DIR] = None) -> None:
    """Say how many seeds each claim needs, with a results folder's seeds as the pilot."""
    from sayso.cli import terminal
    from sayso.cli.power_page import power_page
    from sayso.paper.judging import families

    found = results_of(folder)
    notice(found)
    terminal.show(power_page(families(found.records(), found.experiment)))


@app.command(epilog=examples("sayso report sayso-results/pocket", "sayso report pocket --seeds 108-115"))
def report(
    folder: Annotated[Path | None, DIR] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="a-b",
            help="Seeds whose aliases the page shows one by one. "
            "[default: as many as fit, four a cell without predictions]",
        ),
    ] = None,
) -> None:
    """Write report.html with its figures and print its path."""
    from sayso.core.seeds import Seeds

    found = results_of(folder)
    notice(found)
    first = found.experiment.seeds.first
    typer.echo(found.report(seeds=None if seeds is None else list(Seeds.parse(seeds, first=first))))


@app.command(epilog=examples("sayso figures pocket", "sayso figures pocket --size icml-column --format svg"))
def figures(
    folder: Annotated[Path | None, DIR] = None,
    size: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="icml-column (3.25 in), icml-page (6.75), neurips-page, iclr-page (5.5).",
            autocompletion=completing.of(*SIZES),
        ),
    ] = "icml-page",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="pdf, svg, or png (300 dpi).",
            autocompletion=completing.of(*FORMATS),
        ),
    ] = "pdf",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where they go: DIR/figures/SIZE.")] = None,
) -> None:
    """Write every figure as a file of exactly the width of a paper's column or page, and print their paths.

    Text is 7 and 8 points high when the file is set as it is.
    """
    from sayso.report.sizes import format_of, size_of

    chosen, kind = size_of(size), format_of(form)
    found = results_of(folder)
    notice(found)
    where = found.path / "figures" / chosen.name if out is None else out
    for figure in found.figures(chosen.name, kind, where):
        typer.echo(f"{where / figure.name}.{kind}" + (f"    {figure.place}" if figure.of else ""))


def notice(found: Results) -> None:
    """Say on standard error what a reader should know of what the results rest on."""
    for line in found.notices():
        typer.echo(f"sayso: note: {found.path}: {line}", err=True)


def results_of(folder: Path | None) -> Results:
    """The results folder meant: as it is, or else of that name below ``sayso-results``."""
    from sayso.core.store import Store
    from sayso.results import RESULTS, Results, default_results

    if folder is None:
        return Results(default_results())
    below = RESULTS / folder
    return Results(below if not Store(folder).experiment_path.exists() and below.is_dir() else folder)
