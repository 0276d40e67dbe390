"""Says before an import what it would do: what was detected, the first rows masked, and how many rows count.

A preview writes nothing and locks nothing, so what it says may change before the import.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from lifecycle.stop_signal import StopSignal
from registration.domain import nik
from registration.imports.column_validation import COLUMNS
from registration.imports.csv_reader import Header, Row, open_csv, rows, skip_header
from registration.imports.file_inspection import Inspection
from registration.imports.file_messages import NoteView, hold_message, note_views
from registration.imports.importer import Importer
from registration.imports.overlap import Overlap, compare_with_register
from registration.imports.reason_messages import reason_message
from registration.imports.row_validation import RejectedCell, RowFault
from registration.imports.spreadsheets.conversion_process import FileText

FIRST_ROWS: Final = 5
REASONS_MAX: Final = 100
SHOWN: Final = frozenset(
    {"region", "consent", "business_category", "agency", "campaign", "booth", "occurred_at", "steps"}
)
"""The columns without personal data."""
LONG_NUMBER: Final = re.compile(r"[0-9]{11,}")
"""A number that is no region code: a NIK or phone number in a wrong column."""
NUMBER_SHOWN: Final = 4


class PreviewedColumn(msgspec.Struct, frozen=True):
    """A heading of the file, and the column that it means; None if the column is not imported."""

    heading: str
    column: str | None


class ReasonCount(msgspec.Struct, frozen=True):
    """How many rows have a fault, with its sentence in Indonesian and English."""

    column: str
    reason: str
    rows: int
    id: str
    en: str


class Preview(msgspec.Struct, frozen=True):
    """What an import of a file would do. `hold` is the reason for which it would be held."""

    format: str
    sheet: str | None
    encoding: str
    separator: str
    columns: list[PreviewedColumn]
    notes: list[NoteView]
    hold: str | None
    explanation: dict[str, str] | None
    lines: int
    heading_lines: int
    blank: int
    accepted: int
    unchanged: int
    differing: int
    rejected: int
    reasons: list[ReasonCount]
    first_rows: list[list[str]]


async def preview_file(
    importer: Importer,
    text: FileText,
    inspection: Inspection,
    stopping: StopSignal,
    on_progress: Callable[[int, int], None] = lambda rows, bytes_read: None,
) -> Preview:
    """Validate every row, and compare it with the register. `on_progress` is called as by an import."""
    header = inspection.header
    counts = _Counts()
    with open_csv(text.path) as lines:
        skip_header(lines, header)
        async with aclosing(importer.packed_chunks("", lines, header, header.line, stopping)) as chunks:
            async for _, packed in chunks:
                validated = packed.unpacked()
                known = await importer.known(packed)
                overlap = compare_with_register(
                    validated.accepted, known, lambda participant: False, importer.differing_columns
                )
                counts.add(validated.rejected, packed.blank, overlap)
                on_progress(packed.rows, lines.buffer.tell())
    return Preview(
        format=text.format,
        sheet=text.sheet,
        encoding=inspection.encoding,
        separator=header.separator,
        columns=[
            PreviewedColumn(heading, column if column in COLUMNS else None)
            for heading, column in zip(header.headings, header.columns, strict=True)
        ],
        notes=note_views(text.notes),
        hold=inspection.hold,
        explanation=hold_message(inspection.hold)._asdict() if inspection.hold else None,
        lines=inspection.lines,
        heading_lines=header.line - header.blank_lines,
        blank=counts.blank + header.blank_lines,
        accepted=len(counts.accepted),
        unchanged=counts.unchanged,
        differing=counts.differing,
        rejected=counts.rejected,
        reasons=counts.by_reason(),
        first_rows=first_rows(text.path, header),
    )


class _Counts:
    """The counts of an import that is not made. `accepted` are the fingerprints of the accepted NIKs."""

    def __init__(self) -> None:
        self.accepted: set[bytes] = set()
        self.blank = self.unchanged = self.differing = self.rejected = 0
        self._reasons: Counter[tuple[str, str]] = Counter()

    def add(self, rejected: Sequence[RejectedCell], blank: int, overlap: Overlap) -> None:
        duplicates = 0
        for event in overlap.events:
            fingerprint = event.after.person.nik_hmac
            assert fingerprint is not None, "an imported person has a NIK"
            duplicates += fingerprint in self.accepted
            self.accepted.add(fingerprint)
        self._reasons["nik", RowFault.DUPLICATE] += duplicates
        cells = [*rejected, *overlap.rejected]
        for cell in [*cells, *overlap.differing]:
            self._reasons[cell.field, str(cell.reason)] += 1
        self.blank += blank
        self.unchanged += overlap.unchanged
        self.differing += len({cell.row for cell in overlap.differing})
        self.rejected += len({cell.row for cell in cells}) + duplicates

    def by_reason(self) -> list[ReasonCount]:
        """Return the reasons, the most frequent first."""
        return [
            ReasonCount(column, reason, count, *reason_message(reason))
            for (column, reason), count in self._reasons.most_common(REASONS_MAX)
            if count
        ]


def first_rows(path: Path, header: Header) -> list[list[str]]:
    """Return the first rows that are not blank, with personal data masked."""
    with open_csv(path) as lines:
        skip_header(lines, header)
        readable = (row for row in rows(lines, header) if row.cells)
        return [_masked_row(row, header) for row in islice(readable, FIRST_ROWS)]


def _masked_row(row: Row, header: Header) -> list[str]:
    cells = row.cells or []
    if len(cells) != len(header.columns):
        return [masked(cell) for cell in cells]
    return [
        cell if column in SHOWN and not LONG_NUMBER.search(cell) else masked(cell)
        for column, cell in zip(header.columns, cells, strict=True)
    ]


def masked(cell: str) -> str:
    """Keep the first character of each word, and the first four and last two of a number of 10 or more."""
    cell = cell.strip()
    number = nik.normalize(cell)
    if number.lstrip("+").isdigit() and len(number) >= 10:
        return f"{number[:NUMBER_SHOWN]}{'*' * (len(number) - NUMBER_SHOWN - 2)}{number[-2:]}"
    return " ".join(word[0] + "*" * (len(word) - 1) for word in cell.split())
