import pytest

from sayso.core.errors import SaysoError
from sayso.core.measure import Measure
from sayso.core.own_types import OWN_TYPES
from sayso.core.spec import resolve
from sayso.measures.f1 import F1
from sayso.measures.named import MEASURES, measure_named
from sayso.measures.predictions import Predictions


class Mine(F1):
    """A measure of a user's own."""


MADE = Mine(when="start")


def test_every_measure_of_ours_has_its_name():
    kinds = [resolve(place) for place in OWN_TYPES.values()]
    ours = {kind.name: kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Measure)}
    assert ours == MEASURES


def test_a_measure_is_made_of_its_name_of_json_or_of_a_users_own():
    assert measure_named("f1") == F1()
    assert measure_named('{"type": "Predictions", "eval_sets": ["validation"]}') == Predictions(
        eval_sets=("validation",)
    )
    assert measure_named("tests.measures.test_named:Mine") == Mine()
    assert measure_named("tests.measures.test_named:MADE") == MADE


@pytest.mark.parametrize(
    ("text", "expected"),
    [("epoch", ("epoch",)), ("3", (3,)), ("start, stage", ("start", "stage")), ("2,start", (2, "start"))],
)
def test_it_may_be_given_a_cadence(text, expected):
    assert measure_named("f1", text).when == expected
    assert measure_named("tests.measures.test_named:MADE", text).when == expected


@pytest.mark.parametrize(
    ("text", "when", "message"),
    [
        ("los", None, "no measure 'los'; did you mean 'loss'?; your own is named as module:NAME"),
        ("f1", "sometimes", "--when 'sometimes': write epoch, stage, start, or a number of epochs, or several"),
        ("f1", "0", "--when '0': write epoch"),
        ("{", None, "not JSON"),
        ('{"type": "F1", "wen": 3}', None, "F1 has no setting 'wen'; did you mean 'when'?"),
        ('{"type": "PocketWorld"}', None, "PocketWorld is not a Measure"),
        ("math:pi", None, "'math:pi' is no measure"),
        ("no_such_module:X", None, "cannot import 'no_such_module'"),
    ],
)
def test_what_is_no_measure_is_an_error_of_one_line(text, when, message):
    with pytest.raises(SaysoError) as caught:
        measure_named(text, when)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
