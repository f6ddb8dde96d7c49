"""Families people use, with their kinds of tokenizers and generation settings: answers are those of `generate`."""

import logging

import numpy as np
import pytest
import torch
from benchmarks.family_configs import config_of
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Encoder
from sayso.learners.single.generation import Rules
from sayso.learners.single.learner import _fix_what_is_not_saved, build
from sayso.learners.specs import HFModel, LoRA
from tests.adversarial import disagreements, trained_learner
from tests.learners.single.conftest import Families
from tests.real_families import FAMILIES, save_family
from tests.tiny_models import question, save_tiny, some_documents
from tests.tokenizer_kinds import KINDS

DOCUMENTS = some_documents(20)
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")


@pytest.mark.parametrize("name", FAMILIES)
def test_matches_and_answers_are_those_of_generate(families: Families, name):
    learner, documents = trained_learner(families(name), "first_line", 6, 24, 6)
    count, right, differ = disagreements(learner, documents[:12], 10)
    assert differ == []
    assert count / 5 < right < 4 * count / 5


def test_without_what_generate_forces_and_forbids_answers_would_be_others(tmp_path):
    save_family(tmp_path, "marian", scale=3.0)
    learner, documents = trained_learner(str(tmp_path), "whole", 0, 40, 6)
    assert disagreements(learner, documents[:20], 5)[2] == []
    learner.reader.rules = Rules()
    assert disagreements(learner, documents[:20], 5)[2] != []


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_ends_with_the_end_token_whatever_a_tokenizer_adds(tmp_path, kind):
    """mBART's texts end with a language, BERT's with [SEP]: a prompt was no beginning of its document."""
    KINDS[kind](tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for document in Encoder(tokenizer, None).encode(DOCUMENTS):
        assert document.whole
        assert document.ids[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in document.ids[1:-1]
    special = set(tokenizer.all_special_ids)
    for document, item in zip(Encoder(tokenizer, 7).encode(DOCUMENTS), DOCUMENTS, strict=True):
        assert document.context.tolist() == tokenizer(item.prompt)["input_ids"]
        assert document.ids[0] == 7
        assert document.ids[-1] == tokenizer.eos_token_id
        assert special.isdisjoint(document.ids[2:-1].tolist())


def test_a_tokenizer_may_have_tokens_that_the_model_does_not(families: Families):
    """Gemma's has one for pictures: it was refused."""
    learner = build([Corpus(1, {}, ())], HFModel(name=families("gemma")))
    rows = learner.model.get_input_embeddings().num_embeddings
    assert len(learner.tokenizer) == rows + 1
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8), stage="s", epochs=1)
    token = learner.tokenizer.convert_ids_to_tokens(rows)
    with pytest.raises(
        SaysoError, match=rf"holds the token '{token}', which is number {rows} of the tokenizer; the mod"
    ):
        learner.scores([[question("<|abcde|>", 0, f"queen {token}")]])


def test_an_end_token_that_the_model_does_not_have_is_refused(tmp_path):
    save_tiny(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.add_special_tokens({"eos_token": "<|mine|>"})
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(SaysoError, match="its tokenizer's end-of-text token is number 343, the model has only 343"):
        build([Corpus(1, {}, ())], HFModel(name=str(tmp_path)))


@pytest.mark.parametrize("name", ["marian", "pegasus"])
def test_a_kept_model_is_the_one_that_was_trained(families: Families, name, tmp_path):
    """Marian's sinusoids are not saved, but were trained."""
    learner = build([Corpus(1, {}, ())], HFModel(name=families(name)))
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8, learning_rate=1e-2), stage="s", epochs=2)
    learner.save_replica(0, tmp_path)
    again = build([Corpus(1, {}, ())], HFModel(name=str(tmp_path)))
    np.testing.assert_array_equal(again.scores([DOCUMENTS])[0].loss, learner.scores([DOCUMENTS])[0].loss)


def test_weights_that_are_never_trained_do_not_keep_a_model_from_being_read_back(families: Families, tmp_path):
    """HRM's begin with a fixed state: its own checkpoint had "other names or shapes"."""
    learner = build([Corpus(1, {}, ())], HFModel(name=families("gpt2")))
    learner.model.transformer.ln_f.bias.requires_grad_(False)
    learner.save_replica(0, tmp_path)
    expected = learner.scores([DOCUMENTS])[0].loss.tolist()
    learner.model.get_input_embeddings().weight.data.zero_()
    learner.load_replica(0, tmp_path)
    assert learner.scores([DOCUMENTS])[0].loss.tolist() == expected


def test_a_configuration_that_knows_no_start_is_named_as_any_without_one(tmp_path):
    """Switch Transformers' has no such setting at all: it was a traceback."""
    KINDS["unigram"](tmp_path)
    config = config_of("switch_transformers")
    del config.decoder_start_token_id
    config.save_pretrained(tmp_path)
    with pytest.raises(SaysoError, match="its configuration has no decoder_start_token_id, which answers begin with"):
        build([Corpus(1, {}, ())], HFModel(name=str(tmp_path), from_scratch=True))


def test_a_pad_token_that_the_model_does_not_have_is_not_read(tmp_path):
    """As people add one to Llama: it was refused."""
    save_tiny(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(tmp_path)
    learner = build([Corpus(1, {}, ())], HFModel(name=str(tmp_path)))
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8), stage="s", epochs=1)
    assert len(learner.scores([DOCUMENTS])[0].loss) == 20


@pytest.mark.parametrize("padding", ["first_eos", "none", "all"])
def test_answers_are_not_padded_with_a_token_that_the_model_does_not_have(tmp_path, padding):
    """With `padding_loss=all` it was an IndexError."""
    save_tiny(tmp_path, "t5")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.add_special_tokens({"pad_token": "[PADX]"})
    tokenizer.save_pretrained(tmp_path)
    learner = build([Corpus(1, {}, (EvalSet("validation", "QA3", tuple(DOCUMENTS)),))], HFModel(name=str(tmp_path)))
    rows = learner.model.get_input_embeddings().num_embeddings
    assert learner.tokenizer.pad_token_id >= rows
    train = TrainSpec(batch_size=8, padding_loss=padding, max_length=128)
    documents = learner._encoder.for_training(DOCUMENTS, train, label_length=learner.limits.padded)
    assert max(item.ids.max() for item in documents) < rows
    learner.fit([DOCUMENTS], train, stage="s", epochs=1)
    assert len(learner.scores([DOCUMENTS])[0].loss) == 20


def test_what_is_not_saved_is_fixed_in_a_model_without_an_output_layer():
    class Headless(torch.nn.Linear):
        _keys_to_ignore_on_save = ("bias", "nowhere")

        def get_output_embeddings(self) -> None:
            return None

    model = Headless(2, 2)
    _fix_what_is_not_saved(model)
    assert (model.bias.requires_grad, model.weight.requires_grad) == (False, True)


def test_additions_go_to_all_layers_of_a_state_space_model_that_can_have_them(families: Families):
    """peft refuses two layers of Mamba, and with them all."""
    spec = HFModel(name=families("mamba"), lora=LoRA(rank=2, target_modules="all-linear"))
    learner = build([Corpus(1, {}, ())], spec)
    before = learner.scores([DOCUMENTS])[0].loss.mean()
    learner.fit([DOCUMENTS], TrainSpec(batch_size=8, learning_rate=1e-2), stage="s", epochs=2)
    assert learner.scores([DOCUMENTS])[0].loss.mean() < before
    assert not any("out_proj.lora" in name for name in learner.parameters)


def test_what_is_left_out_of_generation_settings_is_said(families: Families, caplog):
    with caplog.at_level(logging.WARNING, "sayso"):
        build([Corpus(1, {}, ())], HFModel(name=families("bart")))
    (said,) = caplog.messages
    assert said.endswith(
        "answers are greedy; its generation settings min_length=12, no_repeat_ngram_size=3 are left out"
    )
