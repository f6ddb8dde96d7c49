"""The weights of K models of one architecture, stacked, and one forward pass of transformers' own module for all.

``torch.func.stack_module_state`` stacks them, ``functional_call`` under ``vmap`` runs them (with eager attention: fused
attention with a mask does not work there).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

from sayso.core.errors import SaysoError, nearest
from sayso.core.rng import torch_seed
from sayso.learners.modules import class_of, drawing, drops, quiet, round_alike
from sayso.learners.stacked.batching import Tokens

State: TypeAlias = dict[str, Tensor]


class Replicas:
    """Models of one architecture and vocabulary size, one for each seed, from random weights that follow from it.

    `parameters` and `buffers` have the replica as their first dimension; `embedding` names the input embedding,
    `seq2seq` says whether prompts are read apart, `positions` how many there are (None: no limit).
    """

    def __init__(
        self,
        seeds: Sequence[int],
        tokenizers: Sequence[PreTrainedTokenizerFast],
        architecture: str,
        config: Mapping[str, Any],
        device: torch.device,
    ) -> None:
        models = [
            _make_model(architecture, config, tokenizer, seed)
            for seed, tokenizer in zip(seeds, tokenizers, strict=True)
        ]
        self.module = models[0]
        self._class: Any = class_of(self.module.config)
        self.seq2seq: bool = self.module.config.is_encoder_decoder
        self.positions: int | None = getattr(self.module.config, "max_position_embeddings", None)
        stacked, buffers = stack_module_state(models)
        self.parameters = {name: tensor.detach().to(device).requires_grad_() for name, tensor in stacked.items()}
        self.buffers = {name: tensor.to(device) for name, tensor in buffers.items()}
        own = self.module.get_input_embeddings().weight
        self.embedding = next(name for name, tensor in self.module.named_parameters() if tensor is own)
        self._pad = tokenizers[0].pad_token_id
        self._try(architecture, tokenizers[0], device)

    def logits(self, tokens: Tokens, keep: int = 0) -> Tensor:
        """Logits of every replica on its own rows, shape (replicas, rows, length, vocabulary).

        With `keep`, only those of the last `keep` positions are computed.
        """

        def forward(parameters: State, buffers: State, own: Tokens) -> Tensor:
            return self._forward(parameters, buffers, own, lambda hidden: hidden[:, -keep:])

        result: Tensor = vmap(forward)(self.parameters, self.buffers, tokens)
        return result

    def logits_at(self, tokens: Tokens, positions: Tensor) -> Tensor:
        """Logits of every replica at some positions of its rows.

        Parameters
        ----------
        tokens
            Ids of shape (replicas, rows, length).
        positions
            Shape (replicas, rows, positions): which of the row's tokens the next one is guessed after.

        Returns
        -------
        Tensor
            Shape (replicas, rows, positions, vocabulary). The output layer computes nothing else.
        """

        def forward(parameters: State, buffers: State, own: Tokens, at: Tensor) -> Tensor:
            return self._forward(
                parameters,
                buffers,
                own,
                lambda hidden: hidden.gather(1, at[..., None].expand(-1, -1, hidden.shape[-1])),
            )

        result: Tensor = vmap(forward)(self.parameters, self.buffers, tokens, positions)
        return result

    def weights_of(self, replica: int) -> State:
        """The weights of one replica, the very numbers, as tensors of their own to take gradients by."""
        return {name: tensor[replica].detach().requires_grad_() for name, tensor in self.parameters.items()}

    def logits_of(self, replica: int, tokens: Tokens, weights: State | None = None, keep: int = 0) -> Tensor:
        """Logits of one replica alone: ids of shape (rows, length) -> (rows, length, vocabulary).

        `weights`: what `weights_of` gave, where gradients are wanted. With `keep`, only the last `keep` positions.
        """
        parameters = weights or {name: tensor[replica] for name, tensor in self.parameters.items()}
        buffers = {name: tensor[replica] for name, tensor in self.buffers.items()}
        return self._forward(parameters, buffers, tokens, lambda hidden: hidden[:, -keep:])

    def _forward(self, parameters: State, buffers: State, tokens: Tokens, select: Callable[[Tensor], Tensor]) -> Tensor:
        """Logits of one replica; of its last hidden states, the output layer sees those that `select` chooses."""
        given = {**self._arguments(tokens), "use_cache": False}
        head = self.module.get_output_embeddings()
        with head.register_forward_pre_hook(lambda _, hidden: (select(hidden[0]),)):
            logits: Tensor = functional_call(self.module, (parameters, buffers), (), given).logits
        return logits

    def _arguments(self, tokens: Tokens) -> dict[str, Tensor]:
        """What the module is given of rows of one replica.

        Padding on the right needs no mask where attention never looks back from it. Without one, transformers looks
        whether a row is several documents, for which a GPU is waited for; a mask of ones says that it is not. Some look
        at the mask, which vmap forbids: they get none. A context's padding is masked with floats for that reason.
        """
        if not self.seq2seq:
            return {"input_ids": tokens.ids} | ({"attention_mask": torch.ones_like(tokens.ids)} if self._masks else {})
        mask = torch.where(tokens.context != self._pad, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]
        return {"input_ids": tokens.context, "attention_mask": mask, "decoder_input_ids": tokens.ids}

    @torch.no_grad()
    def _try(self, architecture: str, tokenizer: PreTrainedTokenizerFast, device: torch.device) -> None:
        """Refuse an architecture that does not run side by side, before anything is trained."""
        end = tokenizer.eos_token_id
        rows = torch.tensor([[end, end, end, end], [end, end, end, self._pad]], device=device)
        tokens = Tokens(rows, rows if self.seq2seq else rows[:, :0])
        replicas = len(next(iter(self.parameters.values())))
        given = Tokens(*(part.expand(replicas, *part.shape) for part in tokens))
        for self._masks in (True, False):
            try:
                self.logits(given)
            except torch.OutOfMemoryError as error:
                raise SaysoError(
                    f"out of memory with {replicas} seeds side by side; try fewer or a smaller model"
                ) from error
            except Exception as error:  # what a module does that vmap cannot may raise anything
                wrong = error
            else:
                return
        reason = " ".join(str(wrong).split())[:200]
        raise SaysoError(f"model {architecture} cannot be run side by side, choose another: {reason}") from wrong

    @torch.no_grad()
    def save_pretrained(self, replica: int, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
        """Write one replica as an ordinary transformers checkpoint with its tokenizer."""
        for name, tensor in self.module.named_parameters():
            tensor.copy_(self.parameters[name][replica])
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
            self.module.save_pretrained(folder)
            tokenizer.save_pretrained(folder)

    @torch.no_grad()
    def load_pretrained(self, replica: int, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
        """Bring back one replica's weights from such a checkpoint.

        Raises
        ------
        SaysoError
            If the folder holds no checkpoint, or one of another shape or vocabulary.
        """
        try:
            with quiet():
                model = self._class.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
                there = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise SaysoError(f"{folder}: no checkpoint that transformers can read") from error
        if there.get_vocab() != tokenizer.get_vocab():
            raise SaysoError(f"{folder}: its vocabulary is not that of the seed it is loaded for")
        given = dict(model.named_parameters())
        shapes = {name: tensor.shape[1:] for name, tensor in self.parameters.items()}
        if {name: tensor.shape for name, tensor in given.items()} != shapes:
            raise SaysoError(f"{folder}: its weights have other names or shapes than this experiment's model")
        for name, tensor in self.parameters.items():
            tensor[replica].copy_(given[name])


def _make_model(architecture: str, config: Mapping[str, Any], tokenizer: PreTrainedTokenizerFast, seed: int) -> Any:
    """One replica's module with the random weights of its seed."""
    special = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "use_cache": False,
    }
    try:
        _check_settings(architecture, config)
        described = AutoConfig.for_model(architecture, **config)
        if (kind := class_of(described)) is None:
            raise SaysoError(f"model {architecture}: neither a causal nor a sequence-to-sequence language model")
        if described.is_encoder_decoder:  # completions begin after the pad token, as T5's do
            special["decoder_start_token_id"] = tokenizer.pad_token_id
        full = AutoConfig.for_model(architecture, **{**config, **special})
        with drawing(torch_seed(seed, "weights")):
            model = kind.from_config(full, attn_implementation="eager", dtype=torch.float32)
    except (ValueError, TypeError, KeyError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())
        raise SaysoError(f"model {architecture} cannot be made with {dict(config)}: {reason}") from error
    if active := [name for name, module in model.named_modules() if drops(module)]:
        raise SaysoError(f"model {architecture}: replicas side by side need dropout 0, found some in {active[0]}")
    round_alike(model)
    for module in model.modules():
        if hasattr(module, "warn_if_padding_and_no_attention_mask"):  # its look at the ids is impossible under vmap
            module.warn_if_padding_and_no_attention_mask = _no_warning
        if isinstance(module, torch.nn.Embedding):  # under vmap it would keep the first replica's pad token alone fixed
            module.padding_idx = None
        if isinstance(module, torch.nn.Linear) and "bias" not in dict(module.named_parameters()):
            setattr(module, "forward", functools.partial(_flat_linear, module))  # noqa: B010
    return model.eval()


def _no_warning(*_: object) -> None:
    """Padding has its mask where it needs one (`Replicas._arguments`)."""


def _check_settings(architecture: str, config: Mapping[str, Any]) -> None:
    """Refuse settings the architecture does not have: transformers would take them and not use them."""
    default = AutoConfig.for_model(architecture)
    known = {*default.to_dict(), *default.attribute_map}
    for key in config:
        if key not in known and not key.startswith(("rope_", "rotary_")):  # older names, which transformers translates
            raise SaysoError(f"model {architecture} has no setting '{key}'{nearest(key, known)}")


def _flat_linear(module: torch.nn.Linear, rows: Tensor) -> Tensor:
    """A linear layer without bias, on rows flattened to a matrix.

    Under vmap the layer's own forward copies each replica's weight once for every row (most of the time of a step);
    on a matrix it is one batched product.
    """
    return torch.nn.functional.linear(rows.flatten(0, -2), module.weight).view(*rows.shape[:-1], -1)
