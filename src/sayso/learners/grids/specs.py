"""Light descriptions of models that see grids of digits; what makes them is named, and imported when one is built."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from pydantic import Field, model_validator

from sayso.core.learner import Need
from sayso.core.protocols import ModelSpec
from sayso.learners.grids.sizes import NetworkSize, convnet_size, convnext_size, mlp_size


class GridModel(ModelSpec):
    """A model that sees grids of digits."""

    learner: ClassVar[str] = "sayso.learners.grids.learner:build"
    gives: ClassVar[frozenset[Need]] = frozenset({"scores", "answers", "gradients"})

    @abstractmethod
    def size(self, shape: tuple[int, int], outputs: int) -> NetworkSize:
        """Work out how large it is, without making it.

        Parameters
        ----------
        shape
            Rows and columns of a picture.
        outputs
            How many outputs it has.

        Returns
        -------
        NetworkSize
            Numbers of weights and of operations.
        """


class GridMLP(GridModel):
    """A multi-layer perceptron on the pixels. Seeds are trained side by side.

    Parameters
    ----------
    width
        Units of a layer.
    depth
        Layers.
    """

    max_replicas: ClassVar[int] = 16
    max_replicas_on_gpu: ClassVar[int | None] = 256

    width: int = Field(default=512, ge=1)
    depth: int = Field(default=3, ge=1)

    def size(self, shape: tuple[int, int], outputs: int) -> NetworkSize:
        """See `GridModel.size`."""
        return mlp_size(shape, outputs, width=self.width, depth=self.depth)


class GridConvNet(GridModel):
    """A small convolutional network. Seeds are trained side by side.

    Parameters
    ----------
    width
        Channels of the first convolution; the second has twice as many.
    hidden
        Units of the layer after them.
    """

    max_replicas: ClassVar[int] = 16
    max_replicas_on_gpu: ClassVar[int | None] = 256

    width: int = Field(default=32, ge=1)
    hidden: int = Field(default=256, ge=1)

    def size(self, shape: tuple[int, int], outputs: int) -> NetworkSize:
        """See `GridModel.size`."""
        return convnet_size(shape, outputs, width=self.width, hidden=self.hidden)


class ConvNeXtV2(GridModel):
    """ConvNeXt V2 of transformers, from random weights; as it stands the Tiny variant (appendix E.2 of the paper).

    One seed at a time.

    Parameters
    ----------
    depths
        Blocks of each of its stages.
    hidden_sizes
        Channels of each of its stages.
    """

    depths: tuple[int, ...] = Field(default=(3, 3, 9, 3), min_length=1)
    hidden_sizes: tuple[int, ...] = (96, 192, 384, 768)

    @model_validator(mode="after")
    def _check_stages(self) -> ConvNeXtV2:
        if len(self.depths) != len(self.hidden_sizes):
            raise ValueError(f"{len(self.depths)} depths for {len(self.hidden_sizes)} hidden_sizes; give one a stage")
        if min(*self.depths, *self.hidden_sizes) < 1:
            raise ValueError(f"depths {self.depths} and hidden_sizes {self.hidden_sizes} must be at least 1")
        return self

    def size(self, shape: tuple[int, int], outputs: int) -> NetworkSize:
        """See `GridModel.size`."""
        return convnext_size(shape, outputs, depths=self.depths, hidden_sizes=self.hidden_sizes)
