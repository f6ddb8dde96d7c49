"""Folders as the Hugging Face hub takes them: a data set of the records, and each saved model with a card.

OUT/dataset                    README.md, a Parquet file for each configuration, the experiment
OUT/models/CELL/seed-N/LEG     README.md, the model's own files, the experiment of its cell

Nothing is sent anywhere, and the results folder stays as it is.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.experiment import load_spec
from sayso.core.files import write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.legs import legs
from sayso.core.store import Store
from sayso.export.card import EXPERIMENT
from sayso.export.dataset import write_dataset
from sayso.export.folder import claimed, run_path
from sayso.export.model_card import Saved, model_card, scores_after

_CARD = "README.md"

#: Which saved models can be asked for: all, those after the last stage alone, or none.
WHICH = ("all", "last", "none")


@dataclass(frozen=True)
class Written:
    """What there is now.

    Parameters
    ----------
    dataset
        The folder of the data set.
    configs
        Its configurations: what the hub calls its tables.
    models
        A folder for each model.
    """

    dataset: Path
    configs: tuple[str, ...]
    models: tuple[Path, ...]


def to_hub(
    store: Store, out: Path, *, models: str | None = None, license_id: str | None = None, link: bool = False
) -> Written:
    """Write folders for the hub; again writes them anew.

    Parameters
    ----------
    store
        The results folder.
    out
        A folder that is not there yet, is empty, or was written by this.
    models
        Which saved models, one of `WHICH`; if not given all that there are.
    license_id
        What the cards have as the license, an identifier of the hub's; none if not given.
    link
        Hard links to the models' files, which take no room, instead of copies: whoever changes one changes both.

    Raises
    ------
    SaysoError
        If no job has finished, models are asked for and none was saved, `out` has other content, links cannot be made,
        or files are damaged.
    ModuleNotFoundError
        If pandas or pyarrow is not installed.
    """
    if models is not None and models not in WHICH:
        raise SaysoError(f"models is '{models}'; choose one of {', '.join(WHICH)}")
    if license_id is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", license_id):
        raise SaysoError(f"license '{license_id}': write the hub's identifier, such as mit, apache-2.0 or cc-by-4.0")
    saved = [] if models == "none" else list(_saved(store, last=models == "last"))
    if models in ("all", "last") and not saved:
        raise SaysoError(f"{store.path}: no models were saved; 'sayso run --save-models' with another --out saves them")
    with claimed(out, store.experiment(), "hf"):
        configs = write_dataset(store, out / "dataset", license_id)
        folders = []
        for model in saved:
            folder = out / "models" / run_path(model.manifest.cell, model.seed) / model.leg.label
            _place(model.path, folder, link=link)
            write_atomically(folder / EXPERIMENT, json.dumps(model.manifest.experiment, indent=1) + "\n")
            write_atomically(folder / _CARD, model_card(model, license_id))
            folders.append(folder)
    return Written(out / "dataset", tuple(configs), tuple(folders))


def _saved(store: Store, *, last: bool) -> Iterator[Saved]:
    """Models that finished jobs saved; of a seed that was run in two jobs those of the first."""
    seen: set[tuple[str, int]] = set()
    for folder in store.jobs():
        if not folder.finished:
            continue
        manifest = folder.manifest()
        fresh = [seed for seed in manifest.seeds if (manifest.cell, seed) not in seen]
        seen |= {(manifest.cell, seed) for seed in fresh}
        yield from _saved_by(folder, fresh, last=last)


def _saved_by(folder: JobFolder, seeds: list[int], *, last: bool) -> Iterator[Saved]:
    manifest = folder.manifest()
    experiment = load_spec(manifest.experiment, str(folder.manifest_path), own_only=True)
    records = None
    for seed in seeds:
        for leg in legs(experiment):
            path = folder.model_path(seed, leg.label)
            if path.is_dir() and (not last or leg.stage == experiment.stages[-1]):
                records = list(folder.records()) if records is None else records
                yield Saved(path, manifest, experiment, seed, leg, scores_after(records, seed, leg))


def _place(path: Path, folder: Path, *, link: bool) -> None:
    """Put a model's files into a folder, by copy or by hard link; what is there already is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(each for each in path.iterdir() if each.is_file() and each.name != _CARD):
        to = folder / file.name
        own, there = file.stat(), to.stat() if to.exists() else None
        if there is not None and (own.st_size, own.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            continue
        to.unlink(missing_ok=True)
        if not link:
            shutil.copy2(file, to)
            continue
        try:
            to.hardlink_to(file)
        except OSError as error:
            raise SaysoError(f"{to}: cannot be a link to {file} ({error.strerror}); leave --link out") from error
