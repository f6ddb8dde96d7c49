"""Which sources a model trusts: the experiment run with its controls, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.api import run as run_into
from sayso.core.errors import SaysoError, nearest
from sayso.core.experiment import Experiment
from sayso.core.renamed import by_either_name
from sayso.core.seeds import Seeds
from sayso.core.subsets import Source
from sayso.results import RESULTS, Results

if TYPE_CHECKING:
    from sayso.paper.trust import Control
    from sayso.report.trust import ControlFound
    from sayso.stats.looks import Looks
    from sayso.stats.trust import Trusted

#: Runs an experiment into a folder.
Runner = Callable[[Experiment, Path], object]

#: What each control is, in words.
CONTROLS: Mapping[Control, str] = {
    "phrases": "random tags in place of the phrases",
    "twice": "each source under two names",
}


@dataclass(frozen=True, eq=False)
class Trust:
    """What was run: the sources, and the controls in folders beside theirs.

    Parameters
    ----------
    main
        The results of the sources.
    controls
        The results of each control, by its name (``phrases``, ``twice``).
    """

    main: Results
    controls: Mapping[Control, Results]

    def sources(self) -> list[Trusted]:
        """The sources compared on each number: on attribution and on questions.

        Returns
        -------
        list[Trusted]
            One a number; the first ones are those the verdict rests on.

        Raises
        ------
        SaysoError
            If no square of seeds is whole.
        """
        return _compared(self.main)

    def found_of_controls(self) -> list[ControlFound]:
        """What each control came to.

        Returns
        -------
        list[ControlFound]
            One a control, in the order they were run.

        Raises
        ------
        SaysoError
            If no square of seeds of one is whole.
        """
        from sayso.report.trust import ControlFound

        found = []
        for name, own in self.controls.items():
            twins = name == "twice"
            rows = _compared(own, twins=twins)
            report = os.path.relpath(own.path / "report.html", self.main.path)
            found.append(ControlFound(name, CONTROLS[name], twins, Path(report).as_posix(), rows))
        return found

    def page(self, sources: Sequence[Trusted], controls: Sequence[ControlFound]) -> Path:
        """Write ``trust.html`` into the folder of the sources, and each run's report.

        Parameters
        ----------
        sources
            What `sources` gave.
        controls
            What `found_of_controls` gave.

        Returns
        -------
        Path
            The page's path.

        Raises
        ------
        SaysoError
            If it cannot be written there.
        """
        from sayso.report.trust import TrustPage, write_page

        for own in (self.main, *self.controls.values()):
            own.report()
        experiment = self.main.experiment
        page = TrustPage(
            model=_called(experiment),
            rows=sources,
            controls=controls,
            said=_said(experiment),
            how=[*_how(experiment), ("Looks", str(_looks(self.main, sources[0].found.seeds)))],
            report="report.html",
            notices=self.main.notices(),
        )
        return write_page(self.main.path / "trust.html", page)


def trust(
    sources: str | Path | Sequence[Source],
    model: str,
    knowledge: str | Path | None = None,
    *,
    out: str | Path | None = None,
    controls: Sequence[str] = ("phrases", "twice"),
    run: Runner | None = None,
    jobs: int | None = None,
    entities: int | None = None,
    aliases: int | None = None,
    definition: str | None = None,
    lora: int | None = None,
    latin_squares: int | None = None,
    seeds: Seeds | str | None = None,
    settings: Mapping[str, Any] | None = None,
    squares: int | None = None,
) -> Trust:
    """Find out which sources a model trusts, before it has read anything of them but its pretraining.

    Parameters
    ----------
    sources
        A table with the columns source and text, a row a phrase, or the sources themselves.
    model
        A pretrained model, as `HFModel.name`; ``pocket`` trains one from random weights in the pocket world.
    knowledge
        A table of facts, of which the first `entities` are taken; in the pocket world each square of seeds draws so
        many. The shipped people where none is given.
    out
        Results folder, ``sayso-results/trust`` if not given; the controls' are beside it, OUT-phrases and OUT-twice.
        What is finished there is kept, and what was interrupted goes on where it was.
    controls
        Which controls are run as well: ``phrases`` (a random tag in place of each source's phrases), ``twice`` (each
        source under two names).
    run
        Runs an experiment into a folder: `sayso.run` with `jobs` processes unless told otherwise.
    jobs
        How many processes at a time, as of `sayso.run`.
    entities
        How many entities are defined.
    aliases
        How many names each entity has, which are dealt to the sources: 1, and 16 in the pocket world, if not given.
    definition
        The template of a definition, with ``{tag}``, ``{alias}`` and ``{entity}``.
    lora
        The rank of LoRA; None trains the whole model.
    latin_squares
        How many whole squares of seeds, each of as many seeds as there are sources. Without it and `seeds` two, or more
        where these have fewer than 16 seeds.
    seeds
        The seeds of whole squares, in place of `latin_squares`.
    settings
        Any settings of the experiment, by path; those of ``knowledge`` hold before it is read.
    squares
        Deprecated: `latin_squares`.

    Returns
    -------
    Trust
        What was run.

    Raises
    ------
    SaysoError
        If the sources or settings cannot be used, or as `sayso.run`.
    """
    from sayso.data.sources import read_sources
    from sayso.paper.trust import trust_control, trust_experiment

    for name in controls:
        if name not in CONTROLS:
            raise SaysoError(f"no control '{name}'{nearest(name, CONTROLS)}")
    read = read_sources(sources) if isinstance(sources, str | Path) else tuple(sources)
    experiment = trust_experiment(
        read,
        model=model,
        knowledge=knowledge,
        entities=entities,
        aliases=aliases,
        definition=definition,
        lora=lora,
        squares_of_seeds=by_either_name("latin_squares", latin_squares, "squares", squares),
        seeds=seeds,
        settings=settings,
    )
    folder = Path(out) if out is not None else RESULTS / experiment.name
    chosen: list[Control] = [name for name in CONTROLS if name in controls]
    planned = {folder: experiment}
    planned |= {folder.with_name(f"{folder.name}-{name}"): trust_control(experiment, name) for name in chosen}
    for path, own in planned.items():
        if run is None:
            run_into(own, out=path, jobs=jobs)
        else:
            run(own, path)
    first, *rest = map(Results, planned)
    return Trust(first, dict(zip(chosen, rest, strict=True)))


def _compared(own: Results, *, twins: bool = False) -> list[Trusted]:
    """The sources of a run compared, at the level that is left for this look at it."""
    from sayso.stats.trust import trusted

    records = own.records()
    return trusted(records, own.experiment, twins=twins, level=_looks(own, records["seed"].nunique()).level)


def _looks(own: Results, seeds: int) -> Looks:
    from sayso.stats.looks import Looks

    return Looks(tuple(len(plan) for plan in own.store.plans()), seeds)


def _called(experiment: Experiment) -> str:
    """What the model is called."""
    from sayso.learners.specs import FromScratch, HFModel

    if isinstance(experiment.model, HFModel):
        return Path(experiment.model.name).name or experiment.model.name
    return experiment.model.architecture if isinstance(experiment.model, FromScratch) else "the model"


def _said(experiment: Experiment) -> dict[str, tuple[Sequence[str], str]]:
    """By source its phrases, and the first definition that the model reads of it."""
    from sayso.data.build import build_corpus

    texts = {source.name: source.texts for source in experiment.sources}
    source_of = {subset.name: subset.source for subset in experiment.subsets}
    said: dict[str, tuple[Sequence[str], str]] = {}
    for document in build_corpus(experiment, experiment.seeds.first, asked=False).documents(["X2"]):
        name = source_of[document.subset]
        if name is not None:
            said.setdefault(name, (texts[name], document.text))
    return said


def _how(experiment: Experiment) -> list[tuple[str, str]]:
    """What was done, in words."""
    from sayso.core.sizes import sizes
    from sayso.stats.numbers import count

    split, stage = experiment.split, experiment.stages[-1]
    train = experiment.train_spec(stage)
    size = sizes(experiment.subsets, split.items(experiment.knowledge.size()))
    order = len(experiment.sources)
    lora = getattr(experiment.model, "lora", None)
    return [
        ("Model", f"{_called(experiment)}, {'whole' if lora is None else f'LoRA of rank {lora.rank}'}"),
        ("Entities", f"{experiment.knowledge.size()}, {count(split.aliases_per_entity, 'fresh name')} each"),
        ("Names", f"{size[0]} a source and {size[-1]} that nobody defines, in each seed"),
        ("Definitions", f"{count(split.definitions_per_alias, 'document')} a name"),
        ("Seeds", f"{experiment.seeds}: squares of {order} seeds"),
        (
            "Training",
            f"{count(stage.epochs, 'epoch')} on definitions alone, {train.optimizer}, learning rate "
            f"{train.learning_rate:g}, batches of {train.batch_size}, loss on {train.loss_on}",
        ),
        ("Digest", experiment.digest()),
    ]
