"""Folders with quantised weights: refused, or trained beside by LoRA."""

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel, LoRA
from tests.tiny_models import save_tiny, some_documents

KINDS: list[tuple[dict[str, Any], str]] = [
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes, 4 bits"),
    ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes, 8 bits"),
    ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq, 4 bits"),
    ({"quant_method": "awq", "bits": 4}, "awq, 4 bits"),
    ({"quant_method": "fp8"}, "fp8"),
]


def learner_of(folder: Path, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=str(folder), **settings))


@pytest.mark.parametrize(("settings", "how"), KINDS)
def test_quantised_weights_are_refused_where_they_would_be_trained(settings, how, tmp_path):
    save_tiny(tmp_path, "llama")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    with pytest.raises(SaysoError) as error:
        learner_of(tmp_path)
    assert f"its weights are quantised ({how})" in str(error.value)
    assert "or train LoRA beside it (model.lora)" in str(error.value)
    assert learner_of(tmp_path, from_scratch=True).as_read["weights"] == "random"


@pytest.mark.parametrize(("settings", "package"), [(KINDS[2][0], "optimum"), (KINDS[3][0], "gptqmodel")])
def test_what_low_rank_training_beside_them_needs_is_one_line(settings, package, tmp_path):
    save_tiny(tmp_path, "llama")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    with pytest.raises(SaysoError, match=package) as error:
        learner_of(tmp_path, lora=LoRA(rank=2))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "how", [{"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, {"load_in_8bit": True}], ids=["4 bits", "8 bits"]
)
@pytest.mark.filterwarnings("ignore")
def test_low_rank_additions_are_trained_beside_bitsandbytes(how, tmp_path):
    """Where the package is installed; sayso does not ask for it."""
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    plain = Path(save_tiny(tmp_path / "plain", "llama", hidden_size=64, intermediate_size=128))
    packed = AutoModelForCausalLM.from_pretrained(plain, quantization_config=BitsAndBytesConfig(**how))
    packed.save_pretrained(tmp_path / "packed")
    for file in plain.glob("tokenizer*"):
        (tmp_path / "packed" / file.name).write_bytes(file.read_bytes())
    one, other = (learner_of(tmp_path / "packed", lora=LoRA(rank=2)) for _ in range(2))
    documents, losses = some_documents(20), []
    train = TrainSpec(batch_size=8, learning_rate=3e-2)
    one.fit([documents], train, stage="s", epochs=3, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    assert losses[-1] < losses[0]
    one.save_replica(0, tmp_path / "saved")
    other.load_replica(0, tmp_path / "saved")
    assert other.scores([documents])[0].loss.tolist() == one.scores([documents])[0].loss.tolist()
