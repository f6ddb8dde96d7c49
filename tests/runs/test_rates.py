import dataclasses
import json
from typing import Any

import pytest
from benchmarks import calibration, gpu

from sayso.core.errors import SaysoError
from sayso.learners.known_models import KNOWN_MODELS
from sayso.runs.estimate import update_of
from sayso.runs.gpus import GPUS
from sayso.runs.parts import STACKED
from sayso.runs.rates import Rates, read_rates, write_rates
from sayso.runs.training_memory import Training
from tests.cli.calling import call

CARD = "NVIDIA H100 80GB HBM3, torch 2.13.0"
MEASURED = Rates(0.61, 0.83, 7e-6, 2.5e9, CARD)


def test_what_is_written_is_read(tmp_path):
    write_rates(tmp_path / "card.json", MEASURED)
    assert read_rates(tmp_path / "card.json") == MEASURED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix_share": 1.5}, "matrix_share is to be a share above 0, at most 1, found 1.5"),
        ({"bandwidth_share": 0}, "bandwidth_share is to be a share above 0, at most 1, found 0"),
        ({"launch_seconds": "5"}, 'launch_seconds is to be a number above 0, found "5"'),
        ({"launch_seconds": True}, "launch_seconds is to be a number above 0, found true"),
        ({"disk_bytes": float("nan")}, "disk_bytes is to be a number above 0, found NaN"),
        ({"measured": None}, "measured is to be card and torch in words, found null"),
        ({"share": 1}, "a calibration has no field 'share'; it has matrix_share, bandwidth_share"),
    ],
)
def test_a_field_that_is_wrong_is_named(change, message, tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(dataclasses.asdict(MEASURED) | change))
    with pytest.raises(SaysoError) as error:
        read_rates(tmp_path / "card.json")
    assert message in str(error.value)
    assert "card.json" in str(error.value)


def test_a_field_that_is_missing_is_named(tmp_path):
    (tmp_path / "card.json").write_text('{"matrix_share": 0.5}')
    with pytest.raises(SaysoError, match="bandwidth_share is to be a share above 0, at most 1, which is missing"):
        read_rates(tmp_path / "card.json")
    (tmp_path / "card.json").write_text("[]")
    with pytest.raises(SaysoError, match="not a calibration; it is an object with matrix_share"):
        read_rates(tmp_path / "card.json")


def test_a_page_says_what_it_was_measured_on(tmp_path):
    write_rates(tmp_path / "card.json", MEASURED)
    shown = " ".join(call("show", "pocket", "--calibration", str(tmp_path / "card.json")).stdout.split())
    assert "61% of the card's peak" in shown
    assert "(measured on NVIDIA H100 80GB HBM3, torch 2.13.0)" in shown
    assert "(assumed)" in " ".join(call("show", "pocket", "--gpu", "H100").stdout.split())


def timed(true: Rates, tokens: int = 5120) -> dict[str, Any]:
    """What the benchmark would find on an H100 that gives just so much."""
    card = GPUS["H100"]
    step = update_of(KNOWN_MODELS["EleutherAI/pythia-2.8b-deduped"], tokens, Training(0.0))
    seconds = sum(step.seconds(card, true))
    handed = STACKED.training(2, 1, 0) * true.launch_seconds
    return {
        "ceilings": {"bfloat16 TFLOP/s": 0.9 * 989, "float32 TFLOP/s": 50.0, "copy GB/s": true.bandwidth_share * 3350},
        "side-by-side": [
            {"experiment": "pocket", "seeds": 16, "layers": 2, "ms a step": 99.0},
            {"experiment": "pocket", "seeds": 1, "layers": 2, "ms a step": 1e3 * handed},
        ],
        "pythia-410m": {"shape": "410m", "parameters": 4e8, "ms a step": 1.0, "tokens a second": 1.0},
        "pythia-2.8b": {
            "shape": "2.8b",
            "parameters": 2.8e9,
            "ms a step": 1e3 * seconds,
            "tokens a second": tokens / seconds,
        },
        "paper-size": None,
    }


def test_a_calibration_finds_what_a_card_gives():
    found = calibration.rates(timed(MEASURED), GPUS["H100"], MEASURED.disk_bytes, CARD)
    assert dataclasses.astuple(found)[:4] == pytest.approx(dataclasses.astuple(MEASURED)[:4])
    assert found.measured == CARD


def test_without_a_step_the_ceiling_of_products_counts():
    alone = {name: each for name, each in timed(MEASURED).items() if not name.startswith("pythia")}
    assert calibration.rates(alone, GPUS["H100"], 1e9, "card").matrix_share == pytest.approx(0.9)


def test_no_calibration_where_a_part_failed():
    with pytest.raises(SaysoError, match="no calibration: part ceilings did not run or failed"):
        calibration.rates(timed(MEASURED) | {"ceilings": "Traceback"}, GPUS["H100"], 1e9, "card")


def test_cards_are_known_by_what_torch_calls_them():
    names = {
        "NVIDIA A100-SXM4-80GB": "A100-80GB",
        "NVIDIA H100 80GB HBM3": "H100",
        "NVIDIA GeForce RTX 4090": "RTX-4090",
        "NVIDIA L4": "L4",
        "Tesla V100-SXM2-32GB": "V100-32GB",
        "Tesla T4": "T4",
    }
    assert {calibration.card_of(said).name for said in names} == set(names.values())
    assert all(calibration.card_of(said).name == name for said, name in names.items())
    with pytest.raises(SaysoError, match="no data sheet of 'NVIDIA L40S'"):
        calibration.card_of("NVIDIA L40S")


def test_a_disk_is_measured_and_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert calibration.disk(2**21) > 0
    assert not list(tmp_path.iterdir())


def test_a_card_without_a_data_sheet_is_said_before_anything_is_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "PARTS", {"ceilings": pytest.fail})
    with pytest.raises(SystemExit, match="no data sheet of 'CPU'"):
        gpu.main(["--small", "--calibration", str(tmp_path / "card.json")])
