"""Commands about experiments: ``list``, ``show``, ``run``, ``sample``. The user's own code runs here, if asked to."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from sayso.cli import completing
from sayso.cli.interrupts import stoppable
from sayso.cli.options import CODE, CONTROL, DIR, KNOWLEDGE, MODEL, NAME, SET, SWEEP, examples
from sayso.core.errors import SaysoError

app = typer.Typer()


@app.command("list", epilog=examples("sayso list", "sayso list --json > table.json"))
def list_(
    json: Annotated[
        bool, typer.Option("--json", help="Print the table as JSON: what each row shows and takes.")
    ] = False,
) -> None:
    """List the experiments by figure of the paper.

    At full and at pocket size, with what all seeds of each take, and what must be downloaded.
    """
    from sayso.cli import catalogue_page, terminal
    from sayso.paper.table import TABLE

    if json:
        typer.echo(dumps(catalogue_page.catalogue_data(TABLE), indent=1))
        return
    terminal.show(catalogue_page.catalogue_page(TABLE))


@app.command(
    epilog=examples("sayso show pocket", "sayso show pocket --sweep train.batch_size='[32, 64]' --json > mine.json")
)
def show(
    name: Annotated[str, NAME],
    settings: Annotated[list[str] | None, SET] = None,
    sweeps: Annotated[list[str] | None, SWEEP] = None,
    model: Annotated[str | None, MODEL] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    control: Annotated[bool, CONTROL] = False,
    code: Annotated[Path | None, CODE] = None,
    gpu: Annotated[
        str | None,
        typer.Option(metavar="GPU", help="Estimate operations, memory and hours on it. [default: A100-80GB]"),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the GPU gives, of 'python -m benchmarks gpu --calibration FILE'."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON that 'sayso run FILE' takes.")] = False,
) -> None:
    """Show an experiment: settings, subsets, stages, seeds, digest.

    For models of transformers also what a run will take.
    """
    from sayso.cli import terminal
    from sayso.cli.configure import configure, find
    from sayso.cli.cost_page import PAPERS_GPU, cost_page
    from sayso.cli.data_pages import findings_page, own_facts
    from sayso.cli.overridden import note_overridden
    from sayso.cli.power_page import expected_page
    from sayso.learners.specs import HFModel
    from sayso.paper.expected import expected
    from sayso.runs.gpus import find_gpu
    from sayso.runs.rates import ASSUMED, read_rates
    from sayso.runs.too_long import too_long

    experiment = configure(find(name, code, control=control), settings or [], sweeps or [], model, knowledge)
    note_overridden(experiment, settings or [], sweeps or [])
    card = find_gpu(gpu or PAPERS_GPU)
    rates = read_rates(calibration) if calibration else ASSUMED
    if json:
        typer.echo(experiment.model_dump_json(indent=1))
        return
    facts, stops = own_facts(experiment)
    terminal.show(terminal.experiment_page(experiment))
    if facts is not None:
        terminal.show("", facts, *([findings_page(stops)] if stops else []))
    if (found := expected(experiment)) is not None:
        terminal.show("", expected_page(found))
    if (long := too_long(experiment)) is not None:
        typer.echo(f"sayso: note: a run would fail: {long}", err=True)
    if gpu or calibration or isinstance(experiment.model, HFModel):
        terminal.show("", cost_page(experiment, card, rates))


@app.command(
    epilog=examples(
        "sayso run pocket", "sayso run pocket --seeds 100-103 --set stages.stage1.epochs=5 --out few-epochs"
    )
)
def run(
    name: Annotated[str, NAME],
    seeds: Annotated[str | None, typer.Option(metavar="N|a-b", help="How many seeds, or from which to which.")] = None,
    settings: Annotated[list[str] | None, SET] = None,
    sweeps: Annotated[list[str] | None, SWEEP] = None,
    model: Annotated[str | None, MODEL] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    control: Annotated[bool, CONTROL] = False,
    code: Annotated[Path | None, CODE] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results folder. [default: sayso-results/NAME]")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes at a time. [default: one a GPU; without one, one a core]"),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="none|stages|N",
            help="States that stay for 'sayso measure': none, ends of stages, every N epochs. "
            "[default: stages for small models, none for large ones]",
        ),
    ] = None,
    save_models: Annotated[
        bool, typer.Option("--save-models", help="Keep each seed's model after each stage, for transformers.")
    ] = False,
    power: Annotated[
        bool, typer.Option("--power", help="Also say how many seeds each claim needs, as 'sayso power' does.")
    ] = False,
    on: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            autocompletion=completing.of("here", "slurm", "ray"),
            help="Where: here, slurm, ray (that of RAY_ADDRESS, or one started here), ray=HOST:PORT or ray://HOST:PORT.",
        ),
    ] = "here",
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="With --on slurm: tasks, side_by_side, cores, gpus, memory (GB), hours, or an option of sbatch, such "
            "as partition=gpu.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --on slurm: say what would be submitted, and submit nothing.")
    ] = False,
) -> None:
    """Run an experiment; ends with results, claims and a report.

    What is finished in the results folder is kept and not run again.

    Ctrl-C stops it, and the same command goes on where it was. With changed settings, results go to a folder of their
    own, sayso-results/NAME-DIGEST.
    """
    from sayso import api
    from sayso.cli import results_pages, terminal
    from sayso.cli.configure import configure, find
    from sayso.cli.data_pages import own_facts
    from sayso.cli.display import Display
    from sayso.cli.overridden import note_overridden
    from sayso.cli.power_page import power_page
    from sayso.paper.judging import families
    from sayso.runs.too_long import too_long

    loaded = find(name, code, control=control)
    experiment = configure(loaded, settings or [], sweeps or [], model, knowledge)
    note_overridden(experiment, settings or [], sweeps or [])
    if keep is not None:
        experiment = experiment.with_settings({"keep": int(keep) if keep.isdigit() else keep})
    folder = out or api.results_folder(experiment, loaded)
    if (long := too_long(experiment)) is not None:
        raise SaysoError(long)
    if dry_run:
        if on != "slurm":
            raise SaysoError("--dry-run says what would be submitted: add --on slurm")
        from sayso.cli.slurm_page import arrays_page
        from sayso.runs.slurm_settings import slurm_settings

        found = api.arrays(experiment, out=folder, seeds=seeds, jobs=jobs, slurm=slurm or [])
        terminal.show(arrays_page(found, slurm_settings(slurm or [])))
        return
    with stoppable("goes on where it was"), Display(terminal.console(stderr=True), folder) as display:
        facts, stops = own_facts(experiment)
        if facts is not None:
            display.console.print(facts)
        if stops:
            raise SaysoError(stops[0].line)
        results = api.run(
            experiment,
            out=folder,
            seeds=seeds,
            jobs=jobs,
            save_models=save_models,
            on=on,
            slurm=slurm or [],
            on_plan=display.on_plan,
            on_event=display.on_event,
        )
    terminal.show(results_pages.results_page(results.table()))
    terminal.show("", results_pages.claims_page(results.claims()))
    if power:
        terminal.show("", power_page(families(results.records(), results.experiment)))
    terminal.show("", f"report: {results.report(experiment)}")


@app.command(
    epilog=examples(
        "sayso measure sayso-results/pocket --add f1", "sayso measure --add f1 --when start,stage --train-again"
    )
)
def measure(
    folder: Annotated[Path | None, DIR] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            "--add",
            metavar="MEASURE",
            autocompletion=completing.measures,
            help="f1, exact_match, loss, exact_match_by_attribute, exact_match_by_entity, predictions, JSON with a "
            "'type', or your own module:NAME.",
        ),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="epoch, stage, start, a number of epochs, or several: start,stage."),
    ] = None,
    train_again: Annotated[
        bool, typer.Option("--train-again", help="Train epochs again whose states were not kept.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes at a time. [default: one a GPU; without one, one a core]"),
    ] = None,
    code: Annotated[Path | None, CODE] = None,
) -> None:
    """Add measures to a results folder, from the states that were kept; nothing is trained unless told.

    What states stay when seeds have finished, 'sayso run --keep' says.
    """
    from sayso import api
    from sayso.cli import results_pages, terminal
    from sayso.cli.configure import look_last_in
    from sayso.cli.display import MeasuringDisplay
    from sayso.cli.folders import results_of
    from sayso.measures.named import MEASURES, measure_named

    if not add:
        raise SaysoError(f"name a measure: --add {' or '.join(MEASURES)}")
    look_last_in(code or Path())
    path = results_of(folder).path
    measures = [measure_named(text, when) for text in add]
    display = MeasuringDisplay(terminal.console(stderr=True), path)
    with stoppable("begins again"):
        results = api.measure(
            path, measures, train_again=train_again, jobs=jobs, on_plan=display.on_plan, on_event=display.on_event
        )
    terminal.show(results_pages.results_page(results.table()))
    terminal.show("", f"report: {results.report()}")


@app.command(epilog=examples("sayso sample pocket --subset D5cons -n 3", "sayso sample pocket-digits --png grids.png"))
def sample(
    name: Annotated[str, NAME],
    subset: Annotated[
        str | None,
        typer.Option(
            metavar="S", help="Only documents of this subset, such as D5cons.", autocompletion=completing.subsets
        ),
    ] = None,
    each: Annotated[
        int, typer.Option("-n", min=1, metavar="N", help="How many documents of every subset and use.")
    ] = 2,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="K", help="The seed that draws them. [default: the experiment's first]")
    ] = None,
    settings: Annotated[list[str] | None, SET] = None,
    sweeps: Annotated[list[str] | None, SWEEP] = None,
    knowledge: Annotated[str | None, KNOWLEDGE] = None,
    control: Annotated[bool, CONTROL] = False,
    code: Annotated[Path | None, CODE] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="Also draw them: on one sheet (NAME.png), or a file each in a folder."),
    ] = None,
) -> None:
    """Print documents as the model sees them, by use and subset."""
    from sayso.cli import terminal
    from sayso.cli.configure import configure, find
    from sayso.cli.overridden import note_overridden
    from sayso.data.samples import sample_documents, write_pictures

    experiment = configure(find(name, code, control=control), settings or [], sweeps or [], knowledge=knowledge)
    note_overridden(experiment, settings or [], sweeps or [])
    found = sample_documents(experiment, each=each, seed=seed, subset=subset)
    terminal.show(terminal.documents_page((one.where, one.document.subset, one.document.text) for one in found))
    if png is not None:
        write_pictures(found, png)
        terminal.show("", f"pictures, in the same order: {png}")
