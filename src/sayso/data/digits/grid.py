"""Grids of handwritten digits: the paper's setting without any language (section 4.2, appendix E).

An alias is a grid of digits, its entity a grid of labels, and a question asks for the label of one cell. Everything is
written as text, so splits, subsets and measures are those of all experiments; a learner sees pictures of it
(`sayso.data.digits.pictures`).

    0110... 694/107/382 ABA/CBD/EAH     a definition: the squares of the tag, all labels told
    cell 5 of 694/107/382 B             a question
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.rng import stream
from sayso.data.digits.images import MNIST_SIDE, SCIKIT_LEARN, DigitImages, blank_images, digit_images
from sayso.data.digits.pictures import GridPictures, cell_questions, grid_text

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Draw = Callable[[int], NDArray[np.int64]]


class DigitGrids(KnowledgeBase):
    """Grids of digits, each cell with a label; what is asked is the label of a cell.

    The variable is a grid of pictures of digits, the entity a grid of labels.

    Parameters
    ----------
    grid
        Rows, and columns, of a grid.
    labels
        How many labels there are.
    entities
        How many grids of labels there are, all different. With one alias an entity (``split.aliases_per_entity``, 1
        unless set) that is the number of variable-entity pairs, dealt to the subsets by their fractions.
    balanced
        Every grid of labels holds each label equally often, as the paper's example ``AB/BA`` does; labels must then
        divide the cells.
    tag_rows
        Rows of squares in a tag (the paper has one).
    images
        ``scikit-learn`` has small ones that need no files, anything else is the path of a folder with MNIST.
    """

    grid: int = Field(default=3, ge=2, le=9)
    labels: int = Field(default=8, ge=2, le=len(_LETTERS))
    entities: int = Field(default=600, ge=2)
    balanced: bool = False
    tag_rows: int = Field(default=1, ge=1, le=9)
    images: str = SCIKIT_LEARN

    @model_validator(mode="after")
    def _check_labels(self) -> DigitGrids:
        cells = self.grid**2
        if self.balanced and cells % self.labels:
            divisors = [number for number in range(2, len(_LETTERS) + 1) if cells % number == 0]
            raise ValueError(
                f"{self.labels} labels cannot be dealt evenly to the {cells} cells of a grid of size {self.grid}; "
                f"set labels to one of {divisors}, or balanced to false"
            )
        if self.balanced:
            possible = math.factorial(cells) // math.factorial(cells // self.labels) ** self.labels
        else:
            possible = self.labels**cells
        if self.entities > possible:
            raise ValueError(
                f"entities is {self.entities}, but {self.labels} labels make only {possible} grids of size "
                f"{self.grid}; ask for fewer, or for more labels"
            )
        return self

    def size(self) -> int:
        """How many entities a world has."""
        return self.entities

    def sha256(self) -> str:
        """Sha256 of the images' pixels and labels, whatever files they come from."""
        return self._source().sha256

    def without_images(self) -> DigitGrids:
        """The same grids of black images of MNIST's size: all there is to count, and no files are needed.

        Returns
        -------
        DigitGrids
            The grids.
        """
        return _BlankGrids(**dict(self))

    def _source(self) -> DigitImages:
        return digit_images(self.images)

    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw grids of digits, grids of labels, and the squares of tags, of which some are white.

        Raises
        ------
        SaysoError
            If there are fewer grids of digits than aliases asked for, or no images.
        """
        cells = self.grid**2
        if aliases > 10**cells:
            raise SaysoError(
                f"{aliases} aliases are needed, but there are only {10**cells} grids of digits of size {self.grid}; "
                f"lower knowledge.entities or raise knowledge.grid"
            )
        pictures = GridPictures(self.grid, _LETTERS[: self.labels], self._source(), self.tag_rows)
        draw = stream(seed, "label grids")
        labels = _different(self.entities, self._balanced(draw) if self.balanced else _free(draw, self.labels, cells))
        digits = _different(aliases, _free(stream(seed, "digit grids"), 10, cells))
        named = [[pictures.labels[index] for index in row] for row in labels]
        squares = pictures.squares * self.tag_rows
        drawn = _different(tags, _free(stream(seed, "tags"), 2, squares), besides=(0,) * squares)
        return World(
            entities=tuple(EntityFacts(grid_text(row, self.grid), cell_questions(row)) for row in named),
            aliases=tuple(grid_text([str(digit) for digit in row], self.grid) for row in digits),
            tags=tuple(grid_text([str(square) for square in row], pictures.squares) for row in drawn),
            attribution={},
            pictures=pictures,
        )

    def _balanced(self, generator: np.random.Generator) -> Draw:
        one = np.arange(self.grid**2) % self.labels
        return lambda count: generator.permuted(np.tile(one, (count, 1)), axis=1)


class _BlankGrids(DigitGrids):
    """Grids in whose cells nothing can be seen."""

    def _source(self) -> DigitImages:
        return blank_images(MNIST_SIDE)


def _free(generator: np.random.Generator, values: int, places: int) -> Draw:
    return lambda count: generator.integers(values, size=(count, places))


def _different(count: int, draw: Draw, besides: tuple[int, ...] | None = None) -> list[tuple[int, ...]]:
    """Draw rows until `count` different ones are found, none of them `besides`; in the order they were drawn."""
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        found |= dict.fromkeys(map(tuple, draw(count).tolist()))
        found.pop(besides or (), None)
    return list(found)[:count]
