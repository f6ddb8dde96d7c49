"""How the guide is built: `make docs`, strict and offline."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "sayso"
author = "The sayso authors"
copyright = "2026, The sayso authors"  # noqa: A001 - Sphinx calls it that
version = release = version_of("sayso")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "curves", "reference"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
default_role = "known"
nitpicky = True
# What has no entry here: types of Python and of libraries, and shorthands whose meaning stands in the text beside.
nitpick_ignore_regex = [
    ("py:class", r"(pathlib\.)?Path|Sequence|Iterator|Iterable|Mapping|Collection|Callable|Hashable|Future|NoneType"),
    (
        "py:class",
        r"(np|numpy|pd|alt|duckdb|pydantic)\..*|NDArray|ArrayLike|float64|float32|int64|bool_|DataFrame|JsonValue",
    ),
    ("py:class", r"T|OnPlan|Floats|Candidates|Control|OnShare|Keep|Kind|Listener|Runner|Format|Spec|Pictures"),
    ("py:class", r"(sayso\.core\.store\.)?Store|NetworkSize"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"Keep": "Keep"}
python_display_short_literal_types = True
python_maximum_signature_line_length = 100
napoleon_google_docstring = False
napoleon_use_rtype = False

# Pictures of learning curves that readers can ask, and the experiments they are of (docs/_ext/curves.py).
curves = {"pocket-learning-curves": "pocket"}

html_theme = "furo"
html_title = "sayso"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_js_files = [("page.js", {"defer": "defer"})]
