"""What a learner promises: the one deep interface in which training and measuring meet.

A learner holds K replicas side by side, one per seed, and every method takes and gives one item per replica.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sayso.core.examples import Example
from sayso.core.shares import OnShare, unheard
from sayso.core.training import TrainSpec


@dataclass(frozen=True)
class Scores:
    """Teacher-forced scores of one replica on a list of examples, in their order.

    `loss`: mean negative log likelihood in nats of the completion's tokens (end of text included), shape (examples,).
    `match`: whether greedy decoding gives an accepted answer, shape (examples,). `known`: works out the greedy answers
    that the scores have shown already, by place, so that they need not be decoded; None where none are. `choices`: the
    log-probability in nats of each candidate answer of each example, an array (candidates,) an example; None where none
    were given. It is that of the candidate's own tokens after the prompt, without what ends an answer.
    """

    loss: NDArray[np.float64]
    match: NDArray[np.bool_]
    known: Callable[[], Mapping[int, str]] | None = None
    choices: list[NDArray[np.float64]] | None = None


#: Candidate answers of each example.
Candidates = Sequence[Sequence[str]]

#: What a measure may need of a learner: `Learner.scores`, with ``choices`` for candidates, `answers`,
#: `document_losses`, `gradient_products` and `step_effects`, `activations`. With these come `layers`, `prompt_tokens`
#: and `steered_losses`.
Need = Literal["scores", "choices", "answers", "documents", "gradients", "activations"]


@dataclass(frozen=True)
class Lengths:
    """How long documents are to one replica, both of shape (documents,).

    `tokens`: how many it reads, the end included, padding not; a picture is one. `counted`: how many count in the loss,
    of a picture how many cells.
    """

    tokens: NDArray[np.int64]
    counted: NDArray[np.int64]

    def __add__(self, other: Lengths) -> Lengths:
        """Those of more documents after these."""
        return Lengths(*(np.concatenate(pair) for pair in ((self.tokens, other.tokens), (self.counted, other.counted))))


@dataclass(frozen=True)
class Norms:
    """Norms of the gradients of documents, all of shape (documents,)."""

    l1: NDArray[np.float64]
    l2: NDArray[np.float64]
    linf: NDArray[np.float64]


@dataclass(frozen=True)
class GradientPairs:
    """What is asked: the gradients of the documents `rows` against those of `columns`, of one replica.

    `wanted`: which pairs, shape (rows, columns); None for all. `norms`: whether norms and the sum are wanted, too, for
    which every gradient has to be gone over; NaN else.
    """

    rows: Sequence[Example]
    columns: Sequence[Example]
    wanted: NDArray[np.bool_] | None = None
    norms: bool = True


@dataclass(frozen=True)
class GradientProducts:
    """What is given of `GradientPairs`, summed in float64.

    A document's gradient is that of its mean loss over the tokens that count in training, by all trained weights.
    `products`: inner products, shape (rows, columns), NaN where not wanted. `rows`, `columns`: the documents' norms.
    `sum_squared`: the squared norm of the sum of all gradients, those of rows and columns. `parts`: the products by
    layer (``embeddings``, ``layer 1``, ..., ``output``), which sum up to `products`; empty unless asked for. `way`: how
    they were had, ``side by side``, ``contracted`` or ``ghost``.
    """

    products: NDArray[np.float64]
    rows: Norms
    columns: Norms
    sum_squared: float
    parts: Mapping[str, NDArray[np.float64]]
    way: str


@dataclass(frozen=True)
class Update:
    """One update on a document alone, and the documents it is to be felt by."""

    document: Example
    asked: Sequence[Example]


@dataclass(frozen=True)
class StepEffects:
    """What updates do to the mean loss of what is asked, of one replica; both of shape (updates,), in nats per token.

    `predicted`: the change to first order, the step taken times the gradient of that loss. `real`: the change itself.
    """

    predicted: NDArray[np.float64]
    real: NDArray[np.float64]


@dataclass(frozen=True)
class Activations:
    """What passes between layers at some tokens of some examples, of one replica.

    `layer`: 0 is what enters the first block, n what leaves the n-th (before any last normalisation). `rows`: which
    examples. `values`: shape (rows, tokens, width), float32.
    """

    replica: int
    layer: int
    rows: tuple[int, ...]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Steering:
    """What is added between layers while prompts are read, of one replica.

    `vector`, of shape (width,), is added to what leaves block `layer` (0: to what enters the first) at the tokens `at`
    of each prompt, shape (examples, tokens), counted from 0.
    """

    layer: int
    at: NDArray[np.int64]
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class StepDone:
    """An update that was taken: the `number`-th of the `steps` of its epoch, on so many `tokens` of all replicas."""

    number: int
    steps: int
    tokens: int


@dataclass(frozen=True)
class MatrixPeak:
    """What matrix products reach at most where a learner trains, and what training takes of it.

    `operations` a second, measured in a `precision` (``bfloat16``, ``float32``, ``tf32``), of all devices that train it
    together; `token`: operations that training takes for a token, of one replica.
    """

    precision: str
    operations: float
    token: float

    def seconds(self, tokens: int) -> float:
        """How long training on so many tokens would take if matrix products were all, at their fastest."""
        return tokens * self.token / self.operations


class Learner(Protocol):
    """K replicas of one model, trained and measured side by side. K = 1 for one big model."""

    replicas: int

    def fit(
        self,
        documents: Sequence[Sequence[Example]],
        train: TrainSpec,
        *,
        stage: str,
        epochs: int,
        start_epoch: int = 0,
        replay: Sequence[Sequence[Example]] | None = None,
        replay_share: float = 0.0,
        on_epoch: Callable[[int, NDArray[np.float64]], None] | None = None,
        on_step: Callable[[StepDone], None] | None = None,
    ) -> None:
        """Train every replica on its documents from the end of epoch `start_epoch` to the end of epoch `epochs`.

        Starting at epoch 0 makes a fresh optimizer; starting later continues with the one `load` brought back. For
        every batch a share `replay_share` of its size is added from the documents of `replay`.
        `on_epoch(epoch, loss)` is called after each epoch, from 1 on, with the mean training loss per replica, and
        `on_step` after each update.
        """

    def lengths(self) -> list[Lengths]:
        """How long the documents of the last `fit` are, per replica, and after them those it replays.

        They are known from its first epoch on. A step's loss is the mean over all counted tokens of its batch, so this
        says what each document weighs.
        """

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Loss and exact match per replica, in one forward pass and without generating.

        A match here is exactly what comparing `answers` to the accepted answers would give. `candidates`: answers to
        choose among, of each replica's examples; they are written where the first accepted answer is.
        """

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy completions per replica, decoded token by token up to the end of text."""

    def document_losses(self, examples: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]]:
        """Mean negative log likelihood of whole documents, in nats per token, per replica; each of shape (examples,).

        Every token counts but a document's first, which nothing comes before: those of its prompt, whatever
        ``loss_on`` says, and after its last word as much as ``padding_loss`` counts in training. A
        sequence-to-sequence model's document is what it writes.
        """

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        """Compare the gradients of documents (for each replica a list of what is asked; one answer for each).

        Documents are encoded as training does, passes are in float32 and in evaluation mode, and neither weights nor
        their ``.grad`` change. The gradients of a large model are never all held at once.
        """

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """Try updates, one by one and each from the same weights, and see what is felt of them elsewhere.

        An update is one step of a fresh optimizer of `train` on one document, at the learning rate that its schedule
        starts with after any warm-up, its gradient clipped as in training. Documents are encoded as training does, in
        evaluation mode; the mean loss of several is that of each document's mean over its counted tokens. Weights are
        put back to the bit.
        """

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers, by layer and chunk of examples.

        `at`: which tokens of each prompt, as positions that count from its beginning (0, 1, ...) or from its end (-1 is
        its last token).
        """

    def layers(self) -> int:
        """How many blocks there are: `activations` gives layers 0 to this one."""

    def prompt_tokens(self, examples: Sequence[Sequence[Example]]) -> list[list[tuple[str, ...]]]:
        """The tokens of each prompt as text, as `activations` counts them."""

    def steered_losses(
        self, examples: Sequence[Sequence[Example]], steering: Sequence[Sequence[Steering]]
    ) -> list[NDArray[np.float64]]:
        """Mean negative log likelihood of completions, in nats per token, while something is added between layers.

        `steering`: for each replica all that is added, at once; where it is nothing, the losses are those of `scores`.
        Of a sequence-to-sequence model it is the encoder that is steered.
        """

    def save(self, path: Path) -> Future[None]:
        """Write all state needed to go on: weights and optimizer. The file appears whole or not at all.

        What is written is the state at the time of the call; writing may go on beside training until the future is
        done.
        """

    def save_weights(self, path: Path) -> Future[None]:
        """Write the weights alone, as `save` does: enough to measure them, or to begin a stage from them."""

    def load(self, path: Path) -> None:
        """Bring back what `save` or `save_weights` wrote.

        Raises
        ------
        SaysoError
            If the file is damaged, or belongs to other seeds or another model.
        """

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer."""

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint."""
