"""Finds in a sheet of an .ods file what calamine does not report: errors, merged cells, hidden rows."""

from __future__ import annotations

import zipfile
from typing import Final
from xml.parsers import expat

from registration.imports.spreadsheets.cell_placeholders import MERGED, NO_VALUE
from registration.imports.spreadsheets.sheet_findings import SheetFindings

BLOCK_BYTES: Final = 1 << 20
REPEATED_EMPTY_MAX: Final = 1_000
HIDDEN: Final = ("collapse", "filter")


def find_in_sheet(archive: zipfile.ZipFile, sheet: str) -> SheetFindings:
    """Read the XML of all sheets once. Raises UnusableFileError if the sheet has too many such cells."""
    reader = _Reader(sheet)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    with archive.open("content.xml") as member:
        while block := member.read(BLOCK_BYTES):
            parser.Parse(block, False)
    parser.Parse(b"", True)
    return reader.findings


class _Reader:
    """Follows rows and cells. LibreOffice writes a cell or row that occurs several times only once."""

    def __init__(self, sheet: str) -> None:
        self.findings = SheetFindings()
        self._sheet = sheet
        self._is_in_sheet = False
        self._row = self._column = 0
        self._row_count = self._cell_count = 1
        self._error: list[str] | None = None
        self._is_row_empty = True
        self._is_row_hidden = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "table":
            self._is_in_sheet = attributes.get("table:name") == self._sheet
        elif not self._is_in_sheet:
            return
        elif kind == "table-row":
            self._start_row(attributes)
        elif kind in ("table-cell", "covered-table-cell"):
            self._start_cell(kind, attributes)
        elif kind == "table-column" and attributes.get("table:visibility") in HIDDEN:
            self.findings.hidden_columns += int(attributes.get("table:number-columns-repeated", 1))

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._column = 0
        self._is_row_empty = True
        self._row_count = int(attributes.get("table:number-rows-repeated", 1))
        self._is_row_hidden = attributes.get("table:visibility") in HIDDEN

    def _start_cell(self, kind: str, attributes: dict[str, str]) -> None:
        self._cell_count = int(attributes.get("table:number-columns-repeated", 1))
        has_value = "office:value-type" in attributes
        self._is_row_empty = self._is_row_empty and not has_value
        if kind == "covered-table-cell":
            self.findings.merged = True
            self._mark(MERGED)
        elif attributes.get("calcext:value-type") == "error":
            self._error = []
        elif "table:formula" in attributes and not has_value:
            self._mark(NO_VALUE)

    def text(self, text: str) -> None:
        if self._error is not None:
            self._error.append(text)

    def end(self, name: str) -> None:
        if not self._is_in_sheet:
            return
        kind = name.rpartition(":")[2]
        if kind in ("table-cell", "covered-table-cell"):
            if self._error is not None:
                self._mark("".join(self._error) or NO_VALUE)
                self._error = None
            self._column += self._cell_count
        elif kind == "table-row":
            self._row += self._row_count
            if not self._is_row_empty:
                self.findings.count_rows(self._row_count)
                self.findings.hidden_rows += self._row_count * self._is_row_hidden

    def _mark(self, text: str) -> None:
        for row in range(self._row, self._row + min(self._row_count, REPEATED_EMPTY_MAX)):
            for column in range(self._column, self._column + min(self._cell_count, REPEATED_EMPTY_MAX)):
                self.findings.add(row, column, text)
