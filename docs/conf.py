"""How the guide is built: `make docs`, strict and offline."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "sayso"
author = "The sayso authors"
copyright = "2026, The sayso authors"  # noqa: A001 - Sphinx calls it that
version = release = version_of("sayso")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "curves"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False

# Pictures of learning curves that readers can ask, and the experiments they are of (docs/_ext/curves.py).
curves = {"pocket-learning-curves": "pocket"}

html_theme = "furo"
html_title = "sayso"
html_show_sphinx = False
html_static_path = ["_static"]
