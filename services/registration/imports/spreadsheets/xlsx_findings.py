"""Finds in a sheet of an .xlsx file what calamine does not report: errors, missing values, hidden rows.

calamine gives an empty text for a cell with an error or with a formula that was not computed. Cells are found
by patterns in blocks of whole rows, and only in blocks that have such cells, because parsing every cell would
take longer than reading the sheet.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from posixpath import join, normpath
from typing import IO, Final
from xml.etree import ElementTree

from registration.imports.file_faults import FileFault, UnusableFileError
from registration.imports.spreadsheets.cell_placeholders import NO_VALUE
from registration.imports.spreadsheets.file_examination import read_member
from registration.imports.spreadsheets.sheet_findings import SheetFindings

BLOCK_BYTES: Final = 1 << 20
ROW_BYTES_MAX: Final = 16 << 20
ROW: Final = re.compile(rb"<(?:\w+:)?row[ >/]")
ROW_END: Final = re.compile(rb"</(?:\w+:)?row>")
HIDDEN_ROW: Final = re.compile(rb"""<(?:\w+:)?row\s[^>]*\bhidden=["'](?:1|true)["']""")
HIDDEN_COLUMN: Final = re.compile(rb"""<(?:\w+:)?col\s[^>]*\bhidden=["'](?:1|true)["']""")
CELL: Final = re.compile(rb"<(?:\w+:)?c\s([^>]*[^/>])>(.*?)</(?:\w+:)?c>", re.DOTALL)
REFERENCE: Final = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
TYPE: Final = re.compile(rb"""\bt=["'](\w+)["']""")
FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ />]")
VALUE: Final = re.compile(rb"<(?:\w+:)?v>([^<]+)<")


def find_in_sheet(archive: zipfile.ZipFile, sheet: str) -> SheetFindings:
    """Read the XML of a sheet once. Raises UnusableFileError if it has too many rows or such cells."""
    findings = SheetFindings()
    with archive.open(_member_of(archive, sheet)) as member:
        for block in _blocks_of_rows(member):
            findings.count_rows(len(ROW.findall(block)))
            if b"hidden=" in block:
                findings.hidden_rows += len(HIDDEN_ROW.findall(block))
                findings.hidden_columns += len(HIDDEN_COLUMN.findall(block))
            if b't="e"' in block or b"t='e'" in block or FORMULA.search(block) is not None:
                _find_cells(block, findings)
    return findings


def _blocks_of_rows(member: IO[bytes]) -> Iterator[bytes]:
    """Iterate over the XML in blocks that end with a row. Raises UnusableFileError if a row is too long."""
    rest = b""
    while read := member.read(BLOCK_BYTES):
        rest += read
        end = max((match.end() for match in ROW_END.finditer(rest)), default=0)
        if end:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > ROW_BYTES_MAX:
            raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
    yield rest


def _find_cells(block: bytes, findings: SheetFindings) -> None:
    for attributes, content in CELL.findall(block):
        kind = TYPE.search(attributes)
        is_error = kind is not None and kind[1] == b"e"
        if not is_error and FORMULA.search(content) is None:
            continue
        value = VALUE.search(content)
        # A formula whose result is the empty text has the type "str" and an empty value.
        if is_error or (value is None and (kind is None or kind[1] != b"str")):
            text = value[1].decode(errors="replace") if value is not None else NO_VALUE
            findings.add(*_position(attributes), text)


def _position(attributes: bytes) -> tuple[int, int]:
    """Return the row and column of a cell, from 0."""
    found = REFERENCE.search(attributes)
    if found is None:
        raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE)
    column = 0
    for letter in found[1]:
        column = 26 * column + letter - ord("A") + 1
    return int(found[2]) - 1, column - 1


def _member_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the archive's member that holds a sheet."""
    book = ElementTree.fromstring(read_member(archive, "xl/workbook.xml"))  # noqa: S314 - expat bounds entities
    relation = next(
        (
            value
            for element in book.iter()
            if _local(element.tag) == "sheet" and element.get("name") == sheet
            for name, value in element.items()
            if _local(name) == "id"
        ),
        None,
    )
    relations = ElementTree.fromstring(read_member(archive, "xl/_rels/workbook.xml.rels"))  # noqa: S314 - as above
    for element in relations.iter():
        if element.get("Id") == relation and relation is not None:
            target = element.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
    raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE)


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
