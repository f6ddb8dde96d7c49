"""K replicas of one small language model of transformers, trained side by side.

Every replica has its own data, its own random weights and its own order; nothing it does depends on which others are
beside it. `Replicas` holds their weights; here they are trained, scored and asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.protocols import Scores
from sayso.core.training import TrainSpec
from sayso.learners.checkpoint import load_state, save_state
from sayso.learners.optim import clip_gradients, make_optimizer, resume, set_learning_rate
from sayso.learners.specs import FromScratch
from sayso.learners.stacked.batching import Batch, buckets, encode, stack
from sayso.learners.stacked.completions import Completions
from sayso.learners.stacked.replicas import Replicas
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.learners.stacked.tokens import Tokens, join
from sayso.learners.trainer import Indices, equal_count, probabilities_of, run_epochs

#: Rows of one forward pass in evaluation: small enough to stay in a CPU's cache, large enough to keep a GPU busy.
EVALUATION_ROWS = 256


class StackedLearner:
    """Replicas of one architecture, one for each corpus; see `sayso.core.protocols.Learner` for what it promises."""

    def __init__(self, corpora: Sequence[Corpus], architecture: str, config: Mapping[str, Any]) -> None:
        self.replicas = len(corpora)
        self.seeds = [corpus.seed for corpus in corpora]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizers = [word_tokenizer(corpus.tokens) for corpus in corpora]
        sizes = {len(tokenizer) for tokenizer in self.tokenizers}
        if len(sizes) > 1:
            raise SaysoError(f"replicas must have vocabularies of one size, found {sorted(sizes)}")
        self.pad, self.end = self.tokenizers[0].pad_token_id, self.tokenizers[0].eos_token_id
        self._models = Replicas(self.seeds, self.tokenizers, architecture, config, self.device)
        self._optimizer: torch.optim.Optimizer | None = None
        self._loaded_optimizer: dict[str, Any] | None = None
        self._encoded: dict[tuple[int, ...], tuple[Sequence[Sequence[Example]], Batch]] = {}
        self._completions = [Completions(tokenizer) for tokenizer in self.tokenizers]

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
    ) -> None:
        """Train every replica on its documents; see `Learner.fit`.

        Raises
        ------
        SaysoError
            If replicas have different numbers of documents: then they would take different numbers of steps.
        """
        if train.padding_loss == "all" or train.precision == "bfloat16":
            raise SaysoError("replicas side by side train in float32 and without padding in the loss; set neither")
        tokens, counted = self._training_tensors(documents, train)
        extra, extra_counted = self._training_tensors(replay or [[] for _ in documents], train)
        self._optimizer = make_optimizer(self._models.parameters, self._models.embedding, train)
        resume(self._optimizer, self._loaded_optimizer, start_epoch)
        self._loaded_optimizer = None
        parameters = list(self._models.parameters.values())
        replica = torch.arange(self.replicas, device=self.device)[:, None]

        def update(chosen: Indices, repeated: Indices, learning_rate: float) -> NDArray[np.float64]:
            assert self._optimizer is not None
            rows = torch.as_tensor(chosen, device=self.device)
            batch, mask = tokens.at(replica, rows), counted[replica, rows]
            if repeated.shape[1]:
                rows = torch.as_tensor(repeated, device=self.device)
                batch, mask = batch.above(extra.at(replica, rows)), join(mask, extra_counted[replica, rows])
            set_learning_rate(self._optimizer, learning_rate)
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._loss(batch, mask)
            torch.autograd.backward(loss.sum())
            if train.max_grad_norm is not None:
                clip_gradients(parameters, train.max_grad_norm)
            self._optimizer.step()
            return loss.detach().cpu().double().numpy()

        run_epochs(
            update,
            seeds=self.seeds,
            documents=tokens.ids.shape[1],
            replayed=extra.ids.shape[1],
            replay=replay_share if replay else 0.0,
            train=train,
            stage=stage,
            epochs=epochs,
            start_epoch=start_epoch,
            on_epoch=on_epoch,
            probabilities=probabilities_of(documents, train),
        )
        self._optimizer.zero_grad(set_to_none=True)

    def _training_tensors(self, documents: Sequence[Sequence[Example]], train: TrainSpec) -> tuple[Tokens, Tensor]:
        """Every replica's documents, and which of their tokens count in the loss (all but the first are asked)."""
        equal_count(documents)
        encoded = [self._encode(replica, own, train.max_length) for replica, own in enumerate(documents)]
        batch = stack(encoded, self.pad)
        counted = batch.counted(train.loss_on, end=train.padding_loss == "first_eos")
        return Tokens.of(batch, self.device), torch.as_tensor(counted, device=self.device)

    def _encode(self, replica: int, examples: Sequence[Example], max_length: int | None = None) -> Batch:
        """Examples as one replica's model reads and writes them."""
        tokenizer = self.tokenizers[replica]
        whole = encode(tokenizer, examples)
        if max_length is not None and (longest := int(whole.size.max(initial=0))) > max_length:
            raise SaysoError(f"a document has {longest} tokens, max_length is {max_length}")
        return self._models.layout.arrange(whole, tokenizer)

    def _loss(self, tokens: Tokens, counted: Tensor) -> Tensor:
        """Mean loss over the counted tokens of each replica's rows, shape (replicas,)."""
        target, given = tokens.ids[..., 1:], tokens.written(-1)
        most = int(counted.sum(2).amax())
        if most < counted.shape[2]:  # no logits of tokens that do not count: the vocabulary makes them expensive
            positions = counted.byte().argsort(dim=2, descending=True, stable=True)[..., :most]
            logits = self._models.logits_at(given, positions)
            target, counted = target.gather(2, positions), counted.gather(2, positions)
        else:
            logits = self._models.logits(given)
        token = torch.nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none").view_as(
            counted
        )
        return (token * counted).sum((1, 2)) / counted.sum((1, 2))

    def scores(self, examples: Sequence[Sequence[Example]]) -> list[Scores]:
        """Loss and exact match of every replica on its examples; see `Learner.scores`."""
        batch = self._encode_once(examples)
        loss = np.zeros(batch.size.shape)
        first_wrong = np.zeros(batch.size.shape, dtype=np.int64)
        guess = np.zeros(batch.size.shape, dtype=np.int64)
        replicas = np.arange(self.replicas)[:, None]
        for read, prompt, size, rows in buckets(batch, self.pad, EVALUATION_ROWS):
            found = self._score_rows(batch.ids[replicas, rows, :size], batch.context[replicas, rows, :read], prompt)
            real = np.nonzero(rows >= 0)
            for kept, values in zip((loss, first_wrong, guess), found, strict=True):
                kept[real[0], rows[real]] = values[real]
        result = []
        for replica, own in enumerate(examples):
            count = len(own)
            match = first_wrong[replica, :count] >= batch.size[replica, :count]
            encoded = batch.replica(replica)
            doubtful = self._completions[replica].doubtful(own, encoded, first_wrong[replica], guess[replica])
            if doubtful:
                answers = self._answers_of(replica, [own[row] for row in doubtful])
                match[doubtful] = [answer in own[row].answers for row, answer in zip(doubtful, answers, strict=True)]
            result.append(Scores(loss[replica, :count], match))
        return result

    @torch.no_grad()
    def _score_rows(
        self, ids: NDArray[np.int64], context: NDArray[np.int64], prompt: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Score rows of one shape: mean loss, position of the first token greedy decoding gets wrong, its guess there.

        Where no token is wrong the position is the row's size.
        """
        tokens = Tokens(torch.as_tensor(ids, device=self.device), torch.as_tensor(context, device=self.device))
        size = ids.shape[2]
        target = tokens.ids[..., prompt:]
        logits = self._models.logits(tokens.written(-1), keep=size - prompt)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none")
        said = logits.argmax(-1)
        position = torch.arange(prompt, size, device=self.device)
        wrong = torch.where(said != target, position, size).amin(2)
        guess = said.gather(2, (wrong - prompt).clamp(max=size - prompt - 1)[..., None])[..., 0]
        return loss.view_as(target).mean(2).cpu().double().numpy(), wrong.cpu().numpy(), guess.cpu().numpy()

    def _encode_once(self, examples: Sequence[Sequence[Example]]) -> Batch:
        """Encode lists that are scored again and again only once. The lists are kept, so their ids stay theirs."""
        key = tuple(id(own) for own in examples)
        if key not in self._encoded:
            batches = [self._encode(replica, own) for replica, own in enumerate(examples)]
            self._encoded[key] = (tuple(examples), stack(batches, self.pad))
        return self._encoded[key][1]

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy completions of every replica, token by token; see `Learner.answers`."""
        return [self._answers_of(replica, own) for replica, own in enumerate(examples)]

    @torch.no_grad()
    def _answers_of(self, replica: int, examples: Sequence[Example]) -> list[str]:
        """Greedy completions of one replica up to its end token.

        A completion is left off once it is longer than every accepted answer: whatever follows, it is none of them.
        One that fills all positions the model has before it ends gets an ellipsis.
        """
        if not examples:
            return []
        batch = self._encode(replica, examples)
        length = batch.prompt.copy()
        ids = np.where(np.arange(batch.ids.shape[1]) < length[:, None], batch.ids, self.pad)
        context = torch.as_tensor(batch.context, device=self.device)
        answers = [""] * len(examples)
        longest = [max(map(len, example.answers)) for example in examples]
        going = list(range(len(examples)))
        while going:
            if length[going].max() == ids.shape[1]:
                ids = np.pad(ids, ((0, 0), (0, 1)), constant_values=self.pad)
            said = torch.as_tensor(ids[going, : length[going].max()], device=self.device)
            logits = self._models.logits_of(replica, Tokens(said, context[going]))
            last = torch.as_tensor(length[going] - 1, device=self.device)
            guesses = logits[torch.arange(len(going), device=self.device), last].argmax(-1).tolist()
            for row, guess in zip(list(going), guesses, strict=True):
                if guess != self.end:
                    ids[row, length[row]] = guess
                    length[row] += 1
                    completion = ids[row, batch.prompt[row] : length[row]].tolist()
                    answers[row] = self.tokenizers[replica].decode(completion, skip_special_tokens=False).strip()
                if guess == self.end or len(answers[row]) > longest[row]:
                    going.remove(row)
                elif self._models.positions is not None and length[row] > self._models.positions:
                    answers[row] += "..."
                    going.remove(row)
        return answers

    def save(self, path: Path) -> None:
        """Write weights and optimizer state."""
        save_state(path, self.seeds, self._models.parameters, self._optimizer)

    def load(self, path: Path) -> None:
        """Bring back what `save` wrote for the same seeds; see `load_state` for its errors."""
        self._loaded_optimizer = load_state(path, self.seeds, self._models.parameters, self.device)

    def save_replica(self, replica: int, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer (`from_pretrained` reads it)."""
        self._models.save_pretrained(replica, self.tokenizers[replica], folder)

    def load_replica(self, replica: int, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint; see `Replicas.load_pretrained` for its errors."""
        self._models.load_pretrained(replica, self.tokenizers[replica], folder)


def build(corpora: Sequence[Corpus], spec: FromScratch) -> StackedLearner:
    """Make one replica for each corpus, with random weights that depend on the corpus's seed alone."""
    return StackedLearner(corpora, spec.architecture, spec.config)
