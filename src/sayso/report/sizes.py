"""Figures at the widths that papers are set in, to be printed as they are: text of 7 and 8 points, thinner lines.

    icml-column       3.25 in   one of the two columns of ICML (icml2024.sty: columns of 3.25 in, 0.25 in apart)
    icml-page         6.75 in   both of them
    neurips-page      5.5 in    the text of NeurIPS (neurips_2024.sty: a text block of 5.5 in by 9 in)
    iclr-page         5.5 in    the text of ICLR (iclr2024_conference.sty: as NeurIPS)

Legends go below, panels into rows. One unit of a specification is one point here.
"""

from __future__ import annotations

import copy
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import vl_convert

from sayso.core.errors import SaysoError, nearest
from sayso.core.files import write_bytes
from sayso.report.figure import Figure, svg_text
from sayso.report.vega import Spec

Format = Literal["svg", "pdf", "png"]

FORMATS: tuple[Format, ...] = get_args(Format)

POINTS_PER_INCH = 72
_DOTS_PER_INCH = 300

#: Sizes of text in points: numbers and names, titles of axes and panels.
SMALL, LARGE = 7, 8
#: Width of a letter of these as a share of its size, on the average; wide enough for capitals now and then.
_LETTER = 0.56
_THINNER, _SMALLER = 0.55, 0.3
_TRIES = 8
#: Most points that may be left white at the right.
_WHITE = 2.5


@dataclass(frozen=True)
class Size:
    """A width on paper, and how many panels stand side by side in it."""

    name: str
    inches: float
    abreast: int

    @property
    def points(self) -> float:
        """The width in points."""
        return self.inches * POINTS_PER_INCH


SIZES = {
    size.name: size
    for size in (
        Size("icml-column", 3.25, 2),
        Size("icml-page", 6.75, 4),
        Size("neurips-page", 5.5, 3),
        Size("iclr-page", 5.5, 3),
    )
}


def size_of(name: str) -> Size:
    """The size of a name.

    Raises
    ------
    SaysoError
        If there is none of that name.
    """
    if name not in SIZES:
        raise SaysoError(f"no size '{name}'{nearest(name, SIZES)}; there are {', '.join(SIZES)}")
    return SIZES[name]


def format_of(name: str) -> Format:
    """The format of a name.

    Raises
    ------
    SaysoError
        If there is none of that name.
    """
    for form in FORMATS:
        if form == name:
            return form
    raise SaysoError(f"no format '{name}'{nearest(name, FORMATS)}; there are {', '.join(FORMATS)}")


def sized(figure: Figure, size: Size, form: Format) -> bytes:
    """A figure as the content of a file: PDF and SVG exactly as wide as a size says, PNG with 300 dots per inch."""
    text, height = _fitted(figure, size)
    if form == "svg":
        return _measured_in(text, f"{size.inches:g}in", f"{height / POINTS_PER_INCH:.4f}in").encode()
    made: bytes
    if form == "pdf":
        made = vl_convert.svg_to_pdf(text)
    else:
        dots = round(size.inches * _DOTS_PER_INCH) + 0.01  # what is a hair below a whole number is cut off
        made = vl_convert.svg_to_png(text, scale=dots / size.points)
    return made


def save_sized(figures: Sequence[Figure], size: Size, form: Format, folder: Path) -> list[Path]:
    """Write each figure as NAME.pdf, NAME.svg or NAME.png, and return their paths.

    Raises
    ------
    SaysoError
        If there is no such form, or the folder cannot be written.
    """
    kind = format_of(form)
    written = [folder / f"{figure.name}.{kind}" for figure in figures]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure, path in zip(figures, written, strict=True):
            write_bytes(path, sized(figure, size, kind))
    except OSError as error:
        raise SaysoError(f"{folder}: cannot write figures here: {error.strerror}") from error
    return written


def _fitted(figure: Figure, size: Size) -> tuple[str, float]:
    """A figure as SVG as wide as a size says, in points, and its height: panels take what axes and legend leave."""
    spec = printed(figure.spec, size)
    best, before = "", math.inf
    for _ in range(_TRIES):
        text = svg_text(spec, figure.name)
        width, height = _extent(text)
        spare = size.points - width
        if spare >= 0 and (not best or width > _extent(best)[0]):
            best = text
        if 0 <= spare < _WHITE:
            break
        if spare < -_WHITE and width == before and spec["config"]["legend"]["columns"] > 1:
            spec["config"]["legend"]["columns"] -= 1  # narrower panels did not help: the legend is too wide
        else:
            _widen(spec, (spare - 1) / spec["columns"])
        before = width
    text = best or text
    width, height = _extent(text)
    # What is a fraction of a point too narrow is left white.
    wide = max(size.points, width)
    text = re.sub(r'viewBox="[^"]+"', f'viewBox="0 0 {wide:g} {height:g}"', text, count=1)
    text = re.sub(r'<rect width="[^"]+"', f'<rect width="{wide:g}"', text, count=1)  # the white behind all of it
    return _measured_in(text, f"{size.points:g}", f"{height:g}"), height


def _measured_in(svg: str, width: str, height: str) -> str:
    return re.sub(r'width="[^"]+" height="[^"]+" viewBox', f'width="{width}" height="{height}" viewBox', svg, count=1)


def printed(spec: Spec, size: Size) -> Spec:
    """A specification for print: panels in rows, the legend below, nothing that waits for a pointer."""
    made: Spec = {key: value for key, value in spec.items() if key not in ("params", "hconcat")}
    panels: list[Spec] = copy.deepcopy(spec["hconcat"] if "hconcat" in spec else spec["concat"])
    abreast = min(size.abreast, len(panels))
    if any(_is_map(panel) for panel in panels):  # whose rows mean something
        abreast = min(abreast, spec.get("columns", len(panels)), max(1, int(size.points // 190)))
    made |= {"concat": panels, "columns": abreast, "spacing": 8}
    made["config"] = _config(made["config"], panels, size)
    room = size.points / abreast - 30
    widest = max(panel["width"] for panel in panels)
    for panel in panels:
        tall = panel["height"] * 0.5 if _has_rows_of_names(panel) else max(80, min(110, 0.7 * room))
        panel["layer"] = [_in_print(layer, room, tall) for layer in panel["layer"] if layer["mark"].get("opacity") != 0]
        panel["title"] = {"text": _wrapped(panel["title"]["text"], room + 24, LARGE), "offset": 12}
        panel["width"], panel["height"] = round(room * panel["width"] / widest, 2), round(tall, 2)
        panel.pop("name", None)
    return made


def _config(config: Spec, panels: list[Spec], size: Size) -> Spec:
    legend = {
        "orient": "bottom",
        "direction": "horizontal",
        "columns": _legend_columns(_lines(panels), size.points - 26),
        "labelFontSize": SMALL,
        "titleFontSize": SMALL,
        "symbolType": "stroke" if any(_is_stroke(panel) for panel in panels) else "square",
        "symbolOpacity": 1,
        "symbolSize": 110,
        "symbolStrokeWidth": 1.3,
        "rowPadding": 1,
        "columnPadding": 5,
        "gradientLength": 100,
        "gradientThickness": 7,
        "offset": 4,
    }
    axis = {"labelFontSize": SMALL, "titleFontSize": SMALL, "tickSize": 3, "labelPadding": 2, "titlePadding": 3}
    return {
        **config,
        "padding": 1,
        "axis": {**config["axis"], **axis, "gridWidth": 0.5, "domainWidth": 0.6, "tickWidth": 0.6},
        "legend": {**config["legend"], **legend},
        "title": {**config["title"], "fontSize": LARGE},
    }


def _legend_columns(names: list[str], room: float) -> int:
    """Most columns of a legend that fit beside each other."""
    wide = [_SYMBOL + len(name) * SMALL * 0.5 for name in names]
    for columns in range(len(wide), 1, -1):
        if sum(max(wide[column::columns]) for column in range(columns)) <= room:
            return columns
    return 1


#: Width of a legend's symbol with the room around it.
_SYMBOL = 19


def _lines(panels: list[Spec]) -> list[str]:
    """What a legend names."""
    channels = [layer.get("encoding", {}).get("color", {}) for panel in panels for layer in panel["layer"]]
    found = [name for channel in channels for name in channel.get("scale", {}).get("domain", ())]
    return [name for name in dict.fromkeys(found) if isinstance(name, str)]


def _is_stroke(panel: Spec) -> bool:
    return not any(layer["mark"]["type"] == "bar" for layer in panel["layer"])


def _is_map(panel: Spec) -> bool:
    return any(layer["mark"]["type"] == "rect" and "x" in layer["encoding"] for layer in panel["layer"])


def _has_rows_of_names(panel: Spec) -> bool:
    return any(layer.get("encoding", {}).get("y", {}).get("type") == "nominal" for layer in panel["layer"])


def _in_print(layer: Spec, room: float, tall: float) -> Spec:
    """A layer with thinner lines and smaller text, and without what depends on a pointer."""
    mark = dict(layer["mark"])
    for key, by in (("strokeWidth", _THINNER), ("size", _SMALLER)):
        if key in mark:
            mark[key] = round(mark[key] * by, 2)
    if "strokeDash" in mark:
        mark["strokeDash"] = [round(part * _THINNER, 2) for part in mark["strokeDash"]]
    if "fontSize" in mark:
        mark["fontSize"] = SMALL
    encoding = {key: dict(value) for key, value in layer.get("encoding", {}).items() if key != "tooltip"}
    if "param" in (shown := encoding.get("opacity", {}).get("condition", {})):
        encoding["opacity"] = {key: value for key, value in shown.items() if key != "param"}
    if "legend" in (colour := encoding.get("color", {})) and colour["legend"]:
        del colour["legend"]
    if "range" in (scale := encoding.get("strokeDash", {}).get("scale", {})):
        range_ = [[round(part * _THINNER, 2) for part in dash] for dash in scale["range"]]
        encoding["strokeDash"]["scale"] = {**scale, "range": range_}
    for channel, along in (("x", room), ("y", tall)):
        if isinstance(title := encoding.get(channel, {}).get("title"), str):
            encoding[channel]["title"] = _wrapped(title, along, SMALL)
        axis = encoding.get(channel, {}).get("axis")
        if isinstance(axis, dict):
            limit = {"labelLimit": round(room * 0.6)} if "labelLimit" in axis else {}
            count = {"tickCount": 4} if "tickCount" in axis else {}
            encoding[channel]["axis"] = {**axis, **limit, **count}
        if encoding.get(channel, {}).get("value") == -8:
            encoding[channel]["value"] = -5
    return {**layer, "mark": mark, **({"encoding": encoding} if encoding else {})}


def _wrapped(text: str, room: float, size: float) -> str | list[str]:
    """Text in lines that fit."""
    lines = textwrap.wrap(text, max(8, int(room / (size * _LETTER)))) or [""]
    return lines[0] if len(lines) == 1 else lines


def _columns(spec: Spec) -> int:
    return int(spec["columns"])


def _widen(spec: Spec, by: float) -> None:
    for panel in spec["concat"]:
        panel["width"] = round(max(20.0, panel["width"] + by), 2)


def _extent(svg: str) -> tuple[float, float]:
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert found is not None
    return float(found[1]), float(found[2])
