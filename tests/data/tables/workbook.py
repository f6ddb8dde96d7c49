"""Excel files written by hand: texts, numbers, days as numbers with a style; gaps are left out."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_EPOCH = datetime.datetime(1899, 12, 30)


def write_workbook(file: Path, sheets: Mapping[str, Sequence[Sequence[object]]], first_row: int = 1) -> None:
    """Write sheets, from a row on; None is a cell that is not there."""
    write_parts(file, {name: sheet_xml(rows, first_row) for name, rows in sheets.items()})


def write_parts(file: Path, sheets: Mapping[str, str]) -> None:
    """Write sheets that are XML already."""
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" {_type("worksheet")}/>' for number in numbers
    )
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>' for number, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" {_type("sheet.main")}/>'
        f'<Override PartName="/xl/styles.xml" {_type("styles")}/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="rId99" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet {_MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
        "</styleSheet>",
        **{f"xl/worksheets/sheet{number}.xml": xml for number, xml in zip(numbers, sheets.values(), strict=True)},
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{xml}')


def sheet_xml(rows: Sequence[Sequence[object]], first_row: int = 1) -> str:
    """A sheet; empty rows are not there."""
    lines = []
    for number, row in enumerate(rows, start=first_row):
        cells = "".join(_cell(f"{_letters(place)}{number}", value) for place, value in enumerate(row, start=1))
        lines += [f'<row r="{number}">{cells}</row>'] if cells else []
    return f"<worksheet {_MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"


def _cell(where: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{where}"><v>{value!r}</v></c>'
    if isinstance(value, datetime.datetime):
        return f'<c r="{where}" s="1"><v>{(value - _EPOCH).total_seconds() / 86400!r}</v></c>'
    return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def _letters(place: int) -> str:
    text = ""
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _type(what: str) -> str:
    return f'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.{what}+xml"'
