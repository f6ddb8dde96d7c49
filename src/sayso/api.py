"""The same from Python as from the command line: find an experiment and run it. Results are read by `sayso.results`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sayso.core.errors import SaysoError, nearest
from sayso.core.experiment import Experiment, Seeds, load_file
from sayso.core.legs import legs
from sayso.core.spec import resolve
from sayso.core.store import Store
from sayso.core.sweep import Job, plan
from sayso.results import RESULTS, Results

Listener = Callable[[str, dict[str, object]], None]


def experiments() -> dict[str, Experiment]:
    """All experiments of the catalogue, by name."""
    from sayso.paper.catalogue import CATALOGUE

    return {experiment.name: experiment for experiment in CATALOGUE}


def load(name: str | Path) -> Experiment:
    """Find an experiment: a name of the catalogue, ``module:NAME``, or a YAML or JSON file.

    Raises
    ------
    SaysoError
        If there is none of that name, or the file does not hold one.

    Examples
    --------
    >>> load("pocket").name
    'pocket'
    """
    known = experiments()
    if str(name) in known:
        return known[str(name)]
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json"):
        return load_file(path)
    if ":" in str(name):
        found = resolve(str(name))
        if not isinstance(found, Experiment):
            raise SaysoError(f"'{name}' is a {type(found).__name__}, not an Experiment")
        return found
    raise SaysoError(f"no experiment '{name}'{nearest(str(name), known)} (see 'sayso list')")


def results_folder(experiment: Experiment, loaded: Experiment | None = None) -> Path:
    """Where results go unless told otherwise: a folder of its own for every experiment that differs from its namesake.

    The namesake is the experiment of the catalogue called the same; where there is none, the one `loaded` before its
    settings were changed.
    """
    namesake = experiments().get(experiment.name) or loaded or experiment
    changed = namesake.digest() != experiment.digest()
    return RESULTS / (f"{experiment.name}-{experiment.digest()[:8]}" if changed else experiment.name)


def run(
    experiment: Experiment | str | Path,
    *,
    out: str | Path | None = None,
    seeds: Seeds | str | int | None = None,
    jobs: int | None = None,
    save_models: bool = False,
    on_plan: Callable[[Sequence[Job], Sequence[Job]], None] | None = None,
    on_event: Listener | None = None,
) -> Results:
    """Run what is not yet there of an experiment, and return the results.

    Parameters
    ----------
    experiment
        An experiment, or anything `load` understands.
    out
        Results folder; that of `results_folder` if not given. What is finished there is kept, what was interrupted
        goes on where it was.
    seeds
        Seeds, as `Seeds`, a number, or text such as ``"100-115"``; the experiment's own if not given.
    jobs
        How many processes at a time; if not given one per core, or a single one for a large model on a GPU.
    save_models
        Also keep every seed's model after each stage, as a transformers checkpoint. Seeds that finished without that
        are an error: their models are gone.
    on_plan, on_event
        Hear of the jobs to be run and those already finished, and of what each does.

    Raises
    ------
    SaysoError
        If the folder cannot be used or a job fails.
    """
    from sayso.runs.kept_models import require_models
    from sayso.runs.local import LocalProcesses, usual_processes

    chosen = experiment if isinstance(experiment, Experiment) else load(experiment)
    if seeds is None:
        seeds = chosen.seeds
    elif not isinstance(seeds, Seeds):
        seeds = Seeds.parse(str(seeds), first=chosen.seeds.first)
    if jobs is not None and jobs < 1:
        raise SaysoError(f"jobs is {jobs}; it must be at least 1")
    results = Results(Path(out) if out is not None else results_folder(chosen))
    store = results.store
    store.create(chosen.model_copy(update={"seeds": seeds}))
    try:
        with FileLock(store.lock_path, timeout=0), _withdrawn_if_refused(store):
            begun: dict[str, list[tuple[int, ...]]] = {}
            finished: dict[str, list[tuple[int, ...]]] = {}
            for folder in store.jobs():
                manifest = folder.manifest()
                (finished if folder.finished else begun).setdefault(manifest.cell, []).append(manifest.seeds)
            processes = jobs or usual_processes(chosen.model)
            planned = plan(chosen, list(seeds), processes, begun, finished)
            todo = [job for job in planned if not store.job(job.id).finished]
            done = [job for job in planned if store.job(job.id).finished]
            for job in done:
                list(store.job(job.id).records())  # a damaged file is found now, not after the run
                if save_models:
                    require_models(store.job(job.id), job.seeds, legs(job.cell.experiment))
            if on_plan is not None:
                on_plan(todo, done)
            LocalProcesses(store, processes, save_models).run(todo, on_event or _ignore)
    except Timeout:
        raise SaysoError(
            f"{store.path}: another 'sayso run' is writing here; wait for it or choose another --out"
        ) from None
    except OSError as error:
        raise SaysoError(
            f"{store.path}: cannot write here: {error.strerror}; choose another folder with --out"
        ) from error
    return results


@contextmanager
def _withdrawn_if_refused(store: Store) -> Iterator[None]:
    """Leave no results folder behind if an error comes before any job has got anywhere."""
    try:
        yield
    except SaysoError:
        store.withdraw()
        raise


def _ignore(job_id: str, event: dict[str, object]) -> None:
    """Nobody listens."""
