"""Documents of an experiment as the model sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sayso.core.errors import SaysoError, nearest
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells


def samples(
    experiment: Experiment, seed: int | None = None, subset: str | None = None
) -> Iterable[tuple[str, Example]]:
    """Documents of one seed as the model sees them, each with where it is used.

    Raises
    ------
    SaysoError
        If the experiment has no such subset.
    """
    from sayso.data.build import build_corpus, sample

    corpus = build_corpus(experiment, seed if seed is not None else experiment.seeds.first)
    if subset is not None:
        names = {document.subset for _, document in sample(corpus)}
        if subset not in names:
            raise SaysoError(f"no subset '{subset}'{nearest(subset, names)}")
    return sample(corpus, subset)


def sample_documents(
    experiment: Experiment, each: int = 2, *, seed: int | None = None, subset: str | None = None
) -> list[tuple[str, str, str]]:
    """A few documents of every subset and use (of the first cell): where, subset, text."""
    found = few(samples(cells(experiment)[0].experiment, seed, subset), each)
    return [(where, document.subset, document.text) for where, document in found]


def few(documents: Iterable[tuple[str, Example]], each: int) -> Iterator[tuple[str, Example]]:
    """The first documents of every use, subset and kind."""
    counts: dict[tuple[str, str, str], int] = {}
    for where, document in documents:
        key = (where, document.subset, document.kind)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= each:
            yield where, document
