"""Writes the report of rejected rows in the form of the file, so that it can be corrected and imported.

Each row has its line number, the columns at fault, the reasons and their sentences, and then the cells of the
file if the reader may see them and they are not deleted. Otherwise the report contains no value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from registration.imports.heading_names import REPORT_HEADINGS, columns_of
from registration.imports.reason_messages import reason_message
from registration.imports.store import RejectedRow, ReportFormat

BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells Excel that the report is UTF-8."""
FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r")
HARMLESS: Final = re.compile(r"\+[0-9][0-9 .()-]*|[-\u2013\u2014]+")
"""A phone number in international notation, and dashes that mean an empty cell."""
TEXT_MARK: Final = "'"

OpenCells = Callable[[int, bytes], list[str]]
"""Decrypts the cells of a row, given its number."""


async def rejection_report(
    rejected: AsyncIterator[RejectedRow], form: ReportFormat, open_cells: OpenCells | None
) -> AsyncIterator[str]:
    """Yield the lines of the report. If `open_cells` is None, the report has no cells of the file."""
    skipped = len(REPORT_HEADINGS) if tuple(form.headings[: len(REPORT_HEADINGS)]) == REPORT_HEADINGS else 0
    headings = form.headings[skipped:]
    by_column = {
        column: heading
        for heading, column in zip(headings, columns_of(headings, form.ignored), strict=True)
        if column
    }
    shown = headings if open_cells is not None else []
    yield BYTE_ORDER_MARK + _line(form.separator, [*REPORT_HEADINGS, *shown])
    async for row in rejected:
        sentences = [reason_message(reason) for _, reason in row.faults]
        cells = [
            str(row.number),
            ", ".join(by_column.get(column, column) for column, _ in row.faults),
            ", ".join(reason for _, reason in row.faults),
            " ".join(dict.fromkeys(sentence.id for sentence in sentences)),
            " ".join(dict.fromkeys(sentence.en for sentence in sentences)),
        ]
        if open_cells is not None and row.cells is not None:
            cells += [defused(cell) for cell in open_cells(row.number, row.cells)[skipped:]]
        yield _line(form.separator, cells)


def defused(cell: str) -> str:
    """Mark a cell as text if a spreadsheet program would compute it. An import removes the mark."""
    if cell.startswith(FORMULA_START) and not HARMLESS.fullmatch(cell):
        return TEXT_MARK + cell
    return cell


def _line(separator: str, cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=separator).writerow(cells)
    return line.getvalue()
