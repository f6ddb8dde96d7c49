"""How a stage turns documents into updates."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from sayso.core.errors import nearest
from sayso.core.spec import Spec

#: Parts of a corpus: what is read before stage 1, and the documents of the two groups of subsets.
PARTS = ("world", "X1", "X2")


class Sampling(Spec):
    """Batches drawn with replacement, so that an epoch is a number of updates (appendix E.1 of the paper).

    For each place in a batch a subset is drawn, each equally likely; then, where the subset has both, whether the
    document is a definition or a question; then one of these documents.

    Parameters
    ----------
    steps_per_epoch
        How many updates an epoch has.
    definition_share
        How likely the document is a definition, where its subset has definitions and questions.
    """

    steps_per_epoch: int = Field(ge=1)
    definition_share: float = Field(default=0.1, gt=0, lt=1)


class TrainSpec(Spec):
    """How documents become updates.

    Parameters
    ----------
    optimizer
        ``adafactor`` is the paper's (no relative step, no parameter scaling, clipping of updates at 1.0, decay -0.8),
        ``adamw`` the common one.
    learning_rate
        The rate that is reached after `warmup_steps`.
    embedding_multiplier
        Multiplies the learning rate of the input embedding.
    schedule
        What the rate does after that: with ``linear`` and ``cosine`` it falls to 0 at the end of the stage, with
        ``constant`` it stays.
    warmup_steps
        For how many updates of a stage the rate rises from 0.
    batch_size
        Documents per update.
    weight_decay
        Weight decay of the optimizer.
    max_grad_norm
        Each replica's gradient is clipped to this norm; None clips nothing.
    loss_on
        What is trained on: ``all`` tokens of a document (the paper's causal objective) or its ``completion`` alone.
    padding_loss
        What counts in the loss after a document's last word: the ``first_eos`` (one end token), ``none``, or ``all``
        padding up to `max_length` (the authors' code).
    max_length
        Most tokens of a document; a longer one is an error, nothing is cut. None sets no limit.
    precision
        ``auto`` computes in bfloat16 where the device is a GPU that has it, ``fastest`` also on a CPU that does;
        ``float32`` and ``bfloat16`` are what they say. Weights are float32 always.
    sampling
        Draws batches with replacement; None goes over every document once an epoch.
    repetitions
        Where an epoch says the same more than once (``definitions_per_alias``, ``repeats``), what is repeated stands
        anywhere (``shuffled``), one after the other (``together``), or at equal distances (``spread``).
    """

    optimizer: Literal["adafactor", "adamw"] = "adafactor"
    learning_rate: float = Field(default=1e-3, gt=0)
    embedding_multiplier: float = Field(default=1.0, gt=0)
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=64, ge=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    loss_on: Literal["all", "completion"] = "all"
    padding_loss: Literal["first_eos", "all", "none"] = "first_eos"
    max_length: int | None = Field(default=None, ge=2)
    precision: Literal["auto", "float32", "bfloat16", "fastest"] = "auto"
    sampling: Sampling | None = None
    repetitions: Literal["shuffled", "together", "spread"] = "shuffled"

    @model_validator(mode="after")
    def _check_padding(self) -> TrainSpec:
        if self.padding_loss == "all" and self.max_length is None:
            raise ValueError("padding_loss 'all' counts padding up to max_length, which must be given")
        if self.sampling is not None and self.repetitions != "shuffled":
            raise ValueError("repetitions are where chance puts them with sampling; leave one of the two out")
        return self


class Stage(Spec):
    """A stretch of training with an optimizer and a schedule of its own.

    Parameters
    ----------
    name
        What it is called in records: small letters, digits and ``_``.
    documents
        Parts of the corpus (``world``, ``X1``, ``X2``), or what in a part is of a subset, or said by a source, or both
        (``X2/reliable``, ``X1/QA3``, ``X2/D5cons/reliable``), so that they can be read one after the other.
    epochs
        How often its documents are gone over.
    overrides
        Settings of the experiment's `TrainSpec` that are others in this stage, by name.
    replay
        To every batch this share of its size is added from the documents of `replay_from`, drawn anew for each batch.
    replay_from
        The documents that are replayed, named as in `documents`.
    measured
        Whether the measures run on the subsets during this stage: at its start, after every `measure_every` epochs, and
        at its end.
    measure_every
        Every how many epochs a measure with ``when: epoch`` is due.
    from_epoch
        Start from the state after this epoch of the stage before; None: after its last.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    documents: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(ge=0)
    overrides: dict[str, JsonValue] = Field(default_factory=dict)
    replay: float = Field(default=0.0, ge=0)
    replay_from: tuple[str, ...] = ()
    measured: bool = True
    measure_every: int = Field(default=1, ge=1)
    from_epoch: int | None = Field(default=None, ge=1)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the corpus that its documents are of, each once."""
        return tuple(dict.fromkeys(named.partition("/")[0] for named in self.documents))

    @property
    def names(self) -> tuple[str, ...]:
        """The subsets and sources that its documents are named by, each once."""
        named = (*self.documents, *self.replay_from)
        return tuple(dict.fromkeys(name for each in named for name in each.split("/")[1:]))

    @model_validator(mode="after")
    def _check_documents(self) -> Stage:
        for named in (*self.documents, *self.replay_from):
            part, *names = named.split("/")
            if part not in PARTS or not all(names):
                raise ValueError(f"stage {self.name}: no documents '{named}'{nearest(part, PARTS)}")
        if (self.replay > 0) != bool(self.replay_from):
            raise ValueError(f"stage {self.name}: replay and replay_from go together")
        return self
