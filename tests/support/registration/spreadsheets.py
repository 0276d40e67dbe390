"""Writes small .xlsx files part by part, so that tests can make what no spreadsheet program writes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
DATE_STYLE: Final = 1


def text_cell(reference: str, text: str) -> str:
    """Return the XML of a cell with a text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def sheet_xml(rows: Sequence[Sequence[str]], *, before: str = "", after: str = "") -> str:
    """Return the XML of a sheet. A cell is a text, or the XML of a cell that begins with `<`."""
    lines = []
    for row_number, row in enumerate(rows, 1):
        cells = [
            cell if cell.startswith("<") else text_cell(f"{chr(65 + column)}{row_number}", cell)
            for column, cell in enumerate(row)
            if cell
        ]
        lines.append(f'<row r="{row_number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{"".join(lines)}</sheetData>{after}</worksheet>'


def write_workbook(path: Path, sheets: Mapping[str, str], hidden: Sequence[str] = ()) -> Path:
    """Write a workbook with these sheets, given as XML by their names."""
    content = '<Default Extension="xml" ContentType="application/xml"/>'
    entries, relations = [], []
    for number, name in enumerate(sheets, 1):
        state = ' state="hidden"' if name in hidden else ""
        entries.append(f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="rId{number}"/>')
        relations.append(
            f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" '
            f'Target="worksheets/sheet{number}.xml"/>'
        )
    relations.append(f'<Relationship Id="rId0" Type="{RELATIONS}/styles" Target="styles.xml"/>')
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{content}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f"<sheets>{''.join(entries)}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f"{''.join(relations)}</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for number, text in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", text)
    return path
