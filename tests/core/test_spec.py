import copy
import json
import math
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, JsonValue, SerializeAsAny, ValidationError

from sayso.core.errors import SaysoError
from sayso.core.spec import (
    OWN_ONLY,
    Component,
    Spec,
    canonical_json,
    digest_of,
    explain,
    is_stand_in,
    resolve,
)
from tests.conftest import make_tiny


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


class Free(Spec):
    config: JsonValue


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


def test_a_module_that_ends_the_program_is_an_error_of_one_line(tmp_path, monkeypatch):
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(0)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SaysoError, match=r"^cannot import 'ends' for 'ends:x': it ends the program \(SystemExit\)$"):
        resolve("ends:x")


@pytest.mark.parametrize("text", ["\ud800", "a\udcff", ["b", "\udfff"], {"x": [{"y": "\ud800"}]}])
def test_halves_of_characters_have_no_digest(text):
    with pytest.raises(SaysoError, match="is no text that UTF-8 can write") as caught:
        Free(config=text).digest()
    str(caught.value).encode()
    with pytest.raises(SaysoError, match=r"^'a\\udcff' is no text"):
        digest_of("a\udcff")


# Reading without running


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once the module ``of_a_user`` has run."""
    code = f"""
from pathlib import Path
from tests.core.test_spec import Square
Path({str(tmp_path / "executed")!r}).touch()
class Mine(Square):
    pass
"""
    (tmp_path / "of_a_user.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "of_a_user", raising=False)
    return tmp_path / "executed"


def test_reading_imports_nothing_of_a_users_and_keeps_what_is_written(executed):
    data = {"shape": {"type": "of_a_user:Mine", "side": 2, "more": {"a": [1.0, None]}}, "points": []}
    holder = Holder.model_validate(data, context=OWN_ONLY)
    assert holder.model_dump(mode="json") == data
    assert json.loads(holder.model_dump_json()) == data
    assert isinstance(holder.shape, Shape)
    assert is_stand_in(holder.shape)
    assert copy.deepcopy(holder) == holder == holder.model_copy()
    assert not executed.exists()
    made = Holder.model_validate({"shape": {"type": "of_a_user:Mine", "side": 2}}).shape
    assert (type(made).__name__, made.area()) == ("Mine", 4)
    assert not is_stand_in(made)
    assert executed.exists()


def test_a_stand_in_says_why_it_does_nothing():
    shape = Holder.model_validate({"shape": {"type": "of_a_user:Mine"}}, context=OWN_ONLY).shape
    for ask in (shape.area, lambda: shape.side):  # type: ignore[attr-defined]
        with pytest.raises(
            SaysoError, match=r"^of_a_user:Mine is code of your own, which reading results does not run$"
        ):
            ask()
    assert getattr(shape, "side", None) is None


def test_a_stand_in_has_the_settings_and_the_name_of_its_kind():
    class Kind(Component, ABC):
        name: ClassVar[str]
        often: int = 3

        @abstractmethod
        def work(self) -> None: ...

    class Holds(Spec):
        kinds: tuple[SerializeAsAny[Kind], ...]

    data = {"kinds": [{"type": "of_a_user:A", "often": 2}, {"type": "of_a_user:B"}]}
    read = Holds.model_validate(data, context=OWN_ONLY)
    assert [(kind.often, kind.name) for kind in read.kinds] == [(2, "of_a_user:A"), (3, "of_a_user:B")]
    assert read.model_dump(mode="json") == data
    with pytest.raises(ValidationError, match="often"):
        Holds.model_validate({"kinds": [{"type": "of_a_user:A", "often": "x"}]}, context=OWN_ONLY)


def test_a_type_that_is_no_text_is_refused():
    with pytest.raises(SaysoError, match="no type '3'"):
        Holder.model_validate({"shape": {"type": 3}})


def test_ctrl_c_while_a_value_is_written_stays_ctrl_c(monkeypatch):
    def stopped(*_: object) -> str:
        raise KeyboardInterrupt

    experiment = make_tiny()
    monkeypatch.setattr("sayso.core.spec.written_name", stopped)
    for write in (experiment.digest, experiment.model_dump_json):
        with pytest.raises(KeyboardInterrupt):
            write()
