"""The reference: entries from docstrings and from the program itself, and how they find each other."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import commands
import fields
from docutils import nodes
from pydantic import BaseModel
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole
from sphinx.util.inspect import stringify_signature
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

#: What every pydantic model has, and nobody calls.
_OF_PYDANTIC = {*dir(BaseModel), "model_post_init"}


class Known(SphinxRole):
    """Single backticks: a link where the reference has an entry of that name, else the words as code."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make a reference that may find nothing."""
        code = nodes.literal(self.text, self.text, classes=["py"])
        node = addnodes.pending_xref(self.rawtext, code, refdomain="py", reftype="obj", reftarget=self.text, may=True)
        for name in ("py:module", "py:class"):
            node[name] = self.env.ref_context.get(name)
        node["refdoc"] = self.env.docname
        return [node], []


def find(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, code: nodes.TextElement
) -> nodes.Element | None:
    """Find the one entry whose name ends in what is named: ``Verdict`` is `sayso.stats.verdict.Verdict`."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains.python_domain
    target = node["reftarget"].removesuffix("()")
    own = node.get("py:class")
    for ending in ([f"{own}.{target}"] if own else []) + _endings(target):
        found = [name for name in domain.objects if f".{name}".endswith(f".{ending}")]
        if len(found) == 1:
            entry = domain.objects[found[0]]
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, code, found[0])
    return code if node.get("may") else None


def _endings(target: str) -> list[str]:
    """A dotted name, and for a class's whole path its last parts: `sayso.core.training.TrainSpec` is `TrainSpec`."""
    last = target.rsplit(".", 1)[-1]
    return [target, last] if target.startswith("sayso.") and last[:1].isupper() else [target]


def skip(app: Sphinx, what: str, name: str, member: Any, skipped: bool, options: Any) -> bool | None:  # noqa: ARG001
    """Leave out what pydantic gives every class, and functions that are only the defaults of fields."""
    default = inspect.isfunction(member) and "." not in member.__qualname__ and what == "class"
    return True if name in _OF_PYDANTIC or default else None


def as_written(
    app: Sphinx,  # noqa: ARG001
    what: str,
    name: str,  # noqa: ARG001
    shown: Any,
    options: Any,  # noqa: ARG001
    arguments: str,  # noqa: ARG001
    returned: str,  # noqa: ARG001
) -> tuple[str, str | None] | None:
    """Signatures with types as the source has them; none of a class whose fields are entries of their own."""
    if what == "class" and isinstance(shown, type) and fields.fields_of(shown):
        return "", None
    if what not in ("function", "method"):
        return None
    written = inspect.signature(shown)
    parameters = list(written.parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    result = None if written.return_annotation is inspect.Signature.empty else str(written.return_annotation)
    return stringify_signature(written.replace(parameters=parameters), show_return_annotation=False), result


def whole_sentence(app: Sphinx, what: str, name: str, shown: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Keep napoleon from taking what stands before the first colon of an attribute for its type."""
    if what in ("attribute", "property", "data") and lines:
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_role("known", Known())
    app.connect("autodoc-process-docstring", fields.show, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", whole_sentence, priority=400)
    app.connect("autodoc-process-signature", as_written)
    app.connect("autodoc-skip-member", skip)
    app.connect("source-read", commands.append)
    app.connect("env-get-outdated", commands.again)
    app.connect("missing-reference", find)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
