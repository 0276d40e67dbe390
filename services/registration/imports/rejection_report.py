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

from registration.imports.column_validation import AMBIGUOUS
from registration.imports.heading_names import REPORT_HEADINGS, columns_of
from registration.imports.reason_messages import reason_message
from registration.imports.store import RejectedRow, ReportFormat
from registration.regions import RegionFault, Regions
from registration.requests.field_error_messages import BilingualText

BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells Excel that the report is UTF-8."""
FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r")
HARMLESS: Final = re.compile(r"\+[0-9][0-9 .()-]*|[-\u2013\u2014]+")
"""A phone number in international notation, and dashes that mean an empty cell."""
TEXT_MARK: Final = "'"

UNCLEAR_REGION: Final = {AMBIGUOUS, RegionFault.UNKNOWN.value}
CANDIDATES: Final = BilingualText("Mungkin: {}.", "Perhaps: {}.")

OpenCells = Callable[[int, bytes], list[str]]
"""Decrypts the cells of a row, given its number."""


async def rejection_report(
    rejected: AsyncIterator[RejectedRow], form: ReportFormat, open_cells: OpenCells | None, regions: Regions
) -> AsyncIterator[str]:
    """Yield the lines of the report. If `open_cells` is None, the report has no cells of the file."""
    skipped = len(REPORT_HEADINGS) if tuple(form.headings[: len(REPORT_HEADINGS)]) == REPORT_HEADINGS else 0
    headings = form.headings[skipped:]
    columns = columns_of(headings, form.ignored)
    by_column = {column: heading for heading, column in zip(headings, columns, strict=True) if column}
    shown = headings if open_cells is not None else []
    yield BYTE_ORDER_MARK + _line(form.separator, [*REPORT_HEADINGS, *shown])
    async for row in rejected:
        own_cells = []
        if open_cells is not None and row.cells is not None:
            own_cells = open_cells(row.number, row.cells)[skipped:]
        sentences = [reason_message(reason) for _, reason in row.faults]
        if UNCLEAR_REGION & {reason for _, reason in row.faults}:
            sentences += _candidates(dict(zip(columns, own_cells, strict=False)).get("region", ""), regions)
        yield _line(
            form.separator,
            [
                str(row.number),
                ", ".join(by_column.get(column, column) for column, _ in row.faults),
                ", ".join(reason for _, reason in row.faults),
                " ".join(dict.fromkeys(sentence.id for sentence in sentences)),
                " ".join(dict.fromkeys(sentence.en for sentence in sentences)),
                *map(defused, own_cells),
            ],
        )


def _candidates(cell: str, regions: Regions) -> list[BilingualText]:
    """Return a sentence with the kelurahan that a cell may mean; nothing if there are none or too many."""
    labels = "; ".join(f"{regions.label(code)} ({code})" for code in regions.candidates(cell))
    return [BilingualText(*(sentence.format(labels) for sentence in CANDIDATES))] if labels else []


def defused(cell: str) -> str:
    """Mark a cell as text if a spreadsheet program would compute it. An import removes the mark."""
    if cell.startswith(FORMULA_START) and not HARMLESS.fullmatch(cell):
        return TEXT_MARK + cell
    return cell


def _line(separator: str, cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=separator).writerow(cells)
    return line.getvalue()
