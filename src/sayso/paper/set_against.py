"""What an experiment's settings are set against: the catalogue's of the same name, and the paper's."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.core.experiment import Experiment
from sayso.core.settings_apart import Apart, settings_apart
from sayso.paper.table import TABLE


def set_against(experiment: Experiment) -> Iterator[tuple[str, str, Apart]]:
    """A title, the other experiment's name and the settings that differ.

    Against the experiment of that name in the table, where some were changed since; and against the row at full size
    that it is the twin of, or the row that it is a control of. An experiment of another name than any in the table is
    set against nothing.
    """
    row = TABLE.get(experiment.name)
    if row is None:
        return
    if experiment.digest() != row.experiment.digest():
        title = f"Settings that are not those of {row.name} in the catalogue"
        yield title, row.name, settings_apart(experiment, row.experiment)
    twin = TABLE.get(row.about.twin or "")
    if twin is not None and twin.about.kind == "paper" and row.about.kind != "paper":
        yield f"Settings that are not the paper's ({twin.name})", twin.name, settings_apart(experiment, twin.experiment)
    if row.about.kind == "control":
        of = TABLE[max((name for name in TABLE if row.name.startswith(f"{name}-")), key=len)]
        title = f"Settings that are not those of {of.name}, which it is a control of"
        yield title, of.name, settings_apart(experiment, of.experiment)
