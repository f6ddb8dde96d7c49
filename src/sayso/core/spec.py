"""Frozen specs: every setting of a run is a field of one of these, checked when it is made.

A `Spec` refuses unknown fields and names the nearest right one. A `Component` is a spec that can be swapped for
another of its kind (a knowledge base, a model, a measure): it writes down which class it is under the key ``type``
(sayso's own by a short name, a user's as ``module:Class``), so that a run's JSON is enough to make it again, and a
user's own class needs no registry.

Whoever only reads asks for `OWN_ONLY`: then no code of a user's is imported, and a `StandIn` keeps what was written.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import json
from abc import ABC
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticSerializationError

from sayso.core.errors import SaysoError, nearest
from sayso.core.own_types import own_location, written_name

#: Context of a validation that imports nothing but sayso's own types.
OWN_ONLY = {"own_only": True}


@contextlib.contextmanager
def _ctrl_c() -> Iterator[None]:
    """Take Ctrl-C out of the error that pydantic makes of whatever is raised while it writes a value."""
    try:
        yield
    except PydanticSerializationError as error:  # of JSON it has no cause, and names it alone
        if KeyboardInterrupt.__name__ in str(error):
            raise KeyboardInterrupt from None
        raise


class Spec(BaseModel):
    """Base of all settings: immutable, compared by value, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_fields(cls, data: Any) -> Any:
        if isinstance(data, dict):
            fields = cls.model_fields
            for key in data:
                if key not in fields and key != "type":
                    raise ValueError(f"{cls.__name__} has no setting '{key}'{nearest(str(key), fields)}")
        return data

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As pydantic has it, but that Ctrl-C in the midst of it stays Ctrl-C."""
        with _ctrl_c():
            return super().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        """As pydantic has it, but that Ctrl-C in the midst of it stays Ctrl-C."""
        with _ctrl_c():
            return super().model_dump_json(**options)

    def canonical_json(self) -> str:
        """One spelling for one value: keys sorted, no spaces, no NaN."""
        return canonical_json(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Sixteen hex digits that name this value (the start of the sha256 of its canonical JSON)."""
        return digest_of(self.canonical_json())


class Component(Spec):
    """A spec that is one of several kinds; its JSON says which class it is."""

    @model_serializer(mode="wrap")
    def _with_type(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"type": written_name(type(self).__module__, type(self).__qualname__), **handler(self)}

    @model_validator(mode="wrap")
    @classmethod
    def _resolve_type(cls, data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Self:
        if isinstance(data, dict) and "type" in data:
            data = dict(data)
            written = str(data.pop("type"))
            location = own_location(written)
            if location is None and (info.context or {}).get("own_only"):
                stand_in: Self = _stand_in_class(cls).of(written, data)
                return stand_in
            target = resolve(location or written)
            if not (isinstance(target, type) and issubclass(target, cls)):
                raise ValueError(f"{written} is not a {cls.__name__}")
            if target is not cls:
                return target.model_validate(data, context=info.context)
        if isinstance(data, dict) and is_abstract(cls):
            raise ValueError(f"which {cls.__name__}? give its 'type' as module:Class")
        result: Self = handler(data)
        return result


def is_abstract(kind: type[Component]) -> bool:
    """Whether a class is only the base of others: it lacks methods, or says so by deriving from ABC itself."""
    return inspect.isabstract(kind) or ABC in kind.__bases__


class CodeNotRunError(SaysoError, AttributeError):
    """Something was asked of a user's own type where results are only read."""


class StandIn(Component):
    """Stands where a user's own type would, and keeps what was written of it: the same JSON, the same digest.

    It has the settings that its kind has, and where its kind has a name, that of the type. Whatever else is asked of it
    raises `CodeNotRunError`.
    """

    of_type: str
    written: dict[str, Any]

    @classmethod
    def of(cls, written: str, data: dict[str, Any]) -> Self:
        """Keep what was written of a type."""
        known = {name: data[name] for name in cls.model_fields.keys() & data.keys()}
        return cls(**{**known, "of_type": written, "written": data})

    @model_serializer(mode="wrap")
    def _with_type(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:  # noqa: ARG002
        return {"type": self.of_type, **self.written}

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """Say why nothing is done."""
        raise CodeNotRunError(f"{self.of_type} is code of your own, which reading results does not run")

    def __getattr__(self, name: str) -> Any:
        if name == "name" and name in type(self).__class_vars__:
            return self.of_type
        if name.startswith("_"):
            return super().__getattr__(name)  # type: ignore[misc]
        return self.refuse()


def is_stand_in(component: Component) -> bool:
    """Whether a component only stands where a user's own type would."""
    return isinstance(component, StandIn)


@functools.cache
def _stand_in_class(kind: type[Component]) -> Any:
    """The stand-in of a kind, whose abstract methods it refuses."""
    refused = dict.fromkeys(getattr(kind, "__abstractmethods__", ()), StandIn.refuse)
    return type(kind.__name__, (StandIn, kind), {"__module__": __name__, **refused})


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest_of(text: str) -> str:
    """First sixteen hex digits of the sha256 of `text` (see `encoded` for what is no text)."""
    return hashlib.sha256(encoded(text)).hexdigest()[:16]


def encoded(text: str) -> bytes:
    """Encode JSON as UTF-8.

    Raises
    ------
    SaysoError
        If it holds halves of characters, as bytes that are no UTF-8 become on a command line and in names of files;
        the message has the JSON string they are in.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        end = text.find('"', error.end)
        around = text[text.rfind('"', 0, error.start) + 1 : end if end >= 0 else None]
        raise SaysoError(f"{around!r} is no text that UTF-8 can write") from error


def resolve(dotted: str) -> Any:
    """Import what ``module:NAME`` names.

    Raises
    ------
    SaysoError
        If the text has another form, the module cannot be imported (for whatever reason), or it has no such name.
    """
    module_name, _, name = dotted.partition(":")
    if not module_name or not name:
        raise SaysoError(f"'{dotted}' is not of the form module:NAME")
    try:
        module = importlib.import_module(module_name)
    except SaysoError:
        raise
    except Exception as error:  # a user's module may hold any mistake; a relative name is a TypeError
        raise SaysoError(f"cannot import '{module_name}' for '{dotted}': {_reason(error)}") from error
    except SystemExit as error:
        raise SaysoError(f"cannot import '{module_name}' for '{dotted}': it ends the program (SystemExit)") from error
    if not hasattr(module, name):
        raise SaysoError(f"module '{module_name}' has no '{name}'{nearest(name, vars(module))}")
    return getattr(module, name)


def _reason(error: Exception) -> str:
    """What went wrong while a module was imported, in one line."""
    said = explain(error) if isinstance(error, ValidationError) else " ".join(str(error).split())
    return said if isinstance(error, ImportError) else f"{type(error).__name__}: {said}"


def explain(error: ValidationError, data: Any = None) -> str:
    """Say in one line what pydantic found wrong: the path of each field, what is wrong, what was given.

    Messages raised by sayso itself already name what was found; pydantic's own do not, so the input is added. Items of
    lists are called by their names where the `data` that was read has them.
    """
    parts = []
    for item in error.errors(include_url=False):
        path = ".".join(_named(item["loc"], data))
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "missing":
            message = "must be given"
        elif item["type"] != "value_error":
            message = f"{message[:1].lower()}{message[1:]}, found {item['input']!r}"
        parts.append(f"{path}: {message}" if path else message)
    return "; ".join(parts)


def _named(place: Sequence[int | str], data: Any) -> Iterator[str]:
    """Parts of a path, names in place of positions."""
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):  # it is missing, or the part names a kind and no place
            data = None
        named = isinstance(part, int) and isinstance(data, dict) and isinstance(data.get("name"), str)
        yield data["name"] if named else str(part)
