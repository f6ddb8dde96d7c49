"""One model of transformers, causal or sequence-to-sequence, as a learner (`sayso.core.learner.Learner`).

An update is that of one batch padded as the settings say, whatever passes it is made of: losses of all counted tokens
are summed over the passes and divided by their number in the whole batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import (
    Activations,
    Candidates,
    GradientPairs,
    GradientProducts,
    MatrixPeak,
    Scores,
    Steering,
    StepEffects,
    Update,
)
from sayso.core.rng import torch_seed
from sayso.core.shares import OnShare, unheard
from sayso.core.training import TrainSpec
from sayso.learners.activations import blocks_of
from sayso.learners.candidates import Written, total, written
from sayso.learners.device import device_here
from sayso.learners.encoding import Encoder, Once, lengths_of, pad_of
from sayso.learners.gradients.pairs import Asked, each_of
from sayso.learners.gradients.steps import numbered, step_effects
from sayso.learners.matrix_peak import matrix_peak, operations_a_token
from sayso.learners.memory import Fitting
from sayso.learners.modules import computes_in_bfloat16, drawing, drops, has_bfloat16, in_bfloat16, in_evaluation, quiet
from sayso.learners.optim import make_optimizer
from sayso.learners.order import Step
from sayso.learners.several.sharding import gathered, whole_weights
from sayso.learners.several.team import ALONE, Team
from sayso.learners.single.documents import Documents
from sayso.learners.single.generation import ends_of, rules_of
from sayso.learners.single.gradients import Gradients
from sayso.learners.single.greedy import Begun
from sayso.learners.single.grouping import Group
from sayso.learners.single.limits import limits_of, say_what_cannot_match
from sayso.learners.single.listening import losses_while_steered, prompt_activations, reading_part
from sayso.learners.single.matching import Answers
from sayso.learners.single.plain import PlainReader
from sayso.learners.single.pretrained import load_config, load_model, load_tokenizer, load_weights, trained
from sayso.learners.single.proving import choose_reader
from sayso.learners.single.reader import base_of
from sayso.learners.single.scoring import Scorer
from sayso.learners.single.sharded import shard_as_proven
from sayso.learners.single.spelling import require_spelled
from sayso.learners.single.stored import stored
from sayso.learners.single.truth import ordinary_tokens, short_documents
from sayso.learners.specs import HFModel
from sayso.learners.token_texts import token_texts
from sayso.learners.trainer import Encoded, TrainedLearner

#: Most documents of a pass in evaluation, to begin with: all of a CPU's cache, or enough to keep a GPU busy.
EVALUATION_ROWS = {"cpu": 128, "cuda": 512}
_HELPS = "gradient_checkpointing, lora or a smaller model"


class HFLearner(TrainedLearner):
    """One replica. `tokenizer` and `model` are transformers' own.

    `reader` is how the model is read, `documents` what it reads, `limits` how long answers may be, `as_read` what is
    said of the model in the manifest. `scorer` is what it is asked by in evaluation. `team`: the processes that do its
    work together, each with a learner of its own that is told the same.
    """

    def __init__(self, corpus: Corpus, spec: HFModel, team: Team = ALONE) -> None:
        self.seed, self.spec = corpus.seed, spec
        device = team.device or device_here()
        self.tokenizer = load_tokenizer(spec)
        require_spelled(spec.name, self.tokenizer, corpus, seq2seq=load_config(spec).is_encoder_decoder)
        self.model = load_model(spec, self.seed).to(device).eval()
        _fix_what_is_not_saved(self.model)
        config = self.model.config
        seq2seq: bool = config.is_encoder_decoder
        rows: int = self.model.get_input_embeddings().num_embeddings
        if (end := self.tokenizer.eos_token_id) >= rows:
            raise SaysoError(
                f"model {spec.name}: its tokenizer's end-of-text token is number {end}, the model has only {rows}"
            )
        start = config.decoder_start_token_id if seq2seq else None
        self._encoder = Encoder(self.tokenizer, start, rows=rows)
        ordinary = ordinary_tokens(self.tokenizer, rows)
        self.limits = limits_of(spec, self._encoder, corpus)
        self.documents = Documents(spec, config, self._encoder, self.limits)
        self._encoded = Once(lambda examples: self.documents.scored(examples[0]))
        if spec.max_new_tokens is not None:
            say_what_cannot_match(spec.max_new_tokens, self._encoder, corpus)
        self.as_read = {**stored(spec, config), "max_new_tokens": self.limits.new_tokens}
        if device.type == "cpu":
            self.as_read["threads"] = torch.get_num_threads()
        self.fastest = "bfloat16" if has_bfloat16(device) else "float32"
        said = getattr(self.model.get_output_embeddings(), "out_features", rows)
        rules = rules_of(self.model, spec.name, self.limits.new_tokens, said)
        pad = pad_of(self.tokenizer, rows)
        self.reader = choose_reader(self.model, spec.name, ordinary, pad, device, rules, compiled=spec.compiled)
        short = short_documents(ordinary, start)
        if spec.sharded:
            shard_as_proven(self.model, self.reader, short, team, spec.name)
        self._answers = Answers(self.tokenizer, ends_of(self.model, end), spec.answer, self.limits.new_tokens)
        self._drops = any(drops(module) for module in self.model.modules())
        self._evaluation = Fitting(EVALUATION_ROWS.get(device.type, 64), "evaluation", _HELPS)
        self.scorer = Scorer(self.reader, self._answers, self._evaluation, self._weights)
        self._fitting_gradients = Fitting(None, "measuring gradients", _HELPS)
        parameters, embedding = trained(self.model), self.model.get_input_embeddings().weight
        self._gradients = Gradients(self.model, spec.name, self.reader.apart, parameters, short)
        super().__init__(
            [self.seed],
            parameters,
            embedding=next((name for name, tensor in parameters.items() if tensor is embedding), None),
            device=device,
            fitting=Fitting(spec.micro_batch_size, "training", _HELPS, halves=not spec.sharded),
            stacked=False,
            team=team,
            sharded=spec.sharded,
        )

    def encoded(
        self, documents: Sequence[Sequence[Example]], replay: Sequence[Sequence[Example]], train: TrainSpec
    ) -> Encoded:
        """See `TrainedLearner.encoded`."""
        (own,), (repeatable,) = documents, replay
        encoded, extra = (self.documents.trained(part, train) for part in (own, repeatable))
        share, half = self._may_share(train), computes_in_bfloat16(train, self.device)
        least = sorted(encoded, key=lambda item: item.read)[:1]

        def pieces(step: Step, most: int | None) -> Generator[Tensor, None, None]:
            batch = [encoded[row] for row in step.chosen[0]] + [extra[row] for row in step.repeated[0]]
            whole = sum(item.counted for item in batch)
            batch = [batch[row] for row in self.team.own([item.read for item in batch])]
            counts = [item.counted for item in batch]
            with self._in_training(step):
                plan = self.reader.plan(batch, counts, most, share=share, half=half)
                more = self.team.most(len(plan)) - len(plan) if self.sharded else 0
                for parts in plan:
                    with self._autocast(half):
                        loss = self.reader.loss(batch, parts) / whole
                    yield loss.view(1)
                for _ in range(more):  # all processes take as many passes, for each gives its weights to the others
                    with self._autocast(half):
                        loss = self.reader.loss(least, [Group((0,))]) * 0.0
                    yield loss.view(1)

        return Encoded(pieces, [lengths_of([*encoded, *extra])])

    @contextlib.contextmanager
    def _in_training(self, step: Step) -> Generator[None, None, None]:
        """Let the model drop at random what follows from seed, stage and step."""
        self.model.train()
        try:
            others = [self.team.rank] if self.team.rank else []  # who read other documents, and drop other things
            number = torch_seed(self.seed, "dropout", step.stage, step.number, *others)
            with drawing(number, self.device) if self._drops else contextlib.nullcontext():
                yield
        finally:
            self.model.eval()

    def matrix_peak(self, train: TrainSpec) -> MatrixPeak | None:
        """Measure what matrix products reach on its devices; see `sayso.learners.matrix_peak`."""
        return matrix_peak(self.model, operations_a_token, train, self.device, devices=self.team.size)

    def _may_share(self, train: TrainSpec) -> bool:
        """Whether first tokens that documents share may be computed once in training: dropout treats each apart.

        Layers of a sharded model, and those that do their forward pass again, have no weights for what they handed on.
        """
        handed_on = not (self.sharded or self.spec.gradient_checkpointing)
        shares = self.reader.shares and (self.reader.shares_checkpointed or handed_on)
        return shares and not self._drops and train.padding_loss != "all"

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Loss and exact match on the examples; see `Learner.scores`."""
        (own,), documents = examples, self._encoded(examples)

        def part(rows: Sequence[int]) -> tuple[NDArray[Any], ...]:
            asked, read = [own[row] for row in rows], [documents[row] for row in rows]
            return self.scorer.scores(asked, read, half=self._evaluates_in_bfloat16())

        with self.weights_whole():
            loss, match = self.team.divided([item.read for item in documents], part)
        choices = None if candidates is None else self._choices(written(own, candidates[0]))
        return [Scores(loss, match, choices=choices)]

    def _choices(self, asked: Written) -> list[NDArray[np.float64]]:
        """Log-probabilities of candidates; those of one prompt are read together, where the model can."""
        documents = self.documents.candidates(asked.examples)

        def part(rows: Sequence[int]) -> tuple[NDArray[Any], ...]:
            own = [documents[row] for row in rows]
            return (total(self.scorer.losses(own, half=self._evaluates_in_bfloat16(), share=True), own),)

        with self.weights_whole():
            (found,) = self.team.divided([item.read for item in documents], part)
        return asked.choices(found)

    def _weights(self) -> int:
        """How often trained weights have been written to: another number when they have changed."""
        return sum(tensor._version for tensor in self.parameters.values())

    def document_losses(self, examples: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]]:
        """Losses of whole documents; see `Learner.document_losses`."""
        (own,) = examples
        every = self.documents.whole(own, train)

        def part(rows: Sequence[int]) -> tuple[NDArray[Any], ...]:
            own = [every[row] for row in rows]
            return (self.scorer.losses(own, half=self._evaluates_in_bfloat16(), share=False),)

        with self.weights_whole():
            return list(self.team.divided([item.read for item in every], part))

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy answers; see `Learner.answers`."""
        texts = [Begun(item.context, item.ids[: item.start]) for item in self._encoded(examples)]

        def part(rows: Sequence[int]) -> tuple[NDArray[Any], ...]:
            said = self.scorer.answers([texts[row] for row in rows], half=self._evaluates_in_bfloat16())
            return (np.array(said, dtype=object),)

        with self.weights_whole():
            return [list(each) for each in self.team.divided([len(text.ids) for text in texts], part)]

    def gradient_products(
        self,
        pairs: Sequence[Sequence[GradientPairs]],
        train: TrainSpec,
        *,
        by_layer: bool = False,
        way: Literal["ghost", "contracted"] = "ghost",
        held: int | None = None,
        on_share: OnShare = unheard,
    ) -> list[list[GradientProducts]]:
        """Compare gradients; see `Learner.gradient_products`.

        `way`: how, where that is proven to be right for the model. `held`: most numbers of gradients held at once
        (None: `sayso.learners.gradients.pairs.HELD`).
        """

        def products(_replica: int, own: GradientPairs, on_share: OnShare) -> GradientProducts:
            asked = Asked.of(own)
            documents = self.documents.trained(asked.documents, train)
            return self._fitting_gradients.run(
                lambda most: self._gradients.products(
                    asked,
                    documents,
                    by_layer=by_layer,
                    way=way,
                    held=held,
                    most=most,
                    on_share=on_share,
                ),
                len(documents),
            )

        with in_evaluation(self.model):
            return each_of(pairs, products, on_share)

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """Try updates; see `Learner.step_effects`."""
        (own,) = updates
        examples, numbers = numbered(own)
        documents = self.documents.trained(examples, train)
        with in_evaluation(self.model):
            effects = step_effects(
                self._gradients.losses(documents),
                numbers,
                self.parameters,
                lambda: make_optimizer(self.parameters, self.embedding, train, stacked=False),
                train,
                stacked=False,
                on_share=on_share,
            )
        return [effects]

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers; see `Learner.activations`.

        Of a sequence-to-sequence model it is the encoder that reads prompts; what its tokenizer adds to them counts.
        """
        (own,) = examples
        return prompt_activations(self.model, self.spec.name, own, self.documents.prompts(own), layers, at)

    def layers(self) -> int:
        """How many blocks read prompts; see `Learner.layers`."""
        return len(blocks_of(reading_part(self.model), base_of(self.model).config, self.spec.name))

    def prompt_tokens(self, examples: Sequence[Sequence[Example]]) -> list[list[tuple[str, ...]]]:
        """The tokens of each prompt as text; see `Learner.prompt_tokens`."""
        return [token_texts(self.tokenizer, self.documents.prompts(examples[0]))]

    def steered_losses(
        self, examples: Sequence[Sequence[Example]], steering: Sequence[Sequence[Steering]]
    ) -> list[NDArray[np.float64]]:
        """Losses of completions while something is added between layers; see `Learner.steered_losses`.

        In float32, as activations are: what is added may change them less than bfloat16 does.
        """
        (own,), (added,) = examples, steering
        plain = PlainReader(self.model, self.reader.pad, self.device, "one length")
        with self.weights_whole():
            return [losses_while_steered(plain, self.spec.name, own, self.documents.scored(own), added)]

    def _autocast(self, enabled: bool) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    @contextlib.contextmanager
    def weights_whole(self) -> Iterator[None]:
        """Let each process of a sharded model have all weights; all of them enter this at once, and once at a time."""
        with whole_weights(self.reader.root) if self.spec.sharded else contextlib.nullcontext():
            yield

    def give_weights(self) -> None:
        """Do this process's part of another's `weights_whole`."""
        with self.weights_whole():
            pass

    def _evaluates_in_bfloat16(self) -> bool:
        return in_bfloat16(self.spec.evaluation_precision, self.device)

    def save_replica(self, replica: int, folder: Path) -> None:  # noqa: ARG002
        """Write the model as an ordinary transformers checkpoint with its tokenizer; of LoRA, its adapter (peft).

        Where it is sharded, all processes do it at once, and the first one writes.
        """
        whole: dict[str, Any] = {}
        if self.spec.sharded:
            whole = {"state_dict": gathered(self.model, keep=self.team.rank == 0)}
        if self.team.rank > 0:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
            self.model.save_pretrained(folder, **whole)
            self.tokenizer.save_pretrained(folder)

    def load_replica(self, replica: int, folder: Path) -> None:  # noqa: ARG002
        """Bring back weights from such a checkpoint; see `load_weights` for its errors."""
        load_weights(self.model, folder)


def build(corpora: Sequence[Corpus], spec: HFModel) -> HFLearner:
    """Load the model for one corpus.

    Raises
    ------
    SaysoError
        If it cannot be had or read, or its tokenizer does not do or cannot spell the facts.
    """
    (corpus,) = corpora
    return HFLearner(corpus, spec)


def _fix_what_is_not_saved(model: Any) -> None:
    """Keep weights as they are that a model never saves: Marian's sinusoids, which loading makes trainable.

    Trained, they would be lost when the model is kept.
    """
    own = base_of(model)
    said = getattr(own.get_output_embeddings(), "weight", None)  # tied, it is saved under another name
    parameters = dict(own.named_parameters())
    for name in getattr(own, "_keys_to_ignore_on_save", None) or ():
        if name in parameters and parameters[name] is not said:
            parameters[name].requires_grad_(False)
