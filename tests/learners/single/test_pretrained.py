"""Every way a model cannot be had is one line."""

import json
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig
from transformers.utils.hub import httpx  # whichever the hub uses

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.learners.single.learner import HFLearner
from sayso.learners.single.learner import build as build_single
from sayso.learners.specs import HFModel, LoRA
from tests.tiny_models import save_tiny, tiny_tokenizer


def build(name: str | Path, **settings) -> HFLearner:
    return build_single([Corpus(1, {}, ())], HFModel(name=str(name), **settings))


def error_of(name: str | Path, **settings) -> str:
    with pytest.raises(SaysoError) as error:
        build(name, **settings)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"model {name}: ")
    return str(error.value)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that answers every request as told, and a cache of nothing."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def answers(handler: Callable[[httpx.Request], httpx.Response]) -> None:
        huggingface_hub.set_client_factory(lambda: httpx.Client(transport=httpx.MockTransport(handler)))

    yield answers
    huggingface_hub.set_client_factory(httpx.Client)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "it is gated: ask for access at https://huggingface.co/some/model"),
        (401, "GatedRepo", "it is gated"),
        (401, "RepoNotFound", "no such model on the hub"),
        (404, "RepoNotFound", "no such model on the hub"),
        (404, "RevisionNotFound", "it has no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses_is_said(hub, status, code, said):
    hub(lambda request: httpx.Response(status, headers={"X-Error-Code": code}, request=request))
    assert said in error_of("some/model", revision="v9")


def test_no_network_is_said(hub, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)  # the hub is asked again and again

    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host", request=request)

    hub(nobody)
    assert "the hub cannot be reached" in error_of("some/model")


def test_offline_is_honoured(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500, request=request)

    hub(note)
    assert "HF_HUB_OFFLINE" in error_of("some/model")
    assert asked == []


@pytest.mark.parametrize("revision", [None, "main", "v1"])
def test_the_commit_of_a_model_from_the_hub_is_known_whatever_its_revision_is_called(
    hub, monkeypatch, tmp_path, revision
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    commit = "0123456789abcdef0123456789abcdef01234567"
    place = tmp_path / "cache" / "models--some--model"
    save_tiny(place / "snapshots" / commit, "gpt_neox")
    for name in ("main", "v1"):
        (place / "refs").mkdir(exist_ok=True)
        (place / "refs" / name).write_text(commit, encoding="utf-8")
    assert build("some/model", revision=revision).spec.identity() == commit
    assert build(place / "snapshots" / commit).spec.identity() != commit  # a folder is its files, whatever it is called


def test_a_folder_that_is_not_there_is_said(tmp_path):
    assert "there is no such folder" in error_of(tmp_path / "nowhere")
    assert "no config.json" in error_of(tmp_path)


def test_a_tokenizer_without_an_end_is_refused_and_one_without_a_pad_pads_with_its_end(tmp_path):
    name = save_tiny(tmp_path, "gpt_neox")
    learner = build_single([Corpus(1, {}, ())], HFModel(name=name))
    assert learner.tokenizer.pad_token_id == learner.tokenizer.eos_token_id
    tiny_tokenizer(end=False).save_pretrained(tmp_path)
    assert "no end-of-text token; set eos_token" in error_of(tmp_path)


def test_a_model_without_a_tokenizer_is_refused(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    assert "no tokenizer beside it" in error_of(tmp_path)


def test_pickles_are_read_only_where_allowed(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    weights = tmp_path / "model.safetensors"
    torch.save(load_file(weights), tmp_path / "pytorch_model.bin")
    weights.unlink()
    assert "no safetensors weights; set allow_pickle" in error_of(tmp_path)
    build(tmp_path, allow_pickle=True)


def test_damaged_weights_are_one_line(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    (tmp_path / "model.safetensors").write_bytes(b"cut off")
    assert "model.safetensors is cut off or no safetensors file; fetch it again" in error_of(tmp_path)


def test_code_that_comes_with_a_model_is_not_run(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text("raise SystemExit('ran')")
    assert "set trust_remote_code if you trust it" in error_of(tmp_path)


def test_models_that_do_not_write_are_refused(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2).save_pretrained(tmp_path)
    assert "'bert' is neither a causal nor a sequence-to-sequence language model" in error_of(tmp_path)


def test_layers_that_lora_does_not_find_are_said(tmp_path):
    save_tiny(tmp_path, "gpt_neox")
    assert "name them in lora.target_modules" in error_of(tmp_path, lora=LoRA(target_modules=("nothing",)))


def test_a_sequence_to_sequence_model_needs_a_token_to_begin_with(tmp_path):
    save_tiny(tmp_path, "t5")
    config = json.loads((tmp_path / "config.json").read_text())
    config["decoder_start_token_id"] = None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "no decoder_start_token_id" in error_of(tmp_path)
