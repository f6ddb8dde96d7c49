"""Runs of wandb: on disk alone unless a key is set, so that nothing is sent anywhere by itself.

A run's id follows from what it is, so that it is the same run each time. What it has been given is kept beside wandb's
own files, for these cannot be asked.
"""

from __future__ import annotations

import contextlib
import json
import netrc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically
from sayso.core.spec import canonical_json, digest_of
from sayso.core.store import Store
from sayso.export.folder import claimed
from sayso.export.following import EVERY_S, Added, Exported, export
from sayso.export.points import Fresh, Run, Series

#: The project that runs go to, unless the variable WANDB_PROJECT names one.
PROJECT = "sayso"

#: What is drawn along the bottom of charts.
EPOCH = "epoch"


class WandB:
    """Writes runs into a folder, as ``wandb sync`` sends them; sends them itself where a key is set.

    Raises
    ------
    ModuleNotFoundError
        If wandb is not installed.
    """

    def __init__(self, out: Path) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self._wandb, self._out, self.mode = wandb, out, mode()
        self._open: dict[Run, tuple[Any, Series]] = {}
        self._rows: dict[Run, int] = {}

    def series(self, run: Run) -> Series:
        """What the run was given so far."""
        path = self._given(run)
        if not path.exists():
            return Series()
        given = read_json(path)
        self._rows[run] = given["rows"]
        return Series({tag: {int(at): tuple(value) for at, value in of.items()} for tag, of in given["tags"].items()})

    def add(self, run: Run, fresh: Fresh, series: Series) -> None:
        """Log what is fresh, at its epochs and times.

        Raises
        ------
        SaysoError
            If wandb cannot begin the run.
        """
        if run not in self._open:
            self._open[run] = (self._begin(run), series)
        for row, point in enumerate(fresh.points, start=self._rows.get(run, 0)):
            self._open[run][0].log({EPOCH: point.step, "_timestamp": point.time, **point.values}, step=row)
            self._rows[run] = row + 1

    def close(self, run: Run) -> None:
        """End the run for now, and keep what it was given."""
        if run in self._open:
            own, series = self._open.pop(run)
            own.finish()
            path = self._given(run)
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, json.dumps({"rows": self._rows[run], "tags": series.there}) + "\n")

    def _given(self, run: Run) -> Path:
        return self._out / "given" / f"{run_id(run)}.json"

    def _begin(self, run: Run) -> Any:
        wandb = self._wandb
        try:
            own = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                group=run.experiment,
                name=run.name,
                id=run_id(run),
                config=dict(run.config),
                dir=str(self._out),
                mode=self.mode,
                resume="allow" if self.mode == "online" else None,
                reinit="create_new",
                settings=wandb.Settings(
                    console="off",
                    silent=True,
                    disable_code=True,
                    disable_git=True,
                    x_disable_meta=True,
                    x_disable_stats=True,
                ),
            )
        except wandb.Error as error:
            raise SaysoError(f"wandb: {error}") from error
        own.define_metric("*", step_metric=EPOCH)
        return own


def run_id(run: Run) -> str:
    """What wandb calls a run: it follows from what the run is."""
    return digest_of(canonical_json([run.digest, run.cell, run.seed, run.stage2_seed]))


def mode() -> str:
    """``offline``, unless a key is set or WANDB_MODE says otherwise."""
    if said := os.environ.get("WANDB_MODE"):
        return said
    return "online" if os.environ.get("WANDB_API_KEY") or _key_in_netrc() else "offline"


def _key_in_netrc() -> bool:
    """Whether a login is kept for wandb's server, as ``wandb login`` keeps it."""
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    with contextlib.suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    return False


def to_wandb(
    store: Store,
    out: Path,
    *,
    follow: bool = False,
    every: float = EVERY_S,
    on_added: Callable[[Added], None] | None = None,
) -> Exported:
    """Give a results folder's records to wandb, in a folder for its files; again adds only what is new.

    Raises
    ------
    SaysoError
        See `sayso.export.following.export`, `sayso.export.folder.claimed`.
    ModuleNotFoundError
        If wandb is not installed.
    """
    experiment, tracker = store.experiment(), WandB(out)
    with claimed(out, experiment, "wandb"):
        return export(store, tracker, follow=follow, every=every, on_added=on_added)
