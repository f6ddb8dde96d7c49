"""What a learner that sees has to know of pictures, without knowing where they come from.

A knowledge base of pictures still writes all its documents as text; its world carries one of these, and a learner asks
it once for the integers behind the documents, then composes whole batches of pictures on its own device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sayso.core.examples import Example
from sayso.core.rng import stream

#: Training examples are drawn with images of the one, everything that is measured with images of the other.
ImageSplit = Literal["train", "test"]


@dataclass(frozen=True)
class Grids:
    """Examples as integers, one row each.

    `symbols`: which symbol stands in each cell, shape (examples, cells). `asked`: 1 for the framed cell, shape
    (examples, cells). `tag`: the squares above the cells, 1 for white, shape (examples, squares). `target`: the class
    to be said of each cell, shape (examples, cells).
    """

    symbols: NDArray[np.int64]
    asked: NDArray[np.uint8]
    tag: NDArray[np.uint8]
    target: NDArray[np.int64]


class Pictures(Protocol):
    """Grids of small images.

    `classes`: what may be said of a cell; the last one says nothing. `shape`: rows and columns of a picture. `images`:
    every small image with its margin, shape (images, rows, columns), 0 black and 255 white.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def cells(self) -> int: ...  # noqa: D102

    @property
    def shape(self) -> tuple[int, int]: ...  # noqa: D102

    @property
    def images(self) -> NDArray[np.uint8]: ...  # noqa: D102

    def grids(self, examples: Sequence[Example]) -> Grids:
        """What stands in the picture of each example, and what is to be said of it."""

    def choose(self, symbols: NDArray[np.int64], draws: NDArray[np.float64], split: ImageSplit) -> NDArray[np.int64]:
        """Positions in `images` of an image of each symbol, as numbers drawn uniformly from [0, 1) have it."""

    def compose(self, images: Any, asked: Any, tag: Any, xp: Any) -> Any:
        """Put pictures together, all at once: (n, cells, rows, columns), (n, cells), (n, squares) -> (n, *shape).

        `xp` is the library the arrays are of, numpy or torch. 8-bit integers go in and come out; `images` is used up.
        """

    def text(self, said: Sequence[int]) -> str:
        """Write what is said of one cell, or of all of them, as text."""

    def picture(self, example: Example, seed: int, split: ImageSplit) -> NDArray[np.uint8]:
        """The picture of one example: the very one it is measured on, or one of the many it is trained on."""


def fixed_draws(examples: Sequence[Example], seed: int, cells: int) -> NDArray[np.float64]:
    """Numbers that choose the images of examples that are measured, shape (examples, cells).

    They belong to the example: it looks the same after every epoch, whatever is measured beside it.
    """
    own = [stream(seed, "images of", example.prompt).random(cells) for example in examples]
    return np.stack(own) if own else np.zeros((0, cells))
