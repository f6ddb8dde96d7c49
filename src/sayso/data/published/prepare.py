"""``sayso data prepare``: get a published file, and prepare of it all that a run can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from sayso.core.errors import SaysoError, nearest
from sayso.data.progress import OnProgress, unheard
from sayso.data.published import cvdb_file, trex
from sayso.data.published.cache import Prepared, Recipe, cache_folder, make_current, prepare_file
from sayso.data.published.fetch import CVDB_FILE, TREX_FILE, Published, fetch

#: What can be prepared by name: the published file, and the tables made of it.
SOURCES: Mapping[str, tuple[Published, tuple[Recipe, ...]]] = {
    "cvdb": (CVDB_FILE, (cvdb_file.recipe("paper"), cvdb_file.recipe("repaired"))),
    "trex": (TREX_FILE, (trex.triples(),)),
}


def prepare(
    source: str,
    file: Path | None = None,
    cache: Path | None = None,
    on_progress: Callable[[str], OnProgress] = lambda _: unheard,
) -> list[Prepared]:
    """Prepare a source's tables, from a file of yours or downloaded; from then on its name means them.

    `on_progress` is told what begins, and gives who hears how far it is.

    Raises
    ------
    SaysoError
        If there is no such source, the download fails, the file cannot be read or is not of the right form, or the
        cache cannot be written. What was prepared before stays.
    """
    if source not in SOURCES:
        raise SaysoError(f"no source '{source}'{nearest(source, SOURCES)}")
    published, recipes = SOURCES[source]
    if file is None:
        folder = cache_folder(cache) / source
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".download.lock"):
            file = fetch(published, folder, on_progress(f"download {published.name}"))
    prepared = [prepare_file(recipe, file, cache, on_progress(f"read {recipe.variant}")) for recipe in recipes]
    make_current(source, prepared[0].sha256, cache)
    return prepared
