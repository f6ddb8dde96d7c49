"""Pictures of sample documents, where an experiment's documents are to be seen: as pixels, and as PNG files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.samples import few, samples


@dataclass(frozen=True)
class SamplePicture:
    """A document, where it is used, and what it looks like: shape (rows, columns), 0 black and 255 white."""

    where: str
    document: Example
    pixels: NDArray[np.uint8]


def sample_pictures(
    experiment: Experiment, each: int = 2, *, seed: int | None = None, subset: str | None = None
) -> list[SamplePicture]:
    """Pictures of the documents that `samples.sample_documents` gives, in its order; none where documents are text.

    What is measured is shown with the very images it is measured on, what is trained on with some of those it may be.
    """
    from sayso.data.build import build_corpus

    first = cells(experiment)[0].experiment
    chosen = seed if seed is not None else first.seeds.first
    pictures = build_corpus(first, chosen).pictures
    if pictures is None:
        return []
    return [
        SamplePicture(where, document, pictures.picture(document, chosen, "train" if where in ("X1", "X2") else "test"))
        for where, document in few(samples(first, chosen, subset), each)
    ]


def as_png(pictures: Sequence[SamplePicture]) -> dict[str, bytes]:
    """PNG of each document, by its text."""
    from sayso.data.png import png

    return {picture.document.text: png(picture.pixels) for picture in pictures}


def write_pictures(pictures: Sequence[SamplePicture], path: Path) -> list[Path]:
    """Write a sheet of all pictures (``NAME.png``: a row for each use, subset and kind), or a folder with a file each.

    Raises
    ------
    SaysoError
        If there are no pictures, or they cannot be written.
    """
    from sayso.data.png import png, sheet

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
