"""The same from Python as from the command line: find an experiment and run it. Results are read by `sayso.results`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.core.errors import SaysoError, nearest
from sayso.core.experiment import Experiment, load_spec
from sayso.core.experiment_file import load_file
from sayso.core.identity import Today, require_unchanged
from sayso.core.job_folder import JobFolder
from sayso.core.legs import kept_states, legs
from sayso.core.measure import Measure
from sayso.core.runs_here import Deals
from sayso.core.seeds import Seeds
from sayso.core.spec import resolve
from sayso.core.store import Store
from sayso.core.sweep import Cell, Deal, Job, plan
from sayso.results import RESULTS, Results

if TYPE_CHECKING:
    from sayso.runs.in_notebook import OnPlan
    from sayso.runs.slurm import Array

Listener = Callable[[str, dict[str, object]], None]


def experiments() -> dict[str, Experiment]:
    """All experiments of the catalogue, by name.

    Returns
    -------
    dict[str, Experiment]
        Name -> experiment: those of the paper at full size and at pocket size, as ``sayso list`` has them.
    """
    from sayso.paper.table import EXPERIMENTS

    return dict(EXPERIMENTS)


def load(name: str | Path) -> Experiment:
    """Find an experiment: a name of the catalogue, ``module:NAME``, or a YAML or JSON file.

    Parameters
    ----------
    name
        The name, or the file's path. A module must be importable; its code is run.

    Returns
    -------
    Experiment
        The experiment.

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


def control_of(experiment: Experiment | str | Path) -> Experiment:
    """The control of an experiment: the same, but that nothing tells sources apart.

    Each source is right about half of the aliases in X1 (section 3.3 of the paper), so that it must find nothing.

    Parameters
    ----------
    experiment
        An experiment, or anything `load` understands.

    Returns
    -------
    Experiment
        The control, called NAME-control.

    Raises
    ------
    SaysoError
        If it has none: it is a control itself, or varies how reliable sources are.
    """
    from sayso.paper.controls import control_of

    return control_of(experiment if isinstance(experiment, Experiment) else load(experiment))


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
    on: str = "here",
    slurm: Sequence[str] = (),
    on_plan: OnPlan | None = None,
    on_event: Listener | None = None,
    progress: bool | None = None,
) -> Results:
    """Run what is not yet there of an experiment, and return the results.

    Parameters
    ----------
    experiment
        An experiment, or anything `load` understands.
    out
        Results folder; ``sayso-results/NAME`` if not given, with a digest after the name where settings differ from
        those of the catalogue. What is finished there is kept, what was interrupted goes on where it was.
    seeds
        Seeds, as `Seeds`, a number, or text such as ``"100-115"``; the experiment's own if not given.
    jobs
        How many processes at a time; if not given one a GPU, or where there is none one a core, as far as memory goes.
        More of them than GPUs share these. A model that is trained one seed at a time shares the cores out among them.
    save_models
        Also keep every seed's model after each stage, as a transformers checkpoint. Seeds that finished without that
        are an error: their models are gone.
    on
        Where: ``here``; ``slurm`` for a cluster of which this is a login node; ``ray`` for the cluster of
        ``RAY_ADDRESS``, or else one started here, ``ray=HOST:PORT`` (of which this is a node) or ``ray://HOST:PORT``.
    slurm
        What is asked of SLURM, ``KEY=VALUE`` each: tasks, side_by_side, cores, gpus, memory (GB), hours, or an option
        of sbatch.
    on_plan
        Hears once of the jobs to be run and those already finished.
    on_event
        Hears of what each job does, as its id and an event: ``building``, ``step`` (once a second), ``measuring``,
        ``epoch``, ``warning``, ``finished``.
    progress
        Whether a notebook (Jupyter, marimo) shows how far the run has come below the cell. If not given it does where
        nobody listens by `on_plan` or `on_event`. Elsewhere nothing is shown: the command line has a display.

    Returns
    -------
    Results
        The results folder, with everything asked for in it.

    Raises
    ------
    SaysoError
        If claims would compare sources by subsets of different sizes, the folder cannot be used, or a job fails.
    """
    from sayso.paper.fair import require_fair
    from sayso.runs.in_notebook import Picture, watched
    from sayso.runs.needed import lacking_measures
    from sayso.runs.places import place
    from sayso.runs.slurm_queue import clear

    chosen = experiment if isinstance(experiment, Experiment) else load(experiment)
    require_fair(chosen)
    seeds = _seeds(chosen, seeds)
    if jobs is not None and jobs < 1:
        raise SaysoError(f"jobs is {jobs}; it must be at least 1")
    results = Results(Path(out) if out is not None else results_folder(chosen))
    on_plan, on_event = watched(Picture, results.path, on_plan, on_event, progress)
    store, listen = results.store, on_event or _ignore
    where = place(on, slurm)
    clear(store)  # what a scheduler had of the folder and is done with
    choose = _choosing(store, chosen, seeds, where.deal(chosen, jobs))
    with store.held(chosen.model_copy(update={"seeds": seeds}), choose) as planned:
        todo = [job for job in planned if not store.job(job.id).finished]
        done = [job for job in planned if store.job(job.id).finished]
        for job in done:
            _look_at(store.job(job.id), job, save_models)
        if on_plan is not None:
            on_plan(todo, done)
        for job in done:
            if lacking := lacking_measures(store.job(job.id), job.cell.experiment):
                names = [measure.name for measure in lacking]
                command = f"sayso measure {store.path} {' '.join(f'--add {name}' for name in names)}"
                message = f"trained without {', '.join(names)}, which '{command}' adds"
                listen(job.id, {"event": "warning", "message": message})
        if todo:
            where.executor(store, chosen.model, (jobs, len(planned)), save_models=save_models).run(todo, listen)
    return results


def arrays(
    experiment: Experiment | str | Path,
    *,
    out: str | Path | None = None,
    seeds: Seeds | str | int | None = None,
    jobs: int | None = None,
    slurm: Sequence[str] = (),
) -> Sequence[Array]:
    """What `run` would submit to SLURM with these arguments; nothing is written or submitted.

    Raises
    ------
    SaysoError
        As `run` before it begins; not if there is no SLURM here.
    """
    from sayso.paper.fair import require_fair
    from sayso.runs.needs import longest_first
    from sayso.runs.places import Slurm
    from sayso.runs.slurm import arrays_of
    from sayso.runs.slurm_settings import slurm_settings

    chosen = experiment if isinstance(experiment, Experiment) else load(experiment)
    require_fair(chosen)
    store, where = Store(Path(out) if out is not None else results_folder(chosen)), Slurm(slurm_settings(slurm))
    choose = _choosing(store, chosen, _seeds(chosen, seeds), where.deal(chosen, jobs))
    others = store.runs.deals()
    had = {(cell, each) for cell, deal in others.items() for each in deal}
    new = [job for job in choose(others) if (job.cell.name, job.seeds) not in had]
    todo = [job for job in new if not store.job(job.id).finished]
    todo = longest_first(todo, where.needs, lambda job: store.job(job.id).begun)
    return arrays_of(todo, where.needs, where.settings)


def measure(
    path: str | Path,
    measures: Sequence[Measure],
    *,
    train_again: bool = False,
    jobs: int | None = None,
    on_plan: OnPlan | None = None,
    on_event: Listener | None = None,
    progress: bool | None = None,
) -> Results:
    """Take measures of all finished jobs of a results folder, from the states that were kept.

    Records are those that training would have made. Nothing is trained unless states are missing and `train_again`.

    Parameters
    ----------
    path
        The results folder.
    measures
        What to measure; those that are there already are not taken again.
    train_again
        Train epochs again whose states were not kept.
    jobs
        How many processes at a time, as of `run`.
    on_plan
        As of `run`.
    on_event
        As of `run`.
    progress
        As of `run`.

    Returns
    -------
    Results
        The results folder.

    Raises
    ------
    SaysoError
        If states are missing (the message says what would have to be trained again), the model cannot be measured so,
        or data or model are not those the results rest on.
    """
    from sayso.runs.in_notebook import Lines, watched
    from sayso.runs.needed import needed, to_take, what_it_takes
    from sayso.runs.places import place

    results = Results(path)
    on_plan, on_event = watched(Lines, results.path, on_plan, on_event, progress)
    store = results.store
    store.experiment()
    folders = [folder for folder in store.jobs() if folder.finished]
    require_unchanged(folders, Today(own_only=False))
    todo: list[Job] = []
    done: list[Job] = []
    for folder in folders:
        manifest = folder.manifest()
        experiment = load_spec(manifest.experiment, str(folder.manifest_path), own_only=False)
        wanted = to_take(folder, experiment, measures)
        found = needed(folder, experiment, wanted)
        if found.again and not train_again:
            lacking = [each.name for each in wanted if needed(folder, experiment, [each]).again]
            raise SaysoError(
                f"{folder.path}: {', '.join(lacking)} would need states that were not kept; "
                f"train again {what_it_takes(folder, experiment, found)} for each of {len(folders)} jobs: with "
                "--train-again; or measure less often, as with --when stage"
            )
        job = Job(Cell(manifest.cell, experiment), manifest.seeds)
        if job.id != folder.path.name:  # its settings have other defaults by now
            raise SaysoError(f"{folder.path}: made by another version of sayso; measure it with that one")
        (todo if wanted else done).append(job)
    if not folders:
        raise SaysoError(f"{store.path}: no finished job yet; 'sayso status {store.path}' says how to go on")
    if on_plan is not None:
        on_plan(todo, done)
    if todo:
        options = {"measures": tuple(measures), "train_again": train_again}
        executor = place("here").executor(store, results.experiment.model, (jobs, len(todo)), **options)
        executor.run(todo, on_event or _ignore)
    return results


def _choosing(store: Store, experiment: Experiment, seeds: Seeds, deal: Deal) -> Callable[[Deals], Sequence[Job]]:
    """Chooses the jobs of a run, given those of others that are under way."""

    def choose(others: Deals) -> Sequence[Job]:
        folders = store.jobs()
        require_unchanged(folders, Today(own_only=False))
        begun: dict[str, list[tuple[int, ...]]] = {}
        finished: dict[str, list[tuple[int, ...]]] = {}
        for folder in folders:
            manifest = folder.manifest()
            (finished if folder.finished else begun).setdefault(manifest.cell, []).append(manifest.seeds)
        for cell, jobs in others.items():  # they are run there, whatever seeds are asked for here
            known = finished.setdefault(cell, [])
            known += [each for each in jobs if each not in known]
        return plan(experiment, list(seeds), deal, begun, finished)

    return choose


def _seeds(experiment: Experiment, asked: Seeds | str | int | None) -> Seeds:
    """The seeds meant; the experiment's own where nothing is said."""
    if asked is None:
        return experiment.seeds
    return asked if isinstance(asked, Seeds) else Seeds.parse(str(asked), first=experiment.seeds.first)


def _look_at(folder: JobFolder, job: Job, save_models: bool) -> None:
    """Find a damaged file of a job that has finished now, not after the run; drop what a killed try left."""
    from sayso.runs.kept_models import require_models

    list(folder.records())
    folder.tidy(kept_states(load_spec(folder.manifest().experiment, str(folder.manifest_path), own_only=False)))
    if save_models:
        require_models(folder, job.seeds, legs(job.cell.experiment))


def _ignore(job_id: str, event: dict[str, object]) -> None:
    """Nobody listens."""
