"""Light descriptions of language models; what makes them is named, and imported when one is built."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from sayso.core.answers import AnswerPart
from sayso.core.learner import Need
from sayso.core.protocols import ModelSpec
from sayso.core.spec import Spec
from sayso.core.training import TrainSpec
from sayso.learners.model_files import sha256_of


class FromScratch(ModelSpec):
    """A small language model of the transformers library, from random weights, with a word-level tokenizer.

    Vocabulary size and special tokens are set by sayso. Seeds are trained side by side.

    A sequence-to-sequence model reads a document's prompt with its encoder and writes the rest, which alone is trained:
    ``loss_on`` ``all`` and ``completion`` are one for it.

    Parameters
    ----------
    architecture
        A model type of transformers, causal (``gpt_neox``, ``gpt2``, ``llama``, ...) or sequence-to-sequence (``t5``,
        ``mt5``, ``bart``, ...).
    config
        Its settings, by the names that transformers has for them.
    max_new_tokens
        An answer is what is said up to the end token (None), or at most so many tokens, with an end token among them or
        not. A model that is trained with ``padding_loss="none"`` never learns to end and needs a number.
    """

    learner: ClassVar[str] = "sayso.learners.stacked.learner:build"
    gives: ClassVar[frozenset[Need]] = frozenset(
        {"scores", "choices", "answers", "documents", "gradients", "activations"}
    )
    measuring: ClassVar[frozenset[str]] = frozenset({"max_new_tokens"})
    max_replicas: ClassVar[int] = 16
    max_replicas_on_gpu: ClassVar[int | None] = 256

    architecture: str = "gpt_neox"
    config: dict[str, JsonValue] = Field(default_factory=dict)
    max_new_tokens: int | None = Field(default=None, ge=1)

    def check_training(self, train: TrainSpec) -> None:
        """Refuse a loss without the end token where answers are waited for until they end."""
        if train.padding_loss == "none" and self.max_new_tokens is None:
            raise ValueError(
                "padding_loss is 'none', so the model never learns to end an answer; set model.max_new_tokens to the "
                "tokens of the longest, or padding_loss to 'first_eos'"
            )


class LoRA(Spec):
    """Train low-rank additions to some layers and leave the model's own weights as they are (peft).

    Parameters
    ----------
    rank
        The rank of the additions.
    alpha
        They are multiplied by `alpha` over `rank`.
    dropout
        The share of inputs that is dropped in training.
    target_modules
        Names of the layers; None takes peft's choice for the architecture, ``all-linear`` every linear one.
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] | Literal["all-linear"] | None = None


class HFModel(ModelSpec):
    """A causal or sequence-to-sequence model of the transformers library; which of them, its configuration says.

    Weights are read into float32 whatever type they are stored in. Quantised weights of a folder are refused but with
    `lora`.

    Parameters
    ----------
    name
        A name on the hub, a local folder or a GGUF file.
    revision
        A branch, tag or commit on the hub.
    from_scratch
        Weights are random and follow from the seed; only configuration and tokenizer are read.
    lora
        Trains low-rank additions; None trains the whole model.
    gradient_checkpointing
        Saves memory for time.
    micro_batch_size
        Most documents of one forward and backward pass; None tries the whole batch. It is halved when memory runs out,
        and the update stays that of the whole batch.
    answer
        What of a continuation is the answer, its ``first_line`` or the ``whole`` (the authors' code).
    max_new_tokens
        Most tokens of an answer (the authors' code: 8 for the CVDB, 16 for T-REx); None takes as many as the longest
        accepted answer has with what ends it, 8 at the least.
    label_length
        Most tokens of an answer a sequence-to-sequence model is trained on. With ``padding_loss="all"`` answers are
        padded to it (the authors' code: 8), or to the longest where it is None.
    evaluation_precision
        ``auto`` is bfloat16 on a GPU that has it and float32 elsewhere, ``fastest`` is bfloat16 on a CPU that has it as
        well. Answers that bfloat16 might change are found in float32 whatever it is, so that they stay the same;
        ``float32`` keeps losses independent of rounding, and of which examples are scored together.
    trust_remote_code
        Code that comes with a model is run, and refused otherwise.
    allow_pickle
        Files that are not safetensors are read, and refused otherwise.
    devices
        How many GPUs one model is trained on together (on a machine without any, processes), which share out the
        documents of each batch. Updates and digest are those of one device.
    sharded
        Each device holds its part of every weight, and not the whole model.
    compiled
        Training runs the model's blocks as compiled code (``torch.compile``): far fewer operations for a GPU to be
        handed. It takes a C++ compiler, on a GPU Triton, and a minute or two when a job begins, and sums are rounded
        otherwise. Where it does not give the model's own losses and gradients it is left out, and said.
    """

    learner: ClassVar[str] = "sayso.learners.several.learner:build"
    gives: ClassVar[frozenset[Need]] = frozenset(
        {"scores", "choices", "answers", "documents", "gradients", "activations"}
    )
    measuring: ClassVar[frozenset[str]] = frozenset({"answer", "max_new_tokens", "evaluation_precision"})
    running: ClassVar[frozenset[str]] = frozenset({"devices", "sharded", "compiled"})

    name: str = Field(min_length=1)
    revision: str | None = None
    from_scratch: bool = False
    lora: LoRA | None = None
    gradient_checkpointing: bool = False
    micro_batch_size: int | None = Field(default=None, ge=1)
    answer: AnswerPart = "first_line"
    max_new_tokens: int | None = Field(default=None, ge=1)
    label_length: int | None = Field(default=None, ge=1)
    evaluation_precision: Literal["auto", "float32", "bfloat16", "fastest"] = "auto"
    trust_remote_code: bool = False
    allow_pickle: bool = False
    devices: int = Field(default=1, ge=1)
    sharded: bool = False
    compiled: bool = False

    @model_validator(mode="after")
    def _check_devices(self) -> HFModel:
        if self.sharded and self.devices == 1:
            raise ValueError("sharded needs several devices, found devices 1; set devices to the number of GPUs")
        if self.sharded and self.compiled:
            raise ValueError("sharded does not go with compiled; leave one out")
        if self.sharded and self.lora is not None:
            raise ValueError("sharded does not go with lora; leave one out (lora trains few weights on each device)")
        return self

    def processes(self) -> int:
        """One for each device."""
        return self.devices

    def needs_met(self) -> frozenset[Need]:
        """All it gives; of a sharded model no gradients of single documents."""
        return self.gives - {"gradients"} if self.sharded else self.gives

    def asked_by(self) -> dict[str, JsonValue]:
        """``auto`` finds the answers that float32 finds, and is no other way of asking."""
        settings = super().asked_by()
        return {**settings, "evaluation_precision": "float32"} if self.evaluation_precision == "auto" else settings

    def identity(self) -> str | None:
        """Sha256 of a folder's files or a GGUF file, or the commit of a model from the hub, once it is in the cache.

        Raises
        ------
        SaysoError
            If a file of the folder cannot be read.
        """
        if (own := sha256_of(self.name)) is not None:
            return own
        from huggingface_hub import try_to_load_from_cache

        try:
            found = try_to_load_from_cache(self.name, "config.json", revision=self.revision)
        except ValueError:  # no name the hub would take; loading it says what is wrong
            return None
        return PurePath(found).parent.name if isinstance(found, str) else None
