"""K replicas of one small language model of transformers, trained side by side.

Every replica has its own data, its own random weights and its own order; nothing it does depends on which others are
beside it. `Replicas` holds their weights; here they are trained, scored and asked.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
    Lengths,
    MatrixPeak,
    Scores,
    Steering,
    StepEffects,
    Update,
)
from sayso.core.shares import OnShare, part_of, unheard
from sayso.core.training import TrainSpec
from sayso.learners.candidates import Written, total, written
from sayso.learners.device import carried, device_here
from sayso.learners.encoding import Document, Encoder, Once, cut_completions, require_boundary, without_end
from sayso.learners.gradients.pairs import Asked, each_of
from sayso.learners.gradients.steps import numbered
from sayso.learners.matrix_peak import matrix_peak, operations_a_token
from sayso.learners.memory import Fitting, slices
from sayso.learners.order import Step
from sayso.learners.specs import FromScratch
from sayso.learners.stacked.accepted import Accepted
from sayso.learners.stacked.batching import Batch, Tokens, buckets, join, stack
from sayso.learners.stacked.decoding import greedy_answers, known_answers
from sayso.learners.stacked.gradients import effects_of, products_of
from sayso.learners.stacked.mechanisms import losses_while_steered, prompt_activations, prompts_of, reading_blocks
from sayso.learners.stacked.replicas import Replicas
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.learners.token_texts import token_texts
from sayso.learners.trainer import Encoded, TrainedLearner

#: Rows of one forward pass in evaluation: small enough to stay in a CPU's cache, large enough to keep a GPU busy.
EVALUATION_ROWS = 256
_HELPS = "fewer seeds side by side or a smaller model"


class _Scored(NamedTuple):
    """Of each document its mean loss, the position of the first wrong token, the guess there, and its candidates'."""

    loss: NDArray[np.float64]
    first_wrong: NDArray[np.int64]
    guess: NDArray[np.int64]
    chosen: NDArray[np.float64]


class _Candidates(NamedTuple):
    """Candidates of every replica, and as tokens (replicas, documents, candidates) where each is a single one."""

    texts: list[Written]
    documents: list[list[Document]]
    first: NDArray[np.int64] | None


class StackedLearner(TrainedLearner):
    """Replicas of one architecture, one for each corpus; see `sayso.core.learner.Learner` for what it promises."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        architecture: str,
        config: Mapping[str, Any],
        max_new_tokens: int | None = None,
    ) -> None:
        seeds = [corpus.seed for corpus in corpora]
        device = device_here()
        self.tokenizers = [word_tokenizer(corpus.tokens) for corpus in corpora]
        sizes = {len(tokenizer) for tokenizer in self.tokenizers}
        if len(sizes) > 1:
            raise SaysoError(f"replicas must have vocabularies of one size, found {sorted(sizes)}")
        self.pad, self.end = self.tokenizers[0].pad_token_id, self.tokenizers[0].eos_token_id
        self._models = Replicas(seeds, self.tokenizers, architecture, config, device)
        start = self.pad if self._models.seq2seq else None
        self._encoders = [Encoder(tokenizer, start, words=True) for tokenizer in self.tokenizers]
        self._accepted = [Accepted(tokenizer, max_new_tokens) for tokenizer in self.tokenizers]
        self._most_tokens = max_new_tokens
        self._encoded = Once(self._encode)
        self._evaluation = Fitting(EVALUATION_ROWS, "evaluation", _HELPS)
        self._decoding = Fitting(None, "decoding", _HELPS)
        self._gradients = Fitting(None, "measuring gradients", _HELPS)
        super().__init__(
            seeds,
            self._models.parameters,
            embedding=self._models.embedding,
            device=device,
            fitting=Fitting(None, "training", _HELPS),
            stacked=True,
        )

    def encoded(
        self, documents: Sequence[Sequence[Example]], replay: Sequence[Sequence[Example]], train: TrainSpec
    ) -> Encoded:
        """See `TrainedLearner.encoded`."""
        if train.padding_loss == "all" or train.precision == "bfloat16":
            raise SaysoError("replicas side by side train in float32 and without padding in the loss; set neither")
        tokens, counted, lengths = self._training_tensors(documents, train)
        extra, extra_counted, extra_lengths = self._training_tensors(replay, train)
        replica = torch.arange(self.replicas, device=self.device)[:, None]
        asked, extra_asked = (np.stack([each.counted for each in own]) for own in (lengths, extra_lengths))
        every = np.arange(self.replicas)[:, None]

        def pieces(step: Step, most: int | None) -> Generator[Tensor, None, None]:
            rows = carried(step.chosen, self.device)
            batch, mask, own = tokens.at(replica, rows), counted[replica, rows], asked[every, step.chosen]
            if step.repeated.shape[1]:
                rows = carried(step.repeated, self.device)
                batch, mask = batch.above(extra.at(replica, rows)), join(mask, extra_counted[replica, rows])
                own = np.concatenate([own, extra_asked[every, step.repeated]], axis=1)
            total = mask.sum((1, 2))
            for part in slices(mask.shape[1], most):
                yield self._loss(batch.at(slice(None), part), mask[:, part], int(own[:, part].max()), total)

        return Encoded(pieces, [own + again for own, again in zip(lengths, extra_lengths, strict=True)])

    def matrix_peak(self, train: TrainSpec) -> MatrixPeak | None:
        """Measure what matrix products reach on its device; see `sayso.learners.matrix_peak`."""
        return matrix_peak(self._models.module, operations_a_token, train, self.device, half=False)

    def _training_tensors(
        self, documents: Sequence[Sequence[Example]], train: TrainSpec
    ) -> tuple[Tokens, Tensor, list[Lengths]]:
        """Every replica's documents, which of their tokens count in the loss (all but the first are asked), lengths."""
        pairs = zip(self._encoders, documents, strict=True)
        batch = stack([encoder.for_training(own, train) for encoder, own in pairs], self.pad)
        lengths = list(map(Lengths, batch.size + batch.read, batch.counted.sum(2)))
        return Tokens.of(batch, self.device), carried(batch.counted, self.device), lengths

    def _loss(self, tokens: Tokens, counted: Tensor, most: int, total: Tensor) -> Tensor:
        """Losses of the counted tokens of each replica's rows over how many there are in total, shape (replicas,).

        `most`: how many of a row count at most.
        """
        target, given = tokens.ids[..., 1:], tokens.written(-1)
        if most < counted.shape[2]:  # no logits of tokens that do not count: the vocabulary makes them expensive
            positions = counted.byte().argsort(dim=2, descending=True, stable=True)[..., :most]
            logits = self._models.logits_at(given, positions)
            target, counted = target.gather(2, positions), counted.gather(2, positions)
        else:
            logits = self._models.logits(given)
        token = torch.nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none").view_as(
            counted
        )
        return (token * counted).sum((1, 2)) / total

    def scores(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates] | None = None
    ) -> list[Scores]:
        """Loss and exact match of every replica on its examples; see `Learner.scores`."""
        documents, batch = self._encoded(examples)
        asked = None if candidates is None else self._candidates(examples, candidates, batch.size.shape[1])
        scored = self._scored(batch, [len(own) for own in examples], None if asked is None else asked.first)
        choices = None if asked is None else self._choices(asked, scored)
        result = []
        for replica, (own, (loss, first_wrong, guess, _)) in enumerate(zip(examples, scored, strict=True)):
            match = first_wrong >= batch.size[replica, : len(own)]
            doubtful = self._accepted[replica].doubtful(own, documents[replica], first_wrong, guess)
            decoded: dict[int, str] = {}
            if doubtful:
                few = [own[row] for row in doubtful]
                answers = self._answers_of(replica, few, [documents[replica][row] for row in doubtful])
                match[doubtful] = [answer in item.answers for item, answer in zip(few, answers, strict=True)]
                decoded = dict(zip(doubtful, answers, strict=True))
            known = functools.partial(
                known_answers,
                self.tokenizers[replica],
                documents[replica],
                first_wrong,
                guess,
                decoded,
                self._most_tokens,
            )
            result.append(Scores(loss, match, known, None if choices is None else choices[replica]))
        return result

    def _candidates(
        self, examples: Sequence[Sequence[Example]], candidates: Sequence[Candidates], rows: int
    ) -> _Candidates:
        """Candidates of every replica, as their first tokens where each of them is a single one."""
        texts = [written(*pair) for pair in zip(examples, candidates, strict=True)]
        documents = [without_end(coder.encode(own.examples)) for coder, own in zip(self._encoders, texts, strict=True)]
        for own, encoded in zip(texts, documents, strict=True):
            require_boundary(own.examples, encoded)
        if any(len(item.ids) - item.start != 1 for own in documents for item in own):
            return _Candidates(texts, documents, None)
        most = max((len(places) for own in texts for places in own.places), default=0)
        first = np.full((len(texts), rows, most), -1, dtype=np.int64)
        for replica, (own, encoded) in enumerate(zip(texts, documents, strict=True)):
            tokens = np.array([item.ids[-1] for item in encoded], dtype=np.int64)
            for row, places in enumerate(own.places):
                first[replica, row, : len(places)] = tokens[places]
        return _Candidates(texts, documents, first)

    def _choices(self, asked: _Candidates, scored: Sequence[_Scored]) -> list[list[NDArray[np.float64]]]:
        """Log-probabilities of candidates: those of their first tokens, or of all where some have more."""
        if asked.first is not None:
            return [
                [known[row, : len(places)] for row, places in enumerate(own.places)]
                for own, (_, _, _, known) in zip(asked.texts, scored, strict=True)
            ]
        found = self._scored(stack(asked.documents, self.pad), [len(own) for own in asked.documents])
        return [
            own.choices(total(loss, documents))
            for own, documents, (loss, *_) in zip(asked.texts, asked.documents, found, strict=True)
        ]

    def _scored(
        self, batch: Batch, counts: Sequence[int], candidates: NDArray[np.int64] | None = None
    ) -> list[_Scored]:
        """What `_score_rows` gives of the documents of each replica, of which there are so many.

        `candidates`: tokens that a completion may begin with, shape (replicas, documents, candidates).
        """
        if candidates is None:
            candidates = np.empty((*batch.size.shape, 0), dtype=np.int64)
        loss, chosen = np.zeros(batch.size.shape), np.zeros(candidates.shape)
        first_wrong, guess = (np.zeros(batch.size.shape, dtype=np.int64) for _ in range(2))
        replicas = np.arange(self.replicas)[:, None]

        def score(most: int | None) -> None:
            for read, prompt, size, rows in buckets(batch, most or EVALUATION_ROWS):
                found = self._score_rows(
                    batch.ids[replicas, rows, :size],
                    batch.context[replicas, rows, :read],
                    prompt,
                    candidates[replicas, rows],
                )
                real = np.nonzero(rows >= 0)
                for kept, values in zip((loss, first_wrong, guess, chosen), found, strict=True):
                    kept[real[0], rows[real]] = values[real]

        self._evaluation.run(score, batch.size.shape[1])
        return [
            _Scored(loss[at, :count], first_wrong[at, :count], guess[at, :count], chosen[at, :count])
            for at, count in enumerate(counts)
        ]

    @torch.no_grad()
    def _score_rows(
        self, ids: NDArray[np.int64], context: NDArray[np.int64], prompt: int, candidates: NDArray[np.int64]
    ) -> _Scored:
        """Score rows of one shape: mean loss, position of the first token greedy decoding gets wrong, its guess there.

        Where no token is wrong the position is the row's size. Last come the log-probabilities of the tokens that a
        completion may begin with, which are -1 where there are fewer.
        """
        tokens = Tokens(carried(ids, self.device), carried(context, self.device))
        size = ids.shape[2]
        target = tokens.ids[..., prompt:]
        logits = self._models.logits(tokens.written(-1), keep=size - prompt)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none")
        said = logits.argmax(-1)
        position = torch.arange(prompt, size, device=self.device)
        wrong = torch.where(said != target, position, size).amin(2)
        guess = said.gather(2, (wrong - prompt).clamp(max=size - prompt - 1)[..., None])[..., 0]
        chosen = logits[..., :0, 0]
        if candidates.shape[-1]:
            tokens_of = carried(candidates, self.device).clamp(min=0)
            chosen = logits[..., 0, :].log_softmax(-1).gather(-1, tokens_of)
        mean = loss.view_as(target).mean(2)
        return _Scored(
            mean.cpu().double().numpy(), wrong.cpu().numpy(), guess.cpu().numpy(), chosen.cpu().double().numpy()
        )

    def document_losses(self, examples: Sequence[Sequence[Example]], train: TrainSpec) -> list[NDArray[np.float64]]:
        """Losses of whole documents; see `Learner.document_losses`."""
        counted = train.model_copy(update={"loss_on": "all", "max_length": None})
        pairs = zip(self._encoders, examples, strict=True)
        documents = [encoder.for_training(own, counted) for encoder, own in pairs]
        batch = stack([[replace(item, start=item.first) for item in own] for own in documents], self.pad)
        return [own[0] for own in self._scored(batch, [len(own) for own in examples])]

    def _encode(self, examples: Sequence[Sequence[Example]]) -> tuple[list[list[Document]], Batch]:
        """Examples to be scored, of each replica, and all of them as arrays."""
        documents = [encoder.encode(own) for encoder, own in zip(self._encoders, examples, strict=True)]
        if self._most_tokens is not None:
            pairs = zip(examples, documents, strict=True)
            documents = [cut_completions(own, encoded, self._most_tokens) for own, encoded in pairs]
        for own, encoded in zip(examples, documents, strict=True):
            require_boundary(own, encoded)
        return documents, stack(documents, self.pad)

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy completions of every replica, token by token; see `Learner.answers`."""
        documents = [encoder.encode(own) for encoder, own in zip(self._encoders, examples, strict=True)]
        for own, encoded in zip(examples, documents, strict=True):
            require_boundary(own, encoded)
        return [self._answers_of(replica, own, documents[replica]) for replica, own in enumerate(examples)]

    def _answers_of(self, replica: int, examples: Sequence[Example], documents: Sequence[Document]) -> list[str]:
        """Greedy completions of one replica."""

        def decode(most: int | None) -> list[str]:
            return [
                answer
                for part in slices(len(examples), most)
                for answer in greedy_answers(
                    self._models,
                    replica,
                    self.tokenizers[replica],
                    examples[part],
                    documents[part],
                    self.device,
                    self._most_tokens,
                )
            ]

        return self._decoding.run(decode, len(examples))

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

        `way`: how; `held`: most numbers of gradients held at once (None: `sayso.learners.gradients.pairs.HELD`).
        """

        def products(replica: int, own: GradientPairs, on_share: OnShare) -> GradientProducts:
            asked = Asked.of(own)
            documents = self._encoders[replica].for_training(asked.documents, train)
            return self._gradients.run(
                lambda most: products_of(
                    self._models,
                    replica,
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

        return each_of(pairs, products, on_share)

    def step_effects(
        self, updates: Sequence[Sequence[Update]], train: TrainSpec, *, on_share: OnShare = unheard
    ) -> list[StepEffects]:
        """Try updates on copies of each replica; see `Learner.step_effects`."""
        found = []
        for replica, own in enumerate(updates):
            examples, numbers = numbered(own)
            documents = self._encoders[replica].for_training(examples, train)
            heard = part_of(on_share, replica, len(updates))
            found.append(effects_of(self._models, replica, documents, numbers, train, heard))
        return found

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers; see `Learner.activations`.

        Of a sequence-to-sequence model it is the encoder that reads prompts, with the end token after them.
        """
        documents = self._encode(examples)[0]
        return prompt_activations(self._models, examples, documents, layers, at)

    def layers(self) -> int:
        """How many blocks read prompts; see `Learner.layers`."""
        return len(reading_blocks(self._models))

    def prompt_tokens(self, examples: Sequence[Sequence[Example]]) -> list[list[tuple[str, ...]]]:
        """The tokens of each prompt as text; see `Learner.prompt_tokens`."""
        pairs = zip(self.tokenizers, self._encode(examples)[0], strict=True)
        return [token_texts(tokenizer, prompts_of(self._models, own)) for tokenizer, own in pairs]

    def steered_losses(
        self, examples: Sequence[Sequence[Example]], steering: Sequence[Sequence[Steering]]
    ) -> list[NDArray[np.float64]]:
        """Losses of completions while something is added between layers; see `Learner.steered_losses`."""
        parts = zip(examples, self._encode(examples)[0], steering, strict=True)
        return [losses_while_steered(self._models, replica, *own) for replica, own in enumerate(parts)]

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer (`from_pretrained` reads it)."""
        self._models.save_pretrained(replica, self.tokenizers[replica], folder)

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint; see `Replicas.load_pretrained` for its errors."""
        self._models.load_pretrained(replica, self.tokenizers[replica], folder)


def build(corpora: Sequence[Corpus], spec: FromScratch) -> StackedLearner:
    """Make one replica for each corpus, with random weights that depend on the corpus's seed alone."""
    return StackedLearner(corpora, spec.architecture, spec.config, spec.max_new_tokens)
