"""Losses of whole documents, against transformers' own forward pass of one document at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel
from sayso.learners.stacked.learner import StackedLearner
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES, AUTO_CLASS
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(20)
LONGEST = 80

EVERY_PADDING = pytest.mark.parametrize("padding", ["first_eos", "none", "all"])


def end_of(text: Sequence[int], padding: str, pad: int, end: int, length: int) -> list[int]:
    """Token ids with what counts after them."""
    if padding == "none":
        return [*text]
    return [*text, end] if padding == "first_eos" else [*text, end, *[pad] * (length - len(text) - 1)][:length]


def causal(model: Any, ids: Sequence[int], real: int) -> float:
    """The mean loss of all tokens but the first; padding is not attended to."""
    given = torch.tensor([ids[:-1]])
    mask = (torch.arange(len(ids) - 1) < real)[None].long()
    with torch.no_grad():
        logits = model(input_ids=given, attention_mask=mask).logits[0]
    return float(torch.nn.functional.cross_entropy(logits.float(), torch.tensor(ids[1:])))


def encoder_decoder(model: Any, prompt: Sequence[int], label: Sequence[int]) -> float:
    """The mean loss of labels as transformers has it."""
    with torch.no_grad():
        return float(model(input_ids=torch.tensor([prompt]), labels=torch.tensor([label])).loss)


def single(folder: Path, architecture: str, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture, scale=4.0), **settings))


@EVERY_PADDING
@pytest.mark.parametrize("loss_on", ["all", "completion"])
@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama", "t5"])
def test_losses_of_one_model_are_those_of_plain_passes(
    architecture: str, loss_on: str, padding: str, tmp_path: Path
) -> None:
    learner = single(tmp_path, architecture, **({"label_length": 24} if architecture == "t5" else {}))
    tokenizer, model = learner.tokenizer, learner.model
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    expected = []
    for item in DOCUMENTS:
        if architecture == "t5":  # its tokenizer ends every text by itself
            label = tokenizer(text_target=item.completion)["input_ids"][:-1]
            expected.append(
                encoder_decoder(model, tokenizer(item.prompt)["input_ids"], end_of(label, padding, pad, end, 24))
            )
        else:
            text = tokenizer(item.text)["input_ids"]
            expected.append(causal(model, end_of(text, padding, end, end, LONGEST), len(text) + (padding != "all")))
    train = TrainSpec(padding_loss=padding, max_length=LONGEST, loss_on=loss_on)
    (found,) = learner.document_losses([DOCUMENTS], train)
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    learner._evaluation.rows = 3
    (again,) = learner.document_losses([DOCUMENTS], train)
    np.testing.assert_allclose(again, expected, rtol=2e-5)


def test_a_document_is_as_long_as_it_is_unless_it_is_padded(tmp_path: Path) -> None:
    learner = single(tmp_path, "gpt_neox")
    (free,) = learner.document_losses([DOCUMENTS], TrainSpec())
    (short,) = learner.document_losses([DOCUMENTS], TrainSpec(max_length=2))
    np.testing.assert_array_equal(free, short)
    with pytest.raises(SaysoError, match="max_length is 8, but"):
        learner.document_losses([DOCUMENTS], TrainSpec(max_length=8, padding_loss="all"))
    assert learner.document_losses([[]], TrainSpec())[0].shape == (0,)


SEEDS = (3, 4)
CORPORA = [build_corpus(make_tiny(), seed) for seed in SEEDS]


def some(corpus: Any, most: int) -> list[Example]:
    return [one for item in corpus.eval_sets if item.name in ("train_qa", "definitions") for one in item.examples][
        :most
    ]


@pytest.mark.parametrize("padding", ["first_eos", "none"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_losses_side_by_side_are_those_of_plain_passes(architecture: str, padding: str, tmp_path: Path) -> None:
    learner = StackedLearner(CORPORA, architecture, ARCHITECTURES[architecture], max_new_tokens=1)
    examples = [some(corpus, most) for corpus, most in zip(CORPORA, (60, 45), strict=True)]
    found = learner.document_losses(examples, TrainSpec(padding_loss=padding, max_length=2))
    for replica, own in enumerate(examples):
        folder = tmp_path / str(replica)
        learner.save_replica(replica, folder)
        model = AUTO_CLASS[architecture].from_pretrained(folder, attn_implementation="eager").eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        cut = -1 if padding == "none" else None  # the tokenizer ends every text
        expected = []
        for item in own:
            if architecture == "t5":
                label = tokenizer(item.completion)["input_ids"][:cut]
                expected.append(encoder_decoder(model, tokenizer(item.prompt)["input_ids"], label))
            else:
                ids = tokenizer(item.text)["input_ids"][:cut]
                expected.append(causal(model, ids, len(ids)))
        np.testing.assert_allclose(found[replica], expected, rtol=2e-5)
