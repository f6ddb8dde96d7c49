"""Documents of an experiment as the model sees them: as text, and where they are seen rather than read, as pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus, CorpusOf
from sayso.core.errors import SaysoError, nearest
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells


def samples(
    experiment: Experiment, seed: int | None = None, subset: str | None = None
) -> Iterable[tuple[str, Example]]:
    """Documents of one seed as the model sees them, each with where it is used.

    Parameters
    ----------
    experiment
        The experiment; of a sweep its base.
    seed
        The seed that draws aliases, tags and split; the experiment's first if not given.
    subset
        Only documents of this subset, such as ``D5cons``; all if not given.

    Returns
    -------
    Iterable[tuple[str, Example]]
        Pairs of where a document is used (a part that is trained on, such as ``X1``, or an evaluation set, such as
        ``validation``) and the document.

    Raises
    ------
    SaysoError
        If the experiment has no such subset.
    """
    return _of_subset(_corpus(experiment, seed), subset)


def _corpus(experiment: Experiment, seed: int | None) -> Corpus:
    from sayso.data.build import build_corpus

    return build_corpus(experiment, seed if seed is not None else experiment.seeds.first)


def _of_subset(corpus: Corpus, subset: str | None) -> Iterable[tuple[str, Example]]:
    from sayso.data.build import sample

    if subset is not None:
        names = {document.subset for _, document in sample(corpus)}
        if subset not in names:
            raise SaysoError(f"no subset '{subset}'{nearest(subset, names)}")
    return sample(corpus, subset)


def corpora(experiment: Experiment) -> CorpusOf:
    """What makes the corpus of a cell, by its name, and a seed again."""
    from sayso.data.build import build_corpus

    by_name = {cell.name: cell.experiment for cell in cells(experiment)}

    def corpus_of(cell: str, seed: int, stage2_seed: int, *, asked: bool) -> Corpus:
        return build_corpus(by_name[cell], seed, stage2_seed, asked=asked)

    return corpus_of


@dataclass(frozen=True)
class Sample:
    """A document, where it is used, and what it looks like: shape (rows, columns), 0 black and 255 white.

    `pixels` is None where documents are text.
    """

    where: str
    document: Example
    pixels: NDArray[np.uint8] | None


def sample_documents(
    experiment: Experiment, each: int = 2, *, seed: int | None = None, subset: str | None = None
) -> list[Sample]:
    """A few documents of every use, subset and kind (of the first cell), with their pictures where they have any.

    What is measured is shown with the very images it is measured on, what is trained on with some of those it may be.
    """
    corpus = _corpus(cells(experiment)[0].experiment, seed)

    def pixels(where: str, document: Example) -> NDArray[np.uint8] | None:
        if corpus.pictures is None:
            return None
        return corpus.pictures.picture(document, corpus.seed, "train" if where in ("X1", "X2") else "test")

    found = _few(_of_subset(corpus, subset), each)
    return [Sample(where, document, pixels(where, document)) for where, document in found]


def _few(documents: Iterable[tuple[str, Example]], each: int) -> Iterator[tuple[str, Example]]:
    """The first documents of every use, subset and kind."""
    counts: dict[tuple[str, str, str], int] = {}
    for where, document in documents:
        key = (where, document.subset, document.kind)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= each:
            yield where, document


def as_png(shown: Iterable[Sample]) -> dict[str, bytes]:
    """PNG of each document that has a picture, by its text."""
    from sayso.data.digits.png import png

    return {sample.document.text: png(sample.pixels) for sample in shown if sample.pixels is not None}


def write_pictures(shown: Sequence[Sample], path: Path) -> list[Path]:
    """Write a sheet of all pictures (``NAME.png``: a row for each use, subset and kind), or a folder with a file each.

    Raises
    ------
    SaysoError
        If there are no pictures, or they cannot be written.
    """
    from sayso.data.digits.png import png, sheet

    drawn = [(sample, sample.pixels) for sample in shown if sample.pixels is not None]
    if not drawn:
        raise SaysoError("the documents of this experiment are text and have no pictures; leave --png out")
    if path.suffix not in ("", ".png"):
        raise SaysoError(f"{path}: name a file that ends in .png, or a folder")
    rows = itertools.groupby(drawn, key=lambda one: (one[0].where, one[0].document.subset, one[0].document.kind))
    if path.suffix:
        files = {path: sheet([[pixels for _, pixels in row] for _, row in rows])}
    else:
        files = {
            path / f"{number:02d}-{sample.where}-{sample.document.subset}-{sample.document.kind}.png": pixels
            for number, (sample, pixels) in enumerate(drawn, start=1)
        }
    try:
        for file, pixels in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png(pixels))
    except OSError as error:
        raise SaysoError(f"{path}: cannot write pictures here: {error.strerror}") from error
    return list(files)
