import pytest
from pydantic import ValidationError

import sayso
from sayso.core.errors import SaysoError
from sayso.core.protocols import ModelSpec
from sayso.data.build import build_corpus
from sayso.learners.specs import FromScratch, HFModel, LoRA


def test_a_spec_is_light(fresh_python):
    code = (
        "import sys; from sayso.learners.specs import FromScratch; FromScratch(config={'hidden_size': 8}).digest();"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    assert fresh_python(code) == "[]\n"


def test_building_makes_one_replica_for_each_corpus(tiny):
    learner = tiny.model.build([build_corpus(tiny, seed) for seed in (1, 2, 3)])
    assert (learner.replicas, learner.seeds) == (3, [1, 2, 3])


def test_it_comes_back_from_json():
    spec = FromScratch(architecture="llama", config={"hidden_size": 8})
    assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError, match="did you mean 'architecture'"):
        FromScratch(arcitecture="llama")  # type: ignore[call-arg]


def test_a_small_model_that_never_learns_to_end_is_refused_unless_its_answers_have_a_length() -> None:
    with pytest.raises(SaysoError, match=r"never learns to end an answer; set model\.max_new_tokens"):
        sayso.load("pocket").with_settings({"train.padding_loss": "none"})
    with pytest.raises(SaysoError, match="never learns to end"):
        sayso.load("pocket").with_settings({"stages.stage2.overrides": {"padding_loss": "none"}})
    sayso.load("pocket").with_settings({"train.padding_loss": "none", "model.max_new_tokens": 1})


def test_a_sharded_model_needs_several_devices_and_gives_no_gradients_of_documents() -> None:
    with pytest.raises(ValidationError, match="set devices to the number of GPUs"):
        HFModel(name="m", sharded=True)
    with pytest.raises(ValidationError, match="sharded does not go with lora"):
        HFModel(name="m", devices=2, sharded=True, lora=LoRA())
    with pytest.raises(ValidationError, match="sharded does not go with compiled"):
        HFModel(name="m", devices=2, sharded=True, compiled=True)
    assert HFModel(name="m", devices=2).needs_met() - HFModel(name="m", devices=2, sharded=True).needs_met() == {
        "gradients"
    }
