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

    Parameters
    ----------
    loss
        Mean negative log likelihood in nats of the completion's tokens (end of text included), shape (examples,).
    match
        Whether greedy decoding gives an accepted answer, shape (examples,).
    known
        Works out the greedy answers that the scores have shown already, by place, so that they need not be decoded;
        None where none are.
    choices
        The log-probability in nats of each candidate answer, an array of shape (candidates,) an example; None where
        none were given. It is that of the candidate's own tokens after the prompt, without what ends an answer.
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
    """How long documents are to one replica.

    Parameters
    ----------
    tokens
        How many tokens it reads of each, the end included, padding not, shape (documents,); a picture is one.
    counted
        How many of each count in the loss, shape (documents,); of a picture how many cells.
    """

    tokens: NDArray[np.int64]
    counted: NDArray[np.int64]

    def __add__(self, other: Lengths) -> Lengths:
        """Those of more documents after these."""
        return Lengths(*(np.concatenate(pair) for pair in ((self.tokens, other.tokens), (self.counted, other.counted))))


@dataclass(frozen=True)
class Norms:
    """Norms of the gradients of documents.

    Parameters
    ----------
    l1
        Sums of absolute values, shape (documents,).
    l2
        Euclidean norms, shape (documents,).
    linf
        Largest absolute values, shape (documents,).
    """

    l1: NDArray[np.float64]
    l2: NDArray[np.float64]
    linf: NDArray[np.float64]


@dataclass(frozen=True)
class GradientPairs:
    """What is asked: the gradients of some documents against those of others, of one replica.

    Parameters
    ----------
    rows
        The ones.
    columns
        The others.
    wanted
        Which pairs, shape (rows, columns); None for all.
    norms
        Whether norms and the sum are wanted, too, for which every gradient has to be gone over; NaN else.
    """

    rows: Sequence[Example]
    columns: Sequence[Example]
    wanted: NDArray[np.bool_] | None = None
    norms: bool = True


@dataclass(frozen=True)
class GradientProducts:
    """What is given of `GradientPairs`, summed in float64.

    A document's gradient is that of its mean loss over the tokens that count in training, by all trained weights.

    Parameters
    ----------
    products
        Inner products, shape (rows, columns), NaN where not wanted.
    rows
        Norms of the documents in rows.
    columns
        Norms of those in columns.
    sum_squared
        The squared norm of the sum of all gradients, those of rows and columns.
    parts
        The products by layer (``embeddings``, ``layer 1``, ..., ``output``), each of shape (rows, columns), which sum
        up to `products`; empty unless asked for.
    way
        How they were had: ``side by side``, ``contracted`` or ``ghost``.
    """

    products: NDArray[np.float64]
    rows: Norms
    columns: Norms
    sum_squared: float
    parts: Mapping[str, NDArray[np.float64]]
    way: str


@dataclass(frozen=True)
class Update:
    """One update on a document alone, and the documents it is to be felt by.

    Parameters
    ----------
    document
        What is trained on.
    asked
        Whose loss is compared before and after.
    """

    document: Example
    asked: Sequence[Example]


@dataclass(frozen=True)
class StepEffects:
    """What updates do to the mean loss of what is asked, of one replica, in nats per token.

    Parameters
    ----------
    predicted
        The change to first order, the step taken times the gradient of that loss, shape (updates,).
    real
        The change itself, shape (updates,).
    """

    predicted: NDArray[np.float64]
    real: NDArray[np.float64]


@dataclass(frozen=True)
class Activations:
    """What passes between layers at some tokens of some examples, of one replica.

    Parameters
    ----------
    replica
        The replica, from 0 on.
    layer
        0 is what enters the first block, n what leaves the n-th (before any last normalisation).
    rows
        Which examples.
    values
        What passes, shape (rows, tokens, width).
    """

    replica: int
    layer: int
    rows: tuple[int, ...]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Steering:
    """What is added between layers while prompts are read, of one replica.

    Parameters
    ----------
    layer
        It is added to what leaves this block (0: to what enters the first).
    at
        At which tokens of each prompt, counted from 0, shape (examples, tokens).
    vector
        What is added, shape (width,).
    """

    layer: int
    at: NDArray[np.int64]
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class StepDone:
    """An update that was taken.

    Parameters
    ----------
    number
        Which of its epoch, from 1 on.
    steps
        How many its epoch has.
    tokens
        On how many tokens of all replicas.
    """

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
    """K replicas of one model, trained and measured side by side. K = 1 for one big model.

    `replicas` is K. Every method takes and gives one item per replica.
    """

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
        """Train every replica on its documents from the end of one epoch to the end of another.

        Starting at epoch 0 makes a fresh optimizer; starting later continues with the one `load` brought back.

        Parameters
        ----------
        documents
            Those of each replica.
        train
            How they become updates.
        stage
            The stage's name, from which orders are drawn.
        epochs
            Where it ends, an epoch counted from 1.
        start_epoch
            Where it begins: so many are done.
        replay
            Documents of each replica that are added to its batches.
        replay_share
            Which share of a batch's size is added of them.
        on_epoch
            Hears after each epoch of its number, from 1 on, and the mean training loss per replica, shape (replicas,).
        on_step
            Hears of each update.
        """

    def lengths(self) -> list[Lengths]:
        """How long the documents of the last `fit` are, and after them those it replays.

        They are known from its first epoch on. A step's loss is the mean over all counted tokens of its batch, so this
        says what each document weighs.

        Returns
        -------
        list[Lengths]
            One for each replica.
        """

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Loss and exact match, in one forward pass and without generating.

        A match here is exactly what comparing `answers` to the accepted answers would give.

        Parameters
        ----------
        examples
            Those of each replica.
        candidates
            Answers to choose among, of each replica's examples; they are written where the first accepted answer is.

        Returns
        -------
        list[Scores]
            One for each replica.
        """

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy completions, decoded token by token up to the end of text.

        Parameters
        ----------
        examples
            Those of each replica.

        Returns
        -------
        list[list[str]]
            For each replica a text an example.
        """

    def document_losses(self, examples: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]]:
        """Mean negative log likelihood of whole documents, in nats per token.

        Every token counts but a document's first, which nothing comes before: those of its prompt, whatever ``loss_on``
        says, and after its last word as much as ``padding_loss`` counts in training. A sequence-to-sequence model's
        document is what it writes.

        Parameters
        ----------
        examples
            Those of each replica.
        train
            Settings by which documents are encoded.

        Returns
        -------
        list[NDArray[np.float64]]
            For each replica an array of shape (examples,).
        """

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        """Compare the gradients of documents.

        Documents are encoded as training does, passes are in float32 and in evaluation mode, and neither weights nor
        their ``.grad`` change. The gradients of a large model are never all held at once.

        Parameters
        ----------
        pairs
            For each replica a list of what is asked.
        train
            Settings by which documents are encoded.
        by_layer
            What each layer adds, too.
        on_share
            Hears, from 0 to 1, how much is done.

        Returns
        -------
        list[list[GradientProducts]]
            For each replica one answer for each thing asked.
        """

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """Try updates, one by one and each from the same weights, and see what is felt of them elsewhere.

        An update is one step of a fresh optimizer on one document, at the learning rate that its schedule starts with
        after any warm-up, its gradient clipped as in training. Documents are encoded as training does, in evaluation
        mode; the mean loss of several is that of each document's mean over its counted tokens. Weights are put back to
        the bit.

        Parameters
        ----------
        updates
            For each replica the updates.
        train
            Settings of the optimizer.
        on_share
            Hears, from 0 to 1, how much is done.

        Returns
        -------
        list[StepEffects]
            One for each replica.
        """

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers, by layer and chunk of examples.

        Parameters
        ----------
        examples
            Those of each replica.
        layers
            Which layers, from 0 to `layers`.
        at
            Which tokens of each prompt, as positions that count from its beginning (0, 1, ...) or from its end (-1 is
            its last token).

        Yields
        ------
        Activations
            Some examples of one replica at one layer.
        """

    def layers(self) -> int:
        """How many blocks there are: `activations` gives layers 0 to this one.

        Returns
        -------
        int
            The number.
        """

    def prompt_tokens(self, examples: Sequence[Sequence[Example]]) -> list[list[tuple[str, ...]]]:
        """The tokens of each prompt as text, as `activations` counts them.

        Parameters
        ----------
        examples
            Those of each replica.

        Returns
        -------
        list[list[tuple[str, ...]]]
            For each replica the tokens of each prompt.
        """

    def steered_losses(
        self, examples: Sequence[Sequence[Example]], steering: Sequence[Sequence[Steering]]
    ) -> list[NDArray[np.float64]]:
        """Mean negative log likelihood of completions, in nats per token, while something is added between layers.

        Of a sequence-to-sequence model it is the encoder that is steered.

        Parameters
        ----------
        examples
            Those of each replica.
        steering
            For each replica all that is added, at once; where it is nothing, the losses are those of `scores`.

        Returns
        -------
        list[NDArray[np.float64]]
            For each replica an array of shape (examples,).
        """

    def save(self, path: Path) -> Future[None]:
        """Write all state needed to go on: weights and optimizer. The file appears whole or not at all.

        What is written is the state at the time of the call.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Future[None]
            Done when it is written; that may go on beside training.
        """

    def save_weights(self, path: Path) -> Future[None]:
        """Write the weights alone, as `save` does: enough to measure them, or to begin a stage from them.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Future[None]
            Done when it is written.
        """

    def load(self, path: Path) -> None:
        """Bring back what `save` or `save_weights` wrote.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        SaysoError
            If the file is damaged, or belongs to other seeds or another model.
        """

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer.

        Parameters
        ----------
        replica
            Which, from 0 on.
        folder
            Where.
        """

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint.

        Parameters
        ----------
        replica
            Which, from 0 on.
        folder
            Where.
        """
