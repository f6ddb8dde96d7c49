"""One model of transformers, causal or sequence-to-sequence, as a learner (`sayso.core.protocols.Learner`).

An update is that of one batch padded as the settings say, whatever passes it is made of: losses of all counted tokens
are summed over the passes and divided by their number in the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.protocols import Activations, Gram, Scores
from sayso.core.rng import torch_seed
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document, Encoder, require_boundary
from sayso.learners.gradients import gram, in_evaluation
from sayso.learners.memory import Fitting
from sayso.learners.optim import make_single_optimizer, resume, set_learning_rate
from sayso.learners.single.greedy import Begun, continue_greedily
from sayso.learners.single.grouping import Group
from sayso.learners.single.listening import prompt_activations
from sayso.learners.single.matching import Answers, matches
from sayso.learners.single.pretrained import commit_of, drops, load_model, load_tokenizer, load_weights, quiet, trained
from sayso.learners.single.proving import choose_reader
from sayso.learners.single.truth import ordinary_tokens
from sayso.learners.specs import HFModel
from sayso.learners.trainer import Indices, probabilities_of, run_epochs, steps_per_epoch

#: Most documents of a pass in evaluation, to begin with: all of a CPU's cache, or enough to keep a GPU busy.
EVALUATION_ROWS = {"cpu": 128, "cuda": 512}


class HFLearner:
    """One replica. `device` is where it lives; `tokenizer` and `model` are transformers' own.

    `model_commit`: the commit of a model from the hub. `reader` is how the model is read.
    """

    replicas = 1

    def __init__(self, seed: int, spec: HFModel) -> None:
        self.seed, self.spec = seed, spec
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = load_tokenizer(spec)
        self.model = load_model(spec, seed).to(self.device).eval()
        self.model_commit = commit_of(spec)
        config = self.model.config
        seq2seq: bool = config.is_encoder_decoder
        if len(self.tokenizer) > (rows := self.model.get_input_embeddings().num_embeddings):
            raise SaysoError(
                f"model {spec.name}: its tokenizer has {len(self.tokenizer)} tokens, the model only {rows}"
            )
        self._encoder = Encoder(self.tokenizer, config.decoder_start_token_id if seq2seq else None)
        ordinary = ordinary_tokens(self.tokenizer, rows)
        self.reader = choose_reader(self.model, spec.name, ordinary, self.tokenizer.pad_token_id, self.device)
        self._answers = Answers(self.tokenizer, _ends(self.tokenizer, self.model), spec.answer, spec.max_new_tokens)
        self._drops = any(drops(module) for module in self.model.modules())
        self._fitting = Fitting(spec.micro_batch_size, "training")
        self._evaluation = Fitting(EVALUATION_ROWS.get(self.device.type, 64), "evaluation")
        self._optimizer: torch.optim.Optimizer | None = None
        self._loaded_optimizer: dict[str, Any] | None = None
        self._encoded: dict[int, tuple[Sequence[Example], list[Document]]] = {}

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
        """Train on the documents; see `Learner.fit`.

        Raises
        ------
        SaysoError
            If documents are longer than the settings or the model allow, or do not fit into memory one by one.
        """
        (own,) = documents
        repeatable = replay[0] if replay else ()
        length = self.spec.label_length
        encoded = self._encoder.for_training(own, train, label_length=length)
        extra = self._encoder.for_training(repeatable, train, label_length=length)
        self._require_positions([*own, *repeatable], [*encoded, *extra])
        self._optimizer = self._make_optimizer(train)
        resume(self._optimizer, self._loaded_optimizer, start_epoch)
        self._loaded_optimizer = None
        steps = steps_per_epoch(train, len(own))
        step = start_epoch * steps

        def update(chosen: Indices, repeated: Indices, learning_rate: float) -> NDArray[np.float64]:
            nonlocal step
            batch = [encoded[row] for row in chosen[0]] + [extra[row] for row in repeated[0]]
            loss = self._step(batch, train, learning_rate, torch_seed(self.seed, "dropout", stage, step))
            step += 1
            return np.array([loss])

        self.model.train()
        run_epochs(
            update,
            seeds=[self.seed],
            documents=len(own),
            replayed=len(extra),
            replay=replay_share if replay else 0.0,
            train=train,
            stage=stage,
            epochs=epochs,
            start_epoch=start_epoch,
            on_epoch=on_epoch,
            probabilities=probabilities_of(documents, train),
        )
        self.model.eval()
        self._optimizer.zero_grad(set_to_none=True)

    def _make_optimizer(self, train: TrainSpec) -> torch.optim.Optimizer:
        parameters = trained(self.model)
        embedding = self.model.get_input_embeddings().weight
        name = next((name for name, tensor in parameters.items() if tensor is embedding), "")
        if not name and train.embedding_multiplier != 1:
            raise SaysoError("embedding_multiplier needs an embedding that is trained; LoRA leaves it as it is")
        return make_single_optimizer(dict(parameters), name, train)

    def _step(self, batch: Sequence[Document], train: TrainSpec, learning_rate: float, seed: int) -> float:
        """Take one step on a batch; return its mean loss."""
        assert self._optimizer is not None
        optimizer = self._optimizer
        parameters = list(trained(self.model).values())
        share = self._may_share(train)
        counted = sum(item.counted for item in batch)
        self.model.train()  # whoever listens after an epoch may have measured the model

        def accumulate(most: int | None) -> float:
            optimizer.zero_grad(set_to_none=True)
            total = torch.zeros((), device=self.device)
            with torch.random.fork_rng(enabled=self._drops):
                if self._drops:
                    torch.manual_seed(seed)
                for parts in self.reader.plan(batch, [item.counted for item in batch], most, share=share):
                    with self._autocast(self._computes_in_bfloat16(train.precision)):
                        loss = self.reader.loss(batch, parts) / counted
                    torch.autograd.backward(loss)
                    total += loss.detach()
            return float(total)

        loss = self._fitting.run(accumulate, len(batch))
        if train.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, train.max_grad_norm)
        set_learning_rate(optimizer, learning_rate)
        optimizer.step()
        return loss

    def _may_share(self, train: TrainSpec) -> bool:
        """Whether first tokens that documents share may be computed once in training: dropout treats each apart."""
        plain = self.reader.shares and not self.spec.gradient_checkpointing
        return plain and not self._drops and train.padding_loss != "all"

    def scores(self, examples: Sequence[Sequence[Example]]) -> list[Scores]:
        """Loss and exact match on the examples; see `Learner.scores`."""
        (own,) = examples
        documents = self._encode_once(own)
        loss = np.zeros(len(own))
        said: list[list[int]] = [[] for _ in own]

        def score(most: int | None) -> None:
            counts = [len(item.ids) - item.start for item in documents]
            for parts in self.reader.plan(documents, counts, most, share=self.reader.shares):
                found = self.reader.completions(documents, parts)
                for place, row in enumerate(found.rows):
                    loss[row], said[row] = found.loss[place], found.said[place]

        self.model.eval()
        with self._evaluating():
            self._evaluation.run(score, len(own))
            match = matches(own, documents, said, self._answers, self.reader, self._evaluation)
        return [Scores(loss, match)]

    def answers(self, examples: Sequence[Sequence[Example]]) -> list[list[str]]:
        """Greedy answers; see `Learner.answers`."""
        (own,) = examples
        texts = [Begun(item.context, item.ids[: item.start]) for item in self._encode_once(own)]

        def done(_rows: Sequence[int], said: Sequence[list[int]]) -> list[bool]:
            return self._answers.finished(said)

        self.model.eval()
        with self._evaluating():
            said = self._evaluation.run(
                lambda most: continue_greedily(self.reader, texts, done, most), max(1, len(texts))
            )
        return [self._answers.answers(said) if said else []]

    def gradient_gram(self, groups: Sequence[Sequence[Sequence[Example]]], train: TrainSpec) -> list[list[Gram]]:
        """Compare gradients within groups of examples; see `Learner.gradient_gram`."""
        (own,) = groups
        with in_evaluation(self.model):
            return [[self._gram(examples, train) for examples in own]]

    def _gram(self, examples: Sequence[Example], train: TrainSpec) -> Gram:
        documents = self._encoder.for_training(examples, train, label_length=self.spec.label_length)
        self._require_positions(examples, documents)
        return gram(
            lambda row: self.reader.loss([documents[row]], [Group((0,))]) / documents[row].counted,
            len(documents),
            list(trained(self.model).values()),
        )

    def activations(
        self, examples: Sequence[Sequence[Example]], layers: Sequence[int], at: Sequence[int]
    ) -> Iterator[Activations]:
        """Give what passes between layers; see `Learner.activations`.

        Of a sequence-to-sequence model it is the encoder that reads prompts; what its tokenizer adds to them counts.
        """
        (own,) = examples
        prompts = [item.context if len(item.context) else item.ids[: item.start] for item in self._encode_once(own)]
        return prompt_activations(self.model, self.spec.name, own, prompts, layers, at)

    def _encode_once(self, examples: Sequence[Example]) -> list[Document]:
        """Encode lists that are scored again and again only once. The lists are kept, so their ids stay theirs."""
        key = id(examples)
        if key not in self._encoded:
            documents = self._encoder.encode(examples)
            require_boundary(examples, documents)
            self._require_positions(examples, documents, self.spec.max_new_tokens)
            self._encoded[key] = (examples, documents)
        return self._encoded[key][1]

    def _require_positions(self, examples: Sequence[Example], documents: Sequence[Document], new: int = 0) -> None:
        """Check that a model has a position for every token.

        Raises
        ------
        SaysoError
            If it does not; the message says how many documents are too long and names the first.
        """
        most = getattr(self.model.config, "max_position_embeddings", None)
        if not isinstance(most, int):
            return
        needed = [max(len(item.ids) - 1, item.start + new, len(item.context)) for item in documents]
        if long := [row for row, length in enumerate(needed) if length > most]:
            raise SaysoError(
                f"model {self.spec.name} has {most} positions, but {len(long)} of {len(needed)} documents need more "
                f"(up to {max(needed)}); the first is {examples[long[0]].text!r}"
            )

    def _computes_in_bfloat16(self, precision: str) -> bool:
        if precision == "auto":
            return self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return precision == "bfloat16"

    def _autocast(self, enabled: bool) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    def _evaluating(self) -> torch.autocast:
        return self._autocast(self.spec.evaluation_precision == "bfloat16")

    def save(self, path: Path) -> None:
        """Write trained weights, optimizer state, and how many documents fitted into memory."""
        state = {
            "seed": self.seed,
            "weights": {name: tensor.detach() for name, tensor in trained(self.model).items()},
            "optimizer": self._optimizer.state_dict() if self._optimizer is not None else self._loaded_optimizer,
            "rows": self._fitting.rows,
        }
        temporary = path.with_name(f".{path.name}.part")
        torch.save(state, temporary)
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Bring back what `save` wrote for the same seed and model.

        Raises
        ------
        SaysoError
            If the file is damaged or belongs to another seed or model.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise SaysoError(
                f"{path}: not a readable checkpoint; delete its folder to run these seeds again"
            ) from error
        if state.get("seed") != self.seed:
            raise SaysoError(f"{path}: a checkpoint of seed {state.get('seed')}, where {self.seed} is trained")
        own, given = trained(self.model), state["weights"]
        if {name: tensor.shape for name, tensor in own.items()} != {name: each.shape for name, each in given.items()}:
            raise SaysoError(f"{path}: a checkpoint of another model; delete its folder to run these seeds again")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(given[name])
        self._optimizer, self._loaded_optimizer = None, state["optimizer"]
        self._fitting.rows = state["rows"]

    def save_replica(self, replica: int, folder: Path) -> None:  # noqa: ARG002
        """Write the model as an ordinary transformers checkpoint with its tokenizer; of LoRA, its adapter (peft)."""
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)

    def load_replica(self, replica: int, folder: Path) -> None:  # noqa: ARG002
        """Bring back weights from such a checkpoint; see `load_weights` for its errors."""
        load_weights(self.model, folder)


def build(corpora: Sequence[Corpus], spec: HFModel) -> HFLearner:
    """Load the model for one corpus.

    Raises
    ------
    SaysoError
        If it cannot be had or read, or its tokenizer does not do.
    """
    (corpus,) = corpora
    return HFLearner(corpus.seed, spec)


def _ends(tokenizer: Any, model: Any) -> frozenset[int]:
    """Tokens after which nothing follows: the tokenizer's, and those the model's own generation stops at."""
    known = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    more = known if isinstance(known, list) else [] if known is None else [known]
    return frozenset([tokenizer.eos_token_id, *more])
