"""Converts a spreadsheet to delimited text: the program that `conversion_process.py` runs.

calamine holds a whole sheet in memory, so this program runs in a process that has loaded nothing else, and
that ends with the conversion. It prints a JSON object: `format`, `sheet` and `notes`, or `fault`. The text
has one line for each row of the sheet, so that line numbers are the spreadsheet's row numbers.
"""

from __future__ import annotations

import csv
import datetime
import json
import resource
import sys
import zipfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from registration.imports.file_faults import FileFault, FileNote, Note, UnusableFileError
from registration.imports.spreadsheets import ods_findings, xls_findings, xlsx_findings
from registration.imports.spreadsheets.cell_placeholders import MERGED
from registration.imports.spreadsheets.file_examination import Format, examine
from registration.imports.spreadsheets.sheet_findings import SheetFindings

MEMORY_BYTES_MAX: Final = 640 << 20
CPU_S_MAX: Final = 120
TARGET_BYTES_MAX: Final = 1 << 30
SEPARATOR: Final = ";"
WIB: Final = "+07:00"


def convert(source: Path, target: Path) -> dict[str, Any]:
    """Write the first visible sheet that has cells to `target`. Raises UnusableFileError."""
    kind = examine(source)
    with CalamineWorkbook.from_path(source) as workbook:
        sheet = _first_sheet(workbook)
        findings = _findings(source, kind, sheet, workbook.sheet_names.index(sheet.name))
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=SEPARATOR, lineterminator="\n")
            writer.writerows(_rows(sheet, findings.cells))
        others = [name for name in workbook.sheet_names if name != sheet.name]
    notes = [[note.value, list(about)] for note, about in _notes(others, findings)]
    return {"format": kind.value, "sheet": sheet.name, "notes": notes}


def _first_sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    for metadata in workbook.sheets_metadata:
        if metadata.visible == SheetVisibleEnum.Visible:
            sheet = workbook.get_sheet_by_name(metadata.name)
            if sheet.start is not None:
                return sheet
    raise UnusableFileError(FileFault.EMPTY)


def _findings(source: Path, kind: Format, sheet: CalamineSheet, number: int) -> SheetFindings:
    """Return what calamine does not report of a sheet, given its number in the workbook."""
    if kind is Format.XLS:
        findings = xls_findings.find_in_sheet(source.read_bytes(), number)
    else:
        find = xlsx_findings.find_in_sheet if kind is Format.XLSX else ods_findings.find_in_sheet
        with zipfile.ZipFile(source) as archive:
            findings = find(archive, sheet.name)
    for first, last in sheet.merged_cell_ranges or ():
        findings.merged = True
        for position in product(range(first[0], last[0] + 1), range(first[1], last[1] + 1)):
            if position != first:
                findings.add(*position, MERGED)
    return findings


def _notes(others: Sequence[str], findings: SheetFindings) -> Iterator[Note]:
    if others:
        yield FileNote.SHEET_NOT_READ, others
    if findings.hidden_rows:
        yield FileNote.HIDDEN_ROWS, [str(findings.hidden_rows)]
    if findings.hidden_columns:
        yield FileNote.HIDDEN_COLUMNS, [str(findings.hidden_columns)]
    if findings.merged:
        yield FileNote.MERGED_CELLS, []


def _rows(sheet: CalamineSheet, marked: dict[tuple[int, int], str]) -> Iterator[list[str]]:
    """Iterate over the rows as texts, with the marks of those cells that have no value of their own."""
    assert sheet.start is not None, "the sheet has cells"
    first_column = sheet.start[1]
    rows_marked = {row for row, _ in marked}
    for number, cells in enumerate(sheet.iter_rows()):
        texts = [cell if type(cell) is str and cell.isalnum() else text_of(cell) for cell in cells]
        if number in rows_marked and any(texts):
            texts = [
                text or marked.get((number, first_column + index), "") for index, text in enumerate(texts)
            ]
        yield texts


def text_of(cell: object) -> str:
    """Return a cell's value as it would be written in a text file. A date or time without offset is WIB."""
    match cell:
        case str():
            return " ".join(cell.splitlines()) if not cell.isprintable() else cell
        case bool():
            return str(cell).upper()
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime.datetime():
            rounded = cell + datetime.timedelta(milliseconds=500)
            return rounded.replace(microsecond=0).isoformat() + WIB
        case datetime.date():
            return f"{cell.isoformat()}T00:00:00{WIB}"
    return str(cell)


def _limit() -> None:
    """Let the system end this process if a file needs too much memory, time or space.

    A sheet with one cell in its last corner needs hundreds of gigabytes.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (TARGET_BYTES_MAX, TARGET_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(source: str, target: str) -> None:
    """Convert, and print the result."""
    _limit()
    try:
        result = convert(Path(source), Path(target))
    except UnusableFileError as error:
        result = {"fault": error.fault.value, "about": list(error.columns)}
    except PasswordError:
        result = {"fault": FileFault.SPREADSHEET_ENCRYPTED.value}
    except MemoryError:
        result = {"fault": FileFault.SPREADSHEET_TOO_LARGE.value}
    except (CalamineError, zipfile.BadZipFile, ExpatError, SyntaxError, KeyError, ValueError, OSError):
        result = {"fault": FileFault.SPREADSHEET_UNREADABLE.value}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
