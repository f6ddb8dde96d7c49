"""How the guide is built: `make docs`, strict and offline."""

from importlib.metadata import version as version_of

project = "sayso"
author = "The sayso authors"
copyright = "2026, The sayso authors"  # noqa: A001 - Sphinx calls it that
version = release = version_of("sayso")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
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

html_theme = "furo"
html_title = "sayso"
html_show_sphinx = False
