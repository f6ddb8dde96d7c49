"""The templates of pages, and the style that they share."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically


def read_template(name: str) -> jinja2.Template:
    """A template that escapes whatever is put into it, and knows all that it names."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read(name))


def write_page(file: Path, template: str, **values: Any) -> Path:
    """Fill a template, which has the style of all pages, and write it.

    Raises
    ------
    SaysoError
        If it cannot be written there.
    """
    html = read_template(template).render(style=style(), **values)
    try:
        write_atomically(file, html)
    except OSError as error:
        raise SaysoError(f"{file}: cannot be written: {error.strerror}") from error
    return file


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup(_read("style.css"))  # noqa: S704 (our own file)


def read_script(name: str) -> Markup:
    """A script of a page."""
    return Markup(_read(name))  # noqa: S704 (our own file)


def _read(name: str) -> str:
    return resources.files("sayso.report").joinpath(name).read_text(encoding="utf-8")
