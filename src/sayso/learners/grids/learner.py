"""Replicas that see grids of digits (section 4.2 and appendix E of the paper).

Examples become integers once. Pictures never stand in memory all together: those of a batch are composed on the
device, of images drawn anew for every batch in training and fixed in evaluation.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import (
    Candidates,
    GradientPairs,
    GradientProducts,
    Lengths,
    MatrixPeak,
    Scores,
    StepEffects,
    Update,
)
from sayso.core.pictures import Grids, fixed_draws
from sayso.core.rng import stream, torch_seed
from sayso.core.shares import OnShare, part_of, unheard
from sayso.core.training import TrainSpec
from sayso.learners.device import carried, device_here
from sayso.learners.encoding import Once
from sayso.learners.gradients.pairs import Asked, each_of
from sayso.learners.gradients.steps import numbered
from sayso.learners.grids.gradients import Alone
from sayso.learners.grids.networks import ConvNeXt, MakeNetwork, network_of
from sayso.learners.grids.specs import GridModel
from sayso.learners.matrix_peak import matrix_peak, operations_an_input
from sayso.learners.memory import Fitting, slices
from sayso.learners.modules import computes_in_bfloat16, drawing, round_alike
from sayso.learners.order import Step
from sayso.learners.trainer import Encoded, TrainedLearner

#: Pictures of each replica in one forward pass of evaluation.
EVALUATION_ROWS = 256
_HELPS = "fewer seeds side by side or a smaller model"


class GridLearner(TrainedLearner):
    """Replicas of one network, one for each corpus; see `sayso.core.learner.Learner` for what it promises.

    A question's loss in training counts all cells, nothing being right to say of those not asked (section 4.2); with
    ``loss_on="completion"`` it counts the asked cell alone, as `scores` does. An answer matches if it is right about
    the asked cell, for a definition about all cells.
    """

    def __init__(self, corpora: Sequence[Corpus], make: MakeNetwork) -> None:
        seeds = [corpus.seed for corpus in corpora]
        device = device_here()
        pictures = corpora[0].pictures
        if pictures is None or any(corpus.pictures != pictures for corpus in corpora):
            raise SaysoError("this model sees pictures; knowledge must be grids of digits (sayso.data.digits.grid)")
        self._pictures = pictures
        self._images = torch.as_tensor(pictures.images, device=device)
        networks = [self._network(make, seed) for seed in seeds]
        self._module = networks[0]
        # One after the other: vmap would make grouped convolutions of them, which round differently.
        self._convolves = any(isinstance(module, torch.nn.Conv2d) for module in self._module.modules())
        if not self._convolves:
            round_alike(self._module)
        stacked, buffers = stack_module_state(networks)
        self._buffers = {name: tensor.to(device) for name, tensor in buffers.items()}
        self._read = Once(self._read_all)
        self._evaluation = Fitting(EVALUATION_ROWS, "evaluation", _HELPS)
        self._gradients = Fitting(None, "measuring gradients", _HELPS)
        super().__init__(
            seeds,
            {name: tensor.detach().to(device).requires_grad_() for name, tensor in stacked.items()},
            embedding=None,
            device=device,
            fitting=Fitting(None, "training", _HELPS),
            stacked=True,
            fused=True,
        )

    def _network(self, make: MakeNetwork, seed: int) -> torch.nn.Module:
        with drawing(torch_seed(seed, "weights")):
            return make(self._pictures.shape, self._pictures.cells * len(self._pictures.classes)).eval()

    def encoded(
        self, documents: Sequence[Sequence[Example]], replay: Sequence[Sequence[Example]], train: TrainSpec
    ) -> Encoded:
        """See `TrainedLearner.encoded`."""
        if train.padding_loss == "all" or train.max_length is not None:
            raise SaysoError(
                "pictures have no padding and no length; leave train.padding_loss and max_length as they were"
            )
        count = len(documents[0])
        grids = self._grids([[*own, *again] for own, again in zip(documents, replay, strict=True)])
        half = computes_in_bfloat16(train, self.device)
        replica = np.arange(self.replicas)[:, None]

        def pieces(step: Step, most: int | None) -> Generator[Tensor, None, None]:
            rows = np.concatenate([step.chosen, count + step.repeated], axis=1)
            shape = (rows.shape[1], self._pictures.cells)
            draws = [stream(seed, "images", step.stage, step.number).random(shape) for seed in self.seeds]
            images = self._pictures.choose(grids.symbols[replica, rows], np.stack(draws), "train")
            asked, tag = grids.asked[replica, rows], grids.tag[replica, rows]
            target = carried(grids.target[replica, rows], self.device)
            counted = self._told(target) if train.loss_on == "completion" else torch.ones_like(target).float()
            total = counted.sum((1, 2))
            for part in slices(rows.shape[1], most):
                cell = self._cell_losses(images[:, part], asked[:, part], tag[:, part], target[:, part], half=half)[0]
                yield (cell * counted[:, part]).sum((1, 2)) / total

        silent = len(self._pictures.classes) - 1
        cells = grids.target != silent if train.loss_on == "completion" else np.ones_like(grids.target)
        lengths = [Lengths(np.ones(len(own), dtype=np.int64), own.sum(1)) for own in cells]
        return Encoded(pieces, lengths)

    def matrix_peak(self, train: TrainSpec) -> MatrixPeak | None:
        """Measure what matrix products reach on its device; see `sayso.learners.matrix_peak`."""
        shape = self._pictures.shape
        return matrix_peak(self._module, lambda module: operations_an_input(module, shape), train, self.device)

    def _grids(self, examples: Sequence[Sequence[Example]]) -> Grids:
        """Read the examples of all replicas: every array gets the replica as its first dimension.

        Replicas with fewer examples get rows of zeros at the end.
        """
        own = [self._pictures.grids(list(each)) for each in examples]
        most = max(len(grids.asked) for grids in own)

        def stack(arrays: list[NDArray[Any]]) -> NDArray[Any]:
            return np.stack([np.pad(array, ((0, most - len(array)), (0, 0))) for array in arrays])

        names = ("symbols", "asked", "tag", "target")
        return Grids(**{name: stack([getattr(grids, name) for grids in own]) for name in names})

    def _logits(
        self, images: NDArray[np.int64], asked: NDArray[np.uint8], tag: NDArray[np.uint8], *, half: bool = False
    ) -> Tensor:
        """What each replica says of its own pictures: (replicas, n, cells) images -> (replicas, n, cells, classes).

        Computed in bfloat16 if `half`. Evaluation is in float32, however what is evaluated was trained.
        """
        replicas, count, cells = images.shape
        rows = replicas * count
        inputs = self._inputs(images.reshape(rows, -1), asked.reshape(rows, -1), tag.reshape(rows, -1))
        inputs = inputs.view(replicas, count, *self._pictures.shape)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            if self._convolves:
                each = [self._forward(*state, own) for state, own in zip(self._states(), inputs, strict=True)]
                logits = torch.stack(each)
            else:
                logits = vmap(self._forward)(dict(self.parameters), self._buffers, inputs)
        shaped: Tensor = logits.float().view(replicas, count, cells, -1)
        return shaped

    def _inputs(self, images: NDArray[np.int64], asked: NDArray[np.uint8], tag: NDArray[np.uint8]) -> Tensor:
        """Pictures as networks see them: (n, cells) images -> (n, rows, columns)."""
        chosen, framed, squares = (carried(array, self.device) for array in (images, asked, tag))
        pixels: Tensor = self._pictures.compose(self._images[chosen], framed, squares, torch)
        return pixels.view(-1, *self._pictures.shape).float() / 127.5 - 1

    def _forward(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        logits: Tensor = functional_call(self._module, (parameters, buffers), (inputs,))
        return logits

    def _states(self) -> list[tuple[dict[str, Tensor], dict[str, Tensor]]]:
        """Parameters and buffers of each replica."""
        parameters = {name: tensor.unbind() for name, tensor in self.parameters.items()}
        buffers = {name: tensor.unbind() for name, tensor in self._buffers.items()}
        return [
            tuple({name: each[replica] for name, each in stacked.items()} for stacked in (parameters, buffers))  # type: ignore[misc]
            for replica in range(self.replicas)
        ]

    def _cell_losses(
        self,
        images: NDArray[np.int64],
        asked: NDArray[np.uint8],
        tag: NDArray[np.uint8],
        target: Tensor,
        *,
        half: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Loss of every cell, and the class it is said to be of; both of shape (replicas, n, cells)."""
        logits = self._logits(images, asked, tag, half=half)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none")
        return loss.view_as(target), logits.argmax(-1)

    def _told(self, target: Tensor) -> Tensor:
        """Cells of which something is to be said, as 0 and 1."""
        return (target != len(self._pictures.classes) - 1).float()

    @torch.no_grad()
    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Loss and match of every replica on its examples; see `Learner.scores`.

        Raises
        ------
        SaysoError
            If there are candidates: an answer is a label in a cell of a picture.
        """
        if candidates is not None:
            raise SaysoError("models of pictures do not choose among candidate answers; leave the measure out")
        grids, images = self._read(examples)
        loss, match = np.zeros(images.shape[:2]), np.zeros(images.shape[:2], dtype=np.bool_)

        def score(most: int | None) -> None:
            for part in slices(images.shape[1], most):
                rows = np.s_[:, part]
                target = carried(grids.target[rows], self.device)
                cell, said = self._cell_losses(images[rows], grids.asked[rows], grids.tag[rows], target)
                told = self._told(target)
                loss[rows] = ((cell * told).sum(2) / told.sum(2)).cpu().double().numpy()
                match[rows] = ((said == target) | (told == 0)).all(2).cpu().numpy()

        self._evaluation.run(score, images.shape[1])
        return [Scores(loss[replica, : len(own)], match[replica, : len(own)]) for replica, own in enumerate(examples)]

    def _read_all(self, examples: Sequence[Sequence[Example]]) -> tuple[Grids, NDArray[np.int64]]:
        """Examples to be measured on, and which images their cells show."""
        grids = self._grids(examples)
        draws = np.zeros(grids.symbols.shape)
        for replica, (seed, own) in enumerate(zip(self.seeds, examples, strict=True)):
            draws[replica, : len(own)] = fixed_draws(own, seed, self._pictures.cells)
        return grids, self._pictures.choose(grids.symbols, draws, "test")

    @torch.no_grad()
    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """What every replica says of the asked cell, of all cells of a definition; see `Learner.answers`."""
        grids, images = self._read(examples)
        said = np.zeros(images.shape, dtype=np.int64)

        def ask(most: int | None) -> None:
            for part in slices(images.shape[1], most):
                rows = np.s_[:, part]
                said[rows] = self._logits(images[rows], grids.asked[rows], grids.tag[rows]).argmax(-1).cpu().numpy()

        self._evaluation.run(ask, images.shape[1])
        wanted = np.where(grids.asked.any(2, keepdims=True), grids.asked, 1) == 1
        return [
            [self._pictures.text(said[replica, row][wanted[replica, row]].tolist()) for row in range(len(own))]
            for replica, own in enumerate(examples)
        ]

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        way: Literal["side by side", "contracted"] = "side by side",
        held: int | None = None,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        """Compare gradients, each replica's own; see `Learner.gradient_products`.

        An example shows training images that belong to it, the same ones each time. `way`: how; `held`: most numbers of
        gradients held at once (None: `sayso.learners.gradients.pairs.HELD`).
        """

        def products(replica: int, own: GradientPairs, on_share: OnShare) -> GradientProducts:
            asked = Asked.of(own)
            alone = self._alone(replica, asked.documents, train)
            return self._gradients.run(
                lambda most: asked.answered(alone.way(way, held, most), by_layer=by_layer, on_share=on_share),
                len(asked.documents),
            )

        return each_of(pairs, products, on_share)

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """Try updates on copies of each replica; see `Learner.step_effects`."""
        found = []
        for replica, own in enumerate(updates):
            documents, numbers = numbered(own)
            heard = part_of(on_share, replica, len(updates))
            found.append(self._alone(replica, documents, train).effects(numbers, train, heard))
        return found

    def _alone(self, replica: int, examples: Sequence[Example], train: TrainSpec) -> Alone:
        """One replica and what it sees of some examples."""
        parameters = {name: tensor[replica] for name, tensor in self.parameters.items()}
        buffers = {name: tensor[replica] for name, tensor in self._buffers.items()}
        grids = self._pictures.grids(list(examples))
        draws = fixed_draws(examples, self.seeds[replica], self._pictures.cells)
        inputs = self._inputs(self._pictures.choose(grids.symbols, draws, "train"), grids.asked, grids.tag)
        target = torch.as_tensor(grids.target, device=self.device)
        counted = self._told(target) if train.loss_on == "completion" else torch.ones_like(target).float()
        return Alone(lambda weights, seen: self._forward(weights, buffers, seen), parameters, inputs, target, counted)

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica's weights as ``model.safetensors``; ConvNeXt V2 as transformers' ordinary checkpoint."""
        parameters, buffers = self._states()[replica]
        self._module.load_state_dict({**parameters, **buffers})
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self._module, ConvNeXt):
            self._module.network.save_pretrained(folder)
        else:
            weights = {name: tensor.contiguous() for name, tensor in self._module.state_dict().items()}
            save_file(weights, folder / "model.safetensors")

    @torch.no_grad()
    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from what `save_replica` wrote.

        Raises
        ------
        SaysoError
            If they are not there, or of another network.
        """
        path = folder / "model.safetensors"
        try:
            found = load_file(path)
        except Exception as error:  # a kind of safetensors' own for damaged files
            raise SaysoError(f"{path}: no weights that can be read") from error
        within = "network." if isinstance(self._module, ConvNeXt) else ""
        given = {within + name: tensor for name, tensor in found.items()}
        own = {**self.parameters, **self._buffers}
        if {name: tensor.shape for name, tensor in given.items()} != {n: t.shape[1:] for n, t in own.items()}:
            raise SaysoError(f"{path}: its weights have other names or shapes than this experiment's model")
        for name, tensor in own.items():
            tensor[replica].copy_(given[name])


def build(corpora: Sequence[Corpus], spec: GridModel) -> GridLearner:
    """Make one replica for each corpus, with random weights that depend on the corpus's seed alone."""
    return GridLearner(corpora, network_of(spec))
