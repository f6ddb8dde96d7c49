"""The templates of pages, and the style that they share."""

from __future__ import annotations

from importlib import resources

import jinja2
from markupsafe import Markup


def read_template(name: str) -> jinja2.Template:
    """A template that escapes whatever is put into it, and knows all that it names."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read(name))


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup(_read("style.css"))  # noqa: S704 (our own file)


def _read(name: str) -> str:
    return resources.files("sayso.report").joinpath(name).read_text(encoding="utf-8")
