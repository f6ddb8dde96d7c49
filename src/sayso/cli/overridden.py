"""Settings of the whole training that some stages have of their own: what was asked for does not reach these."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from sayso.cli.configure import parse_settings, parse_sweeps
from sayso.core.experiment import Experiment
from sayso.core.spec import canonical_json

_TRAIN = "train."


def note_overridden(experiment: Experiment, settings: Sequence[str] = (), sweeps: Sequence[str] = ()) -> None:
    """Say on standard error which of the settings given leave which stages as they are, and what sets these."""
    for words in overridden(experiment, settings, sweeps):
        typer.echo(f"sayso: note: {words}", err=True)


def overridden(experiment: Experiment, settings: Sequence[str] = (), sweeps: Sequence[str] = ()) -> list[str]:
    """The same, a line a setting; none where a stage has the very value, or its own was given as well.

    `experiment`: as these settings made it.
    """
    values, axes = parse_settings(settings), parse_sweeps(sweeps)
    lines = []
    for path in [*values, *axes]:
        name, _, inner = path.removeprefix(_TRAIN).partition(".")
        if not path.startswith(_TRAIN):
            continue
        paths = []
        for place, stage in enumerate(experiment.stages):
            above = {f"stages.{known}.overrides" for known in (stage.name, place)}
            chosen = any(one == own or one.startswith(f"{own}.{name}") for one in (*values, *axes) for own in above)
            same = path in values and not inner and stage.overrides.get(name) == values[path]
            if name in stage.overrides and not chosen and not same:
                own = f"stages.{stage.name}.overrides.{name}"
                paths.append((stage.name, canonical_json(stage.overrides[name]), own))
        if paths:
            keep = " and ".join(f"{stage} ({value})" for stage, value, _ in paths)
            own = " and ".join(own for _, _, own in paths)
            has, sets = ("has its", "sets") if len(paths) == 1 else ("have their", "set")
            lines.append(f"{path} does not reach {keep}, which {has} own: {own} {sets} it there")
    return lines
