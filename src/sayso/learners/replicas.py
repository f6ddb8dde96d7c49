"""The weights of K models of one architecture, stacked, and one forward pass of transformers' own module for all.

``torch.func.stack_module_state`` stacks them, ``functional_call`` under ``vmap`` runs them (with eager attention: fused
attention with a mask does not work there).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from sayso.core.errors import SaysoError, nearest
from sayso.core.rng import torch_seed
from sayso.learners.pretrained import drops, quiet


class Replicas:
    """Models of one architecture and vocabulary size, one for each seed, from random weights that follow from it.

    `parameters` and `buffers` have the replica as their first dimension; `embedding` names the input embedding.
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
        stacked, buffers = stack_module_state(models)
        self.parameters = {name: tensor.detach().to(device).requires_grad_() for name, tensor in stacked.items()}
        self.buffers = {name: tensor.to(device) for name, tensor in buffers.items()}
        own = self.module.get_input_embeddings().weight
        self.embedding = next(name for name, tensor in self.module.named_parameters() if tensor is own)

    def logits(self, ids: Tensor, keep: int = 0) -> Tensor:
        """Logits of every replica on its own rows: (replicas, rows, length) -> (replicas, rows, length, vocabulary).

        With `keep`, only those of the last `keep` positions are computed.
        """
        options = {"use_cache": False, "logits_to_keep": keep}

        def forward(parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor) -> Tensor:
            logits: Tensor = functional_call(self.module, (parameters, buffers), (rows,), options).logits
            return logits

        result: Tensor = vmap(forward)(self.parameters, self.buffers, ids)
        return result

    def logits_at(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Logits of every replica at some positions of its rows.

        Parameters
        ----------
        ids
            Shape (replicas, rows, length).
        positions
            Shape (replicas, rows, positions): which of the row's tokens the next one is guessed after.

        Returns
        -------
        Tensor
            Shape (replicas, rows, positions, vocabulary). The output layer computes nothing else.
        """
        head = self.module.get_output_embeddings()

        def forward(parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor, at: Tensor) -> Tensor:
            def select(_: Any, arguments: tuple[Tensor]) -> tuple[Tensor]:
                (hidden,) = arguments
                return (hidden.gather(1, at[..., None].expand(-1, -1, hidden.shape[-1])),)

            with head.register_forward_pre_hook(select):
                logits: Tensor = functional_call(
                    self.module, (parameters, buffers), (rows,), {"use_cache": False}
                ).logits
            return logits

        result: Tensor = vmap(forward)(self.parameters, self.buffers, ids, positions)
        return result

    def logits_of(self, replica: int, ids: Tensor) -> Tensor:
        """Logits of one replica alone: (rows, length) -> (rows, length, vocabulary)."""
        parameters = {name: tensor[replica] for name, tensor in self.parameters.items()}
        buffers = {name: tensor[replica] for name, tensor in self.buffers.items()}
        logits: Tensor = functional_call(self.module, (parameters, buffers), (ids,), {"use_cache": False}).logits
        return logits

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
                model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
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
        full = AutoConfig.for_model(architecture, **{**config, **special})
        with torch.random.fork_rng():
            torch.manual_seed(torch_seed(seed, "weights"))
            model = AutoModelForCausalLM.from_config(full, attn_implementation="eager", dtype=torch.float32)
    except (ValueError, TypeError, KeyError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())
        raise SaysoError(f"model {architecture} cannot be made with {dict(config)}: {reason}") from error
    if active := [name for name, module in model.named_modules() if drops(module)]:
        raise SaysoError(f"model {architecture}: replicas side by side need dropout 0, found some in {active[0]}")
    for module in model.modules():
        if hasattr(module, "warn_if_padding_and_no_attention_mask"):  # its look at the ids is impossible under vmap
            module.warn_if_padding_and_no_attention_mask = _no_warning
        if isinstance(module, torch.nn.Linear) and "bias" not in dict(module.named_parameters()):
            setattr(module, "forward", functools.partial(_flat_linear, module))  # noqa: B010
    return model.eval()


def _no_warning(*_: object) -> None:
    """Padding needs no mask here: it is on the right, where causal attention never looks back from."""


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
