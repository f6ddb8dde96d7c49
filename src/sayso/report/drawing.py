"""A chart's SVG as it stands in a page: one picture to a screen reader, small, with values for the page's script.

The renderer describes each mark by itself, in hundreds of labels that nobody can listen to, and draws frames that are
empty. Here a label becomes the text under the pointer (``data-t``), the place of the subset that a mark belongs to
(``data-s``, by which the page picks it out) and the seed that it is (``data-seed``); all else of it goes. What a screen
reader reads is the chart's table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from markupsafe import Markup

from sayso.report.roles import SUFFIX

_SVG = "{http://www.w3.org/2000/svg}"
_CLIP = f"{_SVG}clipPath"
_SAID = ("role", "class", "aria-label", "aria-roledescription", "aria-hidden", "pointer-events")
_IDLE = {"opacity": "1", "transform": "translate(0,0)", "stroke-dasharray": "1,0"}
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")
_FRAME = re.compile(r"M0,0h[\d.]+v[\d.]+h-?[\d.]+Z")
_LINE = re.compile("(^|; )line: ")  # which charts call a subset, with its answers as defined apart
_SEED = re.compile(r"(?:^|; )seed: (\d+)(?:;|$)")
#: What the epoch is called that is counted within its stage, where an axis counts over all of them.
IN_STAGE = "epoch of the stage"
_POINTED_AT = ("point", "rect mark", "circle", "bar")


def in_page(svg: str, title: str, prefix: str, subsets: Sequence[str] = (), *, values: bool = True) -> Markup:
    """Return an SVG to stand inside a page.

    Parameters
    ----------
    title
        What a screen reader says of it.
    prefix
        Starts all ids in it: no two charts of a page may have the same one.
    subsets
        Names of what a reader may pick out: a mark of the n-th has ``data-s="n"``.
    values
        Whether marks keep the values that the pointer shows.
    """
    ElementTree.register_namespace("", _SVG.strip("{}"))
    root = ElementTree.fromstring(svg)  # noqa: S314 (our own renderer's)
    fonts = {text.get("font-family") for text in root.iter(f"{_SVG}text")}
    _tidy(root, prefix, subsets if values else (), values=values)
    if len(fonts) == 1 and None not in fonts:
        for text in root.iter(f"{_SVG}text"):
            del text.attrib["font-family"]
        root.set("font-family", str(fonts.pop()))
    root.set("role", "img")
    root.set("aria-label", title)
    root.attrib.pop("version", None)
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 (escaped by the line itself)


def _tidy(element: ElementTree.Element, prefix: str, subsets: Sequence[str], *, values: bool) -> None:
    """Take from an element, and from all in it, what a page has no use for."""
    for child in list(element):
        _tidy(child, prefix, subsets, values=values)
        if element.tag != _CLIP and (_draws_nothing(child) or (not values and child.get("opacity") == "0")):
            element.remove(child)
    label, kind = element.get("aria-label"), element.get("aria-roledescription")
    for name in _SAID:
        element.attrib.pop(name, None)
    for name, value in list(element.attrib.items()):
        if _IDLE.get(name) == value:
            del element.attrib[name]
        elif name == "id":
            element.set(name, f"{prefix}-{value}")
        elif value.startswith("url(#"):
            element.set(name, f"url(#{prefix}-{value[5:]}")
        elif name in ("d", "transform", "x2", "y2"):
            element.set(name, _LONG_NUMBER.sub(r"\1", value))
    if label is not None and values:
        label = _LINE.sub(r"\1subset: ", label)
        place = _place(label, subsets)
        if place is not None:
            element.set("data-s", str(place))
        if kind in _POINTED_AT:
            element.set("data-t", _shorter(label))
            if found := _SEED.search(label):
                element.set("data-seed", found[1])


def _draws_nothing(element: ElementTree.Element) -> bool:
    """Whether it is an empty group, or a frame without lines and colour."""
    if element.tag == f"{_SVG}g":
        return len(element) == 0
    if element.tag != f"{_SVG}path" or any(name in element.attrib for name in ("fill", "stroke", "data-t")):
        return False
    path = element.get("d", "")
    return not path or _FRAME.fullmatch(path) is not None


def _place(label: str, subsets: Sequence[str]) -> int | None:
    """Which subset a label is about: the longest name that fits, for a name may hold another."""
    label = f"; {label.replace(SUFFIX, '')};"
    fitting = [place for place, name in enumerate(subsets) if f"; subset: {name};" in label]
    return max(fitting, key=lambda place: len(subsets[place]), default=None)


def _shorter(label: str) -> str:
    """A label without what it says twice: first by the titles of axes, then by the names of fields."""
    parts = label.split("; ")
    fields = [part.partition(": ")[0] for part in parts]
    start = next((place for place, name in enumerate(fields) if name in ("subset", "seed", "cell")), 0)
    if len(parts) <= 2 * start:
        return label
    counted = [part for part in parts[:start] if part.startswith("epoch: ")]
    if IN_STAGE in fields:
        counted = [part.replace("epoch", "epoch of all stages", 1) for part in counted]
    return "; ".join([*parts[start:], *counted])
