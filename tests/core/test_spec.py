import json
import math
from abc import ABC, abstractmethod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SerializeAsAny, ValidationError

from sayso.core.errors import SaysoError
from sayso.core.spec import Component, Spec, canonical_json, digest_of, explain, resolve


class Point(Spec):
    across: float = Field(default=0.0, ge=0)
    upward: float = 0.0


class Shape(Component, ABC):
    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    side: float = Field(default=1.0, gt=0)

    def area(self) -> float:
        return self.side**2


class Holder(Spec):
    shape: SerializeAsAny[Shape]
    points: tuple[Point, ...] = ()


TYPE = f"{__name__}:Square"


def problem(data: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate(data)
    return explain(caught.value)


def test_an_unknown_setting_is_refused_with_the_nearest_name():
    with pytest.raises(ValidationError) as caught:
        Point(acros=1)  # type: ignore[call-arg]
    assert explain(caught.value) == "Point has no setting 'acros'; did you mean 'across'?"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"shape": {"type": TYPE, "sid": 2}}, "shape: Square has no setting 'sid'; did you mean 'side'?"),
        ({"shape": {"type": TYPE, "side": 0}}, "shape.side: input should be greater than 0, found 0"),
        ({"shape": {"type": TYPE}, "points": [{"across": -1}]}, "points.0.across: input should be greater than or"),
        ({"shape": {"type": f"{__name__}:Point"}}, "Point is not a Shape"),
        ({"shape": {}}, "shape: which Shape? give its 'type' as module:Class"),
        ({"shape": {"side": 2}}, "shape: which Shape? give its 'type' as module:Class"),
        ({"shape": {"type": f"{__name__}:Shape"}}, "shape: which Shape? give its 'type' as module:Class"),
        ({}, "shape: must be given"),
        ({"shape": 3}, "shape: input should be a valid dictionary or instance of Shape, found 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data, expected):
    assert expected in problem(data)
    assert "\n" not in problem(data)


def test_type_is_not_a_setting_of_specs_that_are_no_components():
    with pytest.raises(ValidationError):
        Point(type="x")  # type: ignore[call-arg]


def test_specs_are_immutable_and_compared_by_value():
    assert Point(across=1) == Point(across=1.0) != Point(across=2)
    with pytest.raises(ValidationError, match="frozen"):
        Point().across = 3  # type: ignore[misc]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_settings_are_finite(value):
    with pytest.raises(ValidationError):
        Point(upward=value)


def test_a_component_comes_back_from_its_json_as_the_class_it_was():
    holder = Holder(shape=Square(side=2))
    data = json.loads(holder.model_dump_json())
    assert data["shape"] == {"type": TYPE, "side": 2.0}
    assert isinstance(Holder.model_validate(data).shape, Square)
    assert Holder.model_validate(data).shape == holder.shape


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_canonical_json_is_one_spelling_of_a_value(value):
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


def test_canonical_json_has_no_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(math.nan)


def test_digests_never_change():
    assert digest_of("") == "e3b0c44298fc1c14"  # sha256 of nothing
    assert Point(across=1).canonical_json() == '{"across":1.0,"upward":0.0}'
    assert Point(across=1).digest() == digest_of('{"across":1.0,"upward":0.0}')


def test_resolve_imports_what_is_named():
    assert resolve("math:pi") == math.pi


@pytest.mark.parametrize(
    ("dotted", "message"),
    [
        ("math", "not of the form module:NAME"),
        (":pi", "not of the form module:NAME"),
        ("math:", "not of the form module:NAME"),
        ("no_such_module:pi", "cannot import 'no_such_module'"),
        (".math:pi", "cannot import '.math'"),
        ("math:sine", "module 'math' has no 'sine'; did you mean 'sin'?"),
    ],
)
def test_resolve_says_what_is_wrong_with_a_name(dotted, message):
    with pytest.raises(SaysoError) as caught:
        resolve(dotted)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = (", "SyntaxError: '(' was never closed (broken.py, line 1)"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        (
            "from sayso import TrainSpec\nx = TrainSpec(batch_sise=1)",
            "ValidationError: TrainSpec has no setting 'batch_sise'; did you mean 'batch_size'?",
        ),
    ],
)
def test_a_module_with_a_mistake_in_it_is_an_error_of_one_line(code, message, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SaysoError) as caught:
        resolve("broken:x")
    assert str(caught.value) == f"cannot import 'broken' for 'broken:x': {message}"


def test_an_error_the_module_itself_explains_is_passed_on(tmp_path, monkeypatch):
    code = "from sayso import SaysoError\nraise SaysoError('put it right')"
    (tmp_path / "explained.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SaysoError, match=r"^put it right$"):
        resolve("explained:x")


def test_a_type_that_is_no_text_is_refused():
    with pytest.raises(SaysoError, match="'3' is not of the form"):
        Holder.model_validate({"shape": {"type": 3}})
