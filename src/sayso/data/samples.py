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


def corpora(experiment: Experiment) -> CorpusOf:
    """What makes the corpus of a cell, by its name, and a seed again."""
    from sayso.data.build import build_corpus

    by_name = {cell.name: cell.experiment for cell in cells(experiment)}

    def corpus_of(cell: str, seed: int, stage2_seed: int, *, asked: bool) -> Corpus:
        return build_corpus(by_name[cell], seed, stage2_seed, asked=asked)

    return corpus_of


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


@dataclass(frozen=True)
class SamplePicture:
    """A document, where it is used, and what it looks like: shape (rows, columns), 0 black and 255 white."""

    where: str
    document: Example
    pixels: NDArray[np.uint8]


def sample_pictures(
    experiment: Experiment, each: int = 2, *, seed: int | None = None, subset: str | None = None
) -> list[SamplePicture]:
    """Pictures of the documents that `sample_documents` gives, in its order; none where documents are text.

    What is measured is shown with the very images it is measured on, what is trained on with some of those it may be.
    """
    from sayso.data.build import build_corpus

    first = cells(experiment)[0].experiment
    chosen = seed if seed is not None else first.seeds.first
    pictures = build_corpus(first, chosen, asked=False).pictures
    if pictures is None:
        return []
    return [
        SamplePicture(where, document, pictures.picture(document, chosen, "train" if where in ("X1", "X2") else "test"))
        for where, document in few(samples(first, chosen, subset), each)
    ]


def as_png(pictures: Sequence[SamplePicture]) -> dict[str, bytes]:
    """PNG of each document, by its text."""
    from sayso.data.digits.png import png

    return {picture.document.text: png(picture.pixels) for picture in pictures}


def write_pictures(pictures: Sequence[SamplePicture], path: Path) -> list[Path]:
    """Write a sheet of all pictures (``NAME.png``: a row for each use, subset and kind), or a folder with a file each.

    Raises
    ------
    SaysoError
        If there are no pictures, or they cannot be written.
    """
    from sayso.data.digits.png import png, sheet

    if not pictures:
        raise SaysoError("the documents of this experiment are text and have no pictures; leave --png out")
    if path.suffix not in ("", ".png"):
        raise SaysoError(f"{path}: name a file that ends in .png, or a folder")
    groups = [
        list(group)
        for _, group in itertools.groupby(
            pictures, key=lambda picture: (picture.where, picture.document.subset, picture.document.kind)
        )
    ]
    files = {
        path / f"{number:02d}-{picture.where}-{picture.document.subset}-{picture.document.kind}.png": picture.pixels
        for number, picture in enumerate(pictures, start=1)
    }
    if path.suffix:
        files = {path: sheet([[picture.pixels for picture in group] for group in groups])}
    try:
        for file, pixels in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png(pixels))
    except OSError as error:
        raise SaysoError(f"{path}: cannot write pictures here: {error.strerror}") from error
    return list(files)
