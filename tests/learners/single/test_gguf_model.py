"""GGUF files become ordinary models: the numbers in the file, saved and read back as any other."""

import importlib.util
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.single.gguf_model import load_gguf
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.pretrained import load_model, load_tokenizer
from sayso.learners.specs import HFModel, LoRA
from tests.gguf_files import save_gguf
from tests.tiny_models import some_documents

DOCUMENTS = [item for item in some_documents(30) if item.kind == "question"]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    transformers.logging.disable_progress_bar()


def learner_of(name: str | Path, **settings) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=str(name), **settings))


def error_of(name: str | Path, **settings) -> str:
    with pytest.raises(SaysoError) as error:
        learner_of(name, **settings)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"model {name}: ")


@pytest.mark.parametrize("kind", ["F16", "Q8_0", "Q4_0"])
@pytest.mark.parametrize("tied", [True, False])
def test_weights_are_those_of_the_file_and_said_to_be(kind, tied, tmp_path, caplog):
    name, rounded = save_gguf(tmp_path / "m.gguf", kind, tie_word_embeddings=tied)
    with caplog.at_level(logging.WARNING, "sayso"):
        model, tokenizer = load_model(HFModel(name=name), 1), load_tokenizer(HFModel(name=name))
    assert [record.message for record in caplog.records] == [
        f"model {name}: GGUF weights ({kind}), dequantised to float32"
    ]
    own, right = model.state_dict(), rounded.state_dict()
    assert own.keys() == right.keys()
    assert all(torch.equal(own[key], right[key]) for key in right)
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
    assert len(list(model.parameters())) == len(list(rounded.parameters()))  # tied ones once
    beside = load_tokenizer(HFModel(name=str(tmp_path / "m-folder")))
    texts = [item.text for item in DOCUMENTS]
    assert tokenizer(texts)["input_ids"] == beside(texts)["input_ids"]
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (beside.eos_token_id, beside.pad_token_id)


@pytest.mark.parametrize("tied", [True, False])
def test_its_numbers_are_in_memory_once(tmp_path, tied):
    """It was read into one model and copied into another: twice the memory of its weights."""
    name, _ = save_gguf(tmp_path / "m.gguf", "Q4_0", tie_word_embeddings=tied)
    read = []

    class Kind:
        @staticmethod
        def from_pretrained(*given: Any, **more: Any) -> Any:
            read.append(AutoModelForCausalLM.from_pretrained(*given, **more))
            return read[0]

        from_config = AutoModelForCausalLM.from_config

    config = AutoConfig.from_pretrained(tmp_path, gguf_file="m.gguf")
    model = load_gguf(Kind, config, Path(name))
    assert model is not read[0]
    own, theirs = (dict([*each.named_parameters(), *each.named_buffers()]) for each in (model, read[0]))
    assert own.keys() == theirs.keys()
    assert {key: tensor.data_ptr() for key, tensor in own.items()} == {
        key: tensor.data_ptr() for key, tensor in theirs.items()
    }
    assert all(tensor.device.type == "cpu" for tensor in own.values())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert (model.get_input_embeddings().weight is model.get_output_embeddings().weight) == tied


def test_a_trained_one_is_saved_and_read_back_as_an_ordinary_model(tmp_path):
    name, _ = save_gguf(tmp_path / "m.gguf", "Q4_0")
    learner = learner_of(tmp_path)  # the folder it is alone in
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8, learning_rate=1e-2), stage="s", epochs=2)
    learner.save_replica(0, tmp_path / "saved")
    assert "quantization_config" not in json.loads((tmp_path / "saved" / "config.json").read_text())
    assert "quant" not in (tmp_path / "saved" / "config.json").read_text()
    again, other = learner_of(tmp_path / "saved"), learner_of(name)
    other.load_replica(0, tmp_path / "saved")
    scores = [each.scores([DOCUMENTS])[0].loss.tolist() for each in (learner, again, other)]
    assert scores[0] == scores[1] == scores[2]
    assert learner.as_read.items() >= {"weights": "GGUF Q4_0", "max_new_tokens": 8}.items()
    assert again.as_read.items() >= {"weights": "float32", "max_new_tokens": 8}.items()


def test_low_rank_additions_and_random_weights_beside_it(tmp_path):
    name, _ = save_gguf(tmp_path / "m.gguf", "Q8_0")
    learner = learner_of(name, lora=LoRA(rank=2))
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8, learning_rate=1e-2), stage="s", epochs=1)
    one, other = (learner_of(name, from_scratch=True) for _ in range(2))
    assert one.as_read["weights"] == "random"
    assert one.scores([DOCUMENTS])[0].loss.tolist() == other.scores([DOCUMENTS])[0].loss.tolist()


def test_what_is_missing_to_read_it_is_named_with_the_command(tmp_path, monkeypatch):
    name, _ = save_gguf(tmp_path / "m.gguf")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None if package == "gguf" else find(package))
    assert error_of(name) == "GGUF files need gguf: pip install 'sayso[gguf]'"


def test_one_that_is_cut_off_or_not_there_is_one_line(tmp_path):
    name, _ = save_gguf(tmp_path / "m.gguf")
    os.truncate(name, 30_000)
    assert error_of(name).startswith("cannot be read: ")
    os.truncate(name, 100)
    assert error_of(name).startswith("cannot be read: ")
    assert error_of(tmp_path / "n.gguf") == "there is no such file"
    assert error_of(tmp_path / "m-folder" / "config.json") == "no model by itself; name its folder"
