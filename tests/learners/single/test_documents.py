"""What one model reads of examples: to be trained on, scored, or as prompts."""

from pathlib import Path

import numpy as np
import pytest

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.single.documents import Documents
from sayso.learners.single.learner import build
from sayso.learners.specs import HFModel
from tests.tiny_models import question, save_tiny, some_documents

EXAMPLES = some_documents(6)


def documents(folder: Path, architecture: str = "gpt_neox") -> Documents:
    return build([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture))).documents


def test_of_a_causal_model_whole_documents_begin_where_trained_ones_do_not(tmp_path: Path) -> None:
    made, train = documents(tmp_path), TrainSpec(loss_on="completion")
    for scored, trained, whole in zip(
        made.scored(EXAMPLES), made.trained(EXAMPLES, train), made.whole(EXAMPLES, train), strict=True
    ):
        assert scored.start == trained.start == trained.first > 1
        assert (whole.start, whole.first, whole.counted) == (1, 1, len(whole.ids) - 1)
        for other in (trained, whole):
            np.testing.assert_array_equal(other.ids, scored.ids)
    for prompt, scored in zip(made.prompts(EXAMPLES), made.scored(EXAMPLES), strict=True):
        np.testing.assert_array_equal(prompt, scored.ids[: scored.start])


def test_of_an_encoder_decoder_prompts_are_apart_and_whole_documents_what_is_written(tmp_path: Path) -> None:
    made = documents(tmp_path, "t5")
    for prompt, scored, whole in zip(
        made.prompts(EXAMPLES), made.scored(EXAMPLES), made.whole(EXAMPLES, TrainSpec()), strict=True
    ):
        np.testing.assert_array_equal(prompt, scored.context)
        np.testing.assert_array_equal(whole.ids, scored.ids)
        assert whole.start == scored.start == 1


def test_documents_longer_than_the_model_has_positions_are_an_error_that_names_the_first(tmp_path: Path) -> None:
    made = documents(tmp_path)
    long = [*EXAMPLES, question("<|abcde|>", 0, "queen " * 200 + "queen")]
    for encode in (
        made.scored,
        made.prompts,
        lambda own: made.trained(own, TrainSpec()),
        lambda own: made.whole(own, TrainSpec()),
    ):
        with pytest.raises(SaysoError, match="has 128 positions, but 1 of 7 documents need more") as error:
            encode(long)
        assert "\n" not in str(error.value)
        assert "queen queen" in str(error.value)
