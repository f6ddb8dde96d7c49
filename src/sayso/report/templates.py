"""The templates of pages, and the style and scripts that they share.

A page runs the scripts it is written with and no other: its content security policy names their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from sayso.core.errors import SaysoError
from sayso.core.files import write_atomically


def render(template: str, scripts: Sequence[str] = ("page.js",), *, asks: bool = False, **values: Any) -> str:
    """Fill the template of a page (`fill`); `scripts` are files beside it. `asks`: they ask where it came from."""
    texts = [_read(script) for script in scripts]
    asking = "; connect-src 'self'" if asks else ""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {' '.join(map(hash_of, texts))};"
        f" base-uri 'none'; form-action 'none'{asking}"
    )
    own = [Markup(text) for text in texts]  # noqa: S704 (our own files)
    return fill(template, style=_style(), policy=policy, scripts=own, **values)


def fill(template: str, **values: Any) -> str:
    r"""Fill a template, of a page or of a part of one, which escapes whatever is put into it and knows all it names.

    What no file can hold, such as a byte of a folder's name that is no text, is written out: ``\udcff``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template(template).render(**values)
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


def write_page(file: Path, template: str, **values: Any) -> Path:
    """Fill a template, which has the style and script of all pages, and write it.

    Raises
    ------
    SaysoError
        If it cannot be written there.
    """
    html = render(template, **values)
    try:
        write_atomically(file, html)
    except OSError as error:
        raise SaysoError(f"{file}: cannot be written: {error.strerror}") from error
    return file


def _style() -> Markup:
    return Markup(_read("style.css"))  # noqa: S704 (our own file)


def hash_of(text: str) -> str:
    """What a content security policy calls a script or a style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _read(name: str) -> str:
    return resources.files("sayso.report").joinpath(name).read_text(encoding="utf-8")
