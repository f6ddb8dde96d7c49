"""Models and tokenizers from the hub or a folder, with one clear line where they cannot be had."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from sayso.core.errors import SaysoError
from sayso.core.extras import advice
from sayso.core.rng import torch_seed
from sayso.learners.model_files import GGUF, check_files, gguf_of
from sayso.learners.modules import class_of, drawing, quiet
from sayso.learners.several.sharding import put
from sayso.learners.single.gguf_model import gguf_options, load_gguf
from sayso.learners.single.lora import left_alone
from sayso.learners.single.quantised import ready_for_low_rank, require_trainable, without_quantisation
from sayso.learners.specs import HFModel, LoRA


def load_model(spec: HFModel, seed: int) -> Any:
    """Load a model in float32, or make it from random weights of the seed; with LoRA around it if asked.

    Raises
    ------
    SaysoError
        If it cannot be had or read, is neither causal nor sequence-to-sequence, is quantised and cannot be trained so,
        or has no layers for LoRA.
    """
    check_files(spec.name, weights=not spec.from_scratch)
    config = load_config(spec)
    kind, gguf = _kind(config, spec), gguf_of(spec.name)
    if gguf is None and not spec.from_scratch:
        require_trainable(config, spec)
    with _one_line(spec), drawing(torch_seed(seed, "weights")), quiet():
        if spec.from_scratch:
            trusted = {"trust_remote_code": True} if spec.trust_remote_code else {}
            model = kind.from_config(without_quantisation(config), dtype=torch.float32, **trusted)
        elif gguf is not None:
            model = load_gguf(kind, config, gguf)
        else:
            safe = {} if spec.allow_pickle else {"use_safetensors": True}
            model = kind.from_pretrained(
                _place(spec.name), config=config, dtype=torch.float32, **safe, **_options(spec)
            )
    if not spec.from_scratch:
        ready_for_low_rank(model, spec)
    if config.is_encoder_decoder and getattr(config, "decoder_start_token_id", None) is None:
        raise SaysoError(
            f"model {spec.name}: its configuration has no decoder_start_token_id, which answers begin with"
        )
    if spec.lora is not None:
        model = _with_lora(model, spec.lora, spec.name, seed)
    if spec.gradient_checkpointing:
        _checkpoint_gradients(model)
    return model


def load_config(spec: HFModel) -> Any:
    """Load a model's configuration.

    Raises
    ------
    SaysoError
        If it cannot be had or read.
    """
    with _one_line(spec):
        return AutoConfig.from_pretrained(_place(spec.name), **_options(spec))


def load_tokenizer(spec: HFModel) -> Any:
    """Load a model's tokenizer; without a pad token of its own it pads with its end-of-text token, as the authors did.

    Raises
    ------
    SaysoError
        If it cannot be had or read, or has no end-of-text token.
    """
    check_files(spec.name, weights=False)
    with _one_line(spec):
        tokenizer = AutoTokenizer.from_pretrained(_place(spec.name), **_options(spec))
    if tokenizer.get_vocab().keys() <= set(tokenizer.all_special_tokens):  # made of nothing but the model's type
        raise SaysoError(f"model {spec.name}: there is no tokenizer beside it; save one there (tokenizer.json)")
    if tokenizer.eos_token_id is None:
        raise SaysoError(
            f"model {spec.name}: its tokenizer has no end-of-text token; set eos_token in its tokenizer_config.json"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_weights(model: Any, folder: Path) -> None:
    """Bring back the trained weights that `save_pretrained` wrote into a folder.

    Raises
    ------
    SaysoError
        If the folder holds no such checkpoint, or one of other names or shapes.
    """
    own = trained(model)
    try:
        if hasattr(model, "peft_config"):
            from safetensors.torch import load_file

            saved = load_file(folder / "adapter_model.safetensors")
            given = {name: saved[key] for name in own if (key := name.replace(".default", "")) in saved}
        else:
            with quiet():
                there = type(model).from_pretrained(folder, local_files_only=True, dtype=torch.float32)
            fixed = {name for name, tensor in model.named_parameters() if not tensor.requires_grad}
            given = {name: tensor.detach() for name, tensor in there.named_parameters() if name not in fixed}
    except Exception as error:  # a damaged file can raise anything
        raise SaysoError(f"{folder}: no checkpoint of this model that can be read: {_line(error)}") from error
    shapes = {name: tensor.shape for name, tensor in own.items()}
    if {name: tensor.shape for name, tensor in given.items()} != shapes:
        raise SaysoError(f"{folder}: its weights have other names or shapes than this experiment's model")
    for name, tensor in own.items():
        put(tensor, given[name])


def trained(model: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters that are trained, by name; tied ones once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _kind(config: Any, spec: HFModel) -> Any:
    """The class of transformers that makes a model of this configuration."""
    if (kind := class_of(config)) is not None:
        return kind
    if "AutoModelForCausalLM" in getattr(config, "auto_map", {}) and spec.trust_remote_code:
        return AutoModelForCausalLM
    raise SaysoError(
        f"model {spec.name}: '{config.model_type}' is neither a causal nor a sequence-to-sequence language model"
    )


def _with_lora(model: Any, lora: LoRA, name: str, seed: int) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError:
        raise SaysoError(f"LoRA needs peft: {advice('peft')}") from None
    modules = list(lora.target_modules) if isinstance(lora.target_modules, tuple) else lora.target_modules
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=modules,
        exclude_modules=left_alone(model, modules),
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
    )
    try:
        with drawing(torch_seed(seed, "lora")), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by names it is giving up
            return get_peft_model(model, settings)
    except ValueError as error:
        raise SaysoError(
            f"model {name}: LoRA finds no layers to add to ({_line(error)}); name them in lora.target_modules"
        ) from error


def _checkpoint_gradients(model: Any) -> None:
    """Keep little of a forward pass and do it again for the backward pass, under whichever name transformers has it."""
    own = model.get_base_model() if hasattr(model, "get_base_model") else model
    enable = getattr(own, "activation_checkpointing_enable", None) or own.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    if own is not model:
        own.enable_input_require_grads()  # else nothing below the first addition would be done again


def _options(spec: HFModel) -> dict[str, Any]:
    revision = {} if spec.revision is None else {"revision": spec.revision}
    gguf = gguf_of(spec.name)
    return {"trust_remote_code": spec.trust_remote_code, **revision, **(gguf_options(gguf) if gguf else {})}


def _place(name: str) -> str:
    """A local folder's path (also of a GGUF file), or the name as the hub knows it.

    Raises
    ------
    SaysoError
        If it can only be local and is not there, or is a folder without a model.
    """
    path = Path(name).expanduser()
    if (gguf := gguf_of(name)) is not None:
        return str(gguf.parent)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise SaysoError(f"model {name}: there is no config.json in this folder, and no GGUF file")
        return str(path)
    if path.is_file() or path.suffix == GGUF:
        raise SaysoError(
            f"model {name}: {'no model by itself; name its folder' if path.is_file() else 'there is no such file'}"
        )
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise SaysoError(f"model {name}: there is no such folder")
    return name


@contextlib.contextmanager
def _one_line(spec: HFModel) -> Iterator[None]:
    """Turn what transformers and the hub raise into one line that says what would be right."""
    try:
        yield
    except Exception as error:  # a damaged file or foreign code can raise anything
        if isinstance(error, SaysoError):
            raise
        raise SaysoError(f"model {spec.name}: {_reason(spec, error)}") from error


def _reason(spec: HFModel, error: Exception) -> str:
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None and below not in chain:
        chain.append(below)

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(item, kinds) for item in chain)

    if among(GatedRepoError):
        return (
            f"it is gated: ask for access at https://huggingface.co/{spec.name}, then log in with 'hf auth login' "
            "or set HF_TOKEN"
        )
    if among(RevisionNotFoundError):
        return f"it has no revision '{spec.revision}'"
    if among(RepositoryNotFoundError):
        return "there is no such folder here and no such model on the hub (a private one needs 'hf auth login')"
    if among(OfflineModeIsEnabled, LocalEntryNotFoundError, ConnectionError) or "couldn't connect" in str(error):
        return (
            "it is neither a folder nor in the cache, and the hub cannot be reached (no network, or HF_HUB_OFFLINE is "
            "set); fetch it first with 'hf download', or give a local folder"
        )
    said = _line(error)
    if not spec.allow_pickle and ("safetensors" in said or "file named model" in said):
        return "it has no safetensors weights; set allow_pickle if you trust its pickled ones"
    if "trust_remote_code" in str(error):
        return "it comes with code of its own; set trust_remote_code if you trust it"
    if "okenizer" in said and "nstantiate" in said:
        return "there is no tokenizer beside it that can be read; save one there (tokenizer.json)"
    return f"cannot be read: {said}"


def _line(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= 300 else f"{said[:300]}..."
