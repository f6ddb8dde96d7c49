import dataclasses
import json

import pytest

from sayso.core.errors import SaysoError
from sayso.runs.rates import Rates, read_rates, write_rates
from tests.cli.calling import call

MEASURED = Rates(0.61, 0.83, 7e-6, 2.5e9, "NVIDIA H100 80GB HBM3, torch 2.13.0")


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
