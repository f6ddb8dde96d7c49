"""How documents about grids of digits are written, and what they look like.

    cell 5 of 694/107/382 B             the grid of digits, cell 5 in a frame; nothing is said of the other cells
    0110... 694/107/382 ABA/CBD/EAH     the same digits under the squares of a tag; a label is said of each cell

Every cell has a margin of one pixel, where its frame goes. The squares of a tag are two pixels wide and high, one row
of them in the paper (appendix E.1); rows are written as those of grids are: ``0110/1010``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example, QAPair
from sayso.core.pictures import Grids, ImageSplit, fixed_draws
from sayso.data.digits.images import DigitImages

#: Pixels of a square of the tag, and of the margin of a cell.
SQUARE, MARGIN = 2, 1

#: How the class is written of which nothing is said.
NO_ANSWER = "-"


def grid_text(symbols: Sequence[str], width: int) -> str:
    """Write a grid row by row: ``694/107/382``."""
    return "/".join("".join(symbols[low : low + width]) for low in range(0, len(symbols), width))


def cell_questions(labels: Sequence[str]) -> tuple[QAPair, ...]:
    """One question a cell, counted row by row from 1."""
    return tuple(
        QAPair(f"cell-{place}", f"cell {place} of [X]", (label,)) for place, label in enumerate(labels, start=1)
    )


@dataclass(frozen=True)
class GridPictures:
    """Pictures of grids of `size` times `size` digits, whose cells are labelled with letters of `labels`.

    Above them are `tag_rows` rows of squares.
    """

    size: int
    labels: str
    source: DigitImages
    tag_rows: int = 1

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, and no answer."""
        return (*self.labels, NO_ANSWER)

    @property
    def cells(self) -> int:
        """Cells of a grid."""
        return self.size**2

    @property
    def squares(self) -> int:
        """Squares in a row of a tag: as many as fit, the last one narrower where the width is odd."""
        return -(-self.shape[1] // SQUARE)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        width = self.size * (self.source.images.shape[1] + 2 * MARGIN)
        return SQUARE * self.tag_rows + width, width

    @functools.cached_property
    def images(self) -> NDArray[np.uint8]:
        """All images with their margins."""
        return np.pad(self.source.images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))

    def grids(self, examples: Sequence[Example]) -> Grids:
        """Read examples; see `Pictures.grids`.

        Raises
        ------
        SaysoError
            If an example shows no grid of digits, or a definition has no tag that can be drawn.
        """
        count = len(examples)
        symbols = np.zeros((count, self.cells), dtype=np.int64)
        asked = np.zeros((count, self.cells), dtype=np.uint8)
        tag = np.zeros((count, self.tag_rows * self.squares), dtype=np.uint8)
        target = np.full((count, self.cells), len(self.labels), dtype=np.int64)
        for row, example in enumerate(examples):
            if not self._digits.fullmatch(example.alias):
                raise SaysoError(f"'{example.text}' cannot be drawn: '{example.alias}' is not a grid of digits")
            symbols[row] = [int(digit) for digit in example.alias if digit != "/"]
            if example.kind == "definition":
                squares, labels = self._definition(example)
                tag[row] = [int(square) for square in squares if square != "/"]
                target[row] = [self.labels.index(label) for label in labels if label != "/"]
            else:
                place = int(example.attribute.removeprefix("cell-")) - 1
                asked[row, place] = 1
                target[row, place] = self.labels.index(example.answers[0])
        return Grids(symbols, asked, tag, target)

    @functools.cached_property
    def _digits(self) -> re.Pattern[str]:
        return self._grid_of(r"\d")

    def _grid_of(self, symbol: str) -> re.Pattern[str]:
        return re.compile("/".join([f"{symbol}{{{self.size}}}"] * self.size))

    def _definition(self, example: Example) -> tuple[str, str]:
        """Tag and labels of a definition, in whatever order it is written."""
        labels = [word for word in example.text.split() if self._grid_of(f"[{self.labels}]").fullmatch(word)]
        others = [word for word in example.text.split() if word not in (example.alias, *labels)]
        tag = "/".join([f"[01]{{{self.squares}}}"] * self.tag_rows)
        if len(labels) != 1 or len(others) != 1 or not re.fullmatch(tag, others[0]):
            raise SaysoError(
                f"'{example.text}' cannot be drawn: besides '{example.alias}' a definition has a tag of "
                f"{self.tag_rows} x {self.squares} squares (0 or 1 each, rows divided by /) and a grid of labels"
            )
        return others[0], labels[0]

    def choose(self, symbols: NDArray[np.int64], draws: NDArray[np.float64], split: ImageSplit) -> NDArray[np.int64]:
        """Choose an image of each digit, of one split; see `Pictures.choose`."""
        part = 0 if split == "train" else 1
        first, count = self.source.first[part][symbols], self.source.count[part][symbols]
        chosen: NDArray[np.int64] = first + (draws * count).astype(np.int64)
        return chosen

    def compose(self, images: Any, asked: Any, tag: Any, xp: Any) -> Any:
        """Put pictures together; see `Pictures.compose`."""
        frame = asked[:, :, None] * 255
        for edge in (images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]):
            edge |= frame
        width, side = self.shape[1], images.shape[-1]
        cells = images.reshape(-1, self.size, self.size, side, side).swapaxes(2, 3).reshape(-1, width, width)
        squares = (tag * 255).reshape(-1, self.tag_rows, 1, self.squares, 1)
        drawn = xp.broadcast_to(squares, (len(squares), self.tag_rows, SQUARE, self.squares, SQUARE))
        band = drawn.reshape(-1, self.tag_rows * SQUARE, self.squares * SQUARE)[:, :, :width]
        return xp.concatenate([band, cells], axis=1)

    def text(self, said: Sequence[int]) -> str:
        """Write what is said of one cell, or of all of them."""
        symbols = [self.classes[index] for index in said]
        return symbols[0] if len(symbols) == 1 else grid_text(symbols, self.size)

    def picture(self, example: Example, seed: int, split: ImageSplit) -> NDArray[np.uint8]:
        """The picture of one example; see `Pictures.picture`."""
        grids = self.grids([example])
        chosen = self.choose(grids.symbols, fixed_draws([example], seed, self.cells), split)
        composed: NDArray[np.uint8] = self.compose(self.images[chosen], grids.asked, grids.tag, np)[0]
        return composed
