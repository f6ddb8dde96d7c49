import pytest
from pydantic import ValidationError

from sayso.core.protocols import ModelSpec
from sayso.data.build import build_corpus
from sayso.learners.specs import FromScratch


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
