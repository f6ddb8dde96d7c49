"""The command that hands results on to what others use: ``sayso export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.cli.folders import results_of
from sayso.cli.options import DIR, examples
from sayso.core.errors import SaysoError

if TYPE_CHECKING:
    from sayso.export.following import Added, Exported
    from sayso.results import Results

app = typer.Typer()


@app.command(
    epilog=examples(
        "sayso export pocket --tensorboard logs/pocket --follow",
        "sayso export pocket --wandb logs/pocket-wandb",
        "sayso export pocket --hf for-the-hub --license apache-2.0",
    )
)
def export(
    folder: Annotated[Path | None, DIR] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Event files of TensorBoard: a run for each cell and seed.")
    ] = None,
    wandb: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Runs of wandb, in OUT; sent where a key is set, else by 'wandb sync'."),
    ] = None,
    hf: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Folders for the Hugging Face hub: a data set of records, and saved models."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="With a tracker: go on until all jobs have finished, here or elsewhere.")
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="How often --follow looks. [default: 5]")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(metavar="WHICH", help="With --hf: saved models: all, last of each seed, or none. [default: all]"),
    ] = None,
    license_id: Annotated[
        str | None,
        typer.Option("--license", metavar="ID", help="With --hf: the license that cards name. [default: none]"),
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="With --hf: hard links to models' files, which take no room, not copies.")
    ] = False,
) -> None:
    """Hand results on to TensorBoard, wandb or the Hugging Face hub, from the folder alone.

    Of a run that goes on what there is so far; the same command again adds what is new, and nothing twice. Nothing is
    sent anywhere, unless wandb has a key.
    """
    to = {"--tensorboard": tensorboard, "--wandb": wandb, "--hf": hf}
    chosen = [name for name, out in to.items() if out is not None]
    if len(chosen) != 1:
        if chosen:
            raise SaysoError(f"{' and '.join(chosen)} exclude each other; choose one")
        raise SaysoError("say what to export to: --tensorboard OUT, --wandb OUT or --hf OUT")
    of_hub = {"--models": models is not None, "--license": license_id is not None, "--link": link}
    of_trackers = {"--follow": follow, "--every": every is not None}
    for name in [name for name, given in (of_trackers if hf is not None else of_hub).items() if given]:
        raise SaysoError(f"{name} goes with {'--tensorboard or --wandb' if hf is not None else '--hf'}")
    if every is not None and not follow:
        raise SaysoError("--every goes with --follow")
    found = results_of(folder)
    if hf is not None:
        _to_hub(found, hf, models, license_id, link)
    elif tensorboard is not None:
        _to_tensorboard(found, tensorboard, follow, every)
    elif wandb is not None:
        _to_wandb(found, wandb, follow, every)


def _to_tensorboard(found: Results, out: Path, follow: bool, every: float | None) -> None:
    from sayso.cli.interrupts import stoppable
    from sayso.export.following import EVERY_S
    from sayso.export.to_tensorboard import to_tensorboard

    with stoppable("goes on"):
        done = to_tensorboard(found.store, out, follow=follow, every=every or EVERY_S, on_added=_said(follow))
    _say(found, done, f"tensorboard --logdir {out}")


def _to_wandb(found: Results, out: Path, follow: bool, every: float | None) -> None:
    from sayso.cli.interrupts import stoppable
    from sayso.export.following import EVERY_S
    from sayso.export.to_wandb import mode, to_wandb

    with stoppable("goes on"):
        done = to_wandb(found.store, out, follow=follow, every=every or EVERY_S, on_added=_said(follow))
    _say(found, done, f"wandb sync {out}/wandb/offline-run-*" if mode() == "offline" else f"wandb, {mode()}")


def _to_hub(found: Results, out: Path, models: str | None, license_id: str | None, link: bool) -> None:
    done = found.to_hub(out, models=models, license_id=license_id, link=link)
    typer.echo(f"{done.dataset}    {', '.join(done.configs)}")
    for model in done.models:
        typer.echo(model)
    if not done.models and models is None:
        typer.echo("sayso: note: no models were saved ('sayso run --save-models' saves them)", err=True)


def _said(follow: bool) -> Callable[[Added], None] | None:
    """Say of each look what it gave, on standard error, where a run is followed."""
    from sayso.core.seeds import seeds_in_words

    def say(added: Added) -> None:
        state = ", finished" if added.finished else ""
        typer.echo(f"{added.cell}, {seeds_in_words(added.seeds)}: {added.values:,} new values{state}", err=True)

    return say if follow else None


def _say(found: Results, done: Exported, then: str) -> None:
    """What there is now, and the command that shows it."""
    runs = f"{done.runs} run" + ("s" if done.runs != 1 else "")
    new = f"{done.values:,} new values" if done.values else "nothing new"
    typer.echo(f"{runs}, {new}: {then}")
    if not done.finished:
        typer.echo(f"sayso: note: {found.path}: not all jobs have finished; the same again adds what is new", err=True)
