"""Validates the rows of a chunk by the rules of the API, and converts valid rows to commands.

A rejected row is returned as its number, the columns at fault and the reasons, without a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from registration.cipher import Cipher
from registration.domain.commands import RegisterCommand
from registration.imports.column_validation import COLUMNS, InvalidRow, validate_columns
from registration.imports.csv_reader import Header, Row
from registration.imports.heading_names import UNNAMED
from registration.regions import Regions
from registration.requests.command_mapping import register_command
from registration.requests.request_models import Vocabulary

CHANNEL: Final = "import"
WHOLE_ROW: Final = "row"


class CountsAs(StrEnum):
    """How an import counts the participants that it registers."""

    STOCK = "stock"
    """As the baseline: they count in the totals, but not as growth."""
    LIVE = "live"
    """Like registrations at a booth."""


class RowFault(StrEnum):
    """Why a row is not imported, by a rule that only imports have."""

    UNREADABLE = "row_unreadable"
    CELLS = "cell_count"
    NO_HEADING = "cell_without_heading"
    NOT_UTF8 = "not_utf8"
    DUPLICATE = "duplicate_in_file"
    UNSTORABLE = "unstorable"
    DIFFERS = "differs"


class RejectedCell(msgspec.Struct, frozen=True, array_like=True):
    """A fault of a row. `field` is the column at fault; WHOLE_ROW if the fault concerns no single column.

    `reason` is a code that later versions do not change.
    """

    row: int
    field: str
    reason: str


class AcceptedRow(msgspec.Struct, frozen=True, array_like=True):
    """A valid row: its number and its command."""

    row: int
    command: RegisterCommand

    @property
    def nik_hmac(self) -> bytes:
        """The fingerprint of the row's NIK."""
        fingerprint = self.command.person.nik_hmac
        assert fingerprint is not None, "a valid row has a NIK"
        return fingerprint


class ValidatedChunk(msgspec.Struct, frozen=True):
    """A chunk after validation: its accepted rows and the faults of its rejected rows, both in row order.

    `blank` is the number of its blank rows, which are neither accepted nor rejected.

    No two accepted rows have the same NIK.
    """

    last_row: int
    accepted: list[AcceptedRow]
    rejected: list[RejectedCell]
    blank: int = 0


class OpenScopes(msgspec.Struct, frozen=True):
    """The ids of open campaigns and agencies, which are the only ones that a row may name."""

    campaigns: frozenset[str]
    agencies: frozenset[str]


class ChunkContext(msgspec.Struct, frozen=True):
    """What the validation of a chunk needs besides its rows. `now` is compared with each `occurred_at`."""

    import_id: str
    header: Header
    scopes: OpenScopes
    now: datetime
    counts_as: CountsAs = CountsAs.STOCK


class RowValidator:
    """Validates chunks with the register's encryption keys, regions and consents."""

    def __init__(
        self, cipher: Cipher, regions: Regions, consents: frozenset[str], new_id: Callable[[], UUID]
    ) -> None:
        self._cipher = cipher
        self._regions = regions
        self._consents = consents
        self._new_id = new_id

    def validate(self, rows: Sequence[Row], context: ChunkContext) -> ValidatedChunk:
        """Validate the rows of a chunk. Of the valid rows with the same NIK, only the first is accepted."""
        names = context.header.columns
        last_row, count = rows[-1].number, len(rows)
        rows = [row for row in rows if row.cells != []]
        rejected = [fault for row in rows for fault in _unreadable(row, names)]
        if UNNAMED in names:
            rejected += [fault for row in rows for fault in _without_heading(row, names)]
        unreadable = {fault.row for fault in rejected}
        readable = [row for row in rows if row.number not in unreadable]
        results = validate_columns(names, [row.cells or () for row in readable], self._vocabulary(context))
        accepted: dict[bytes, AcceptedRow] = {}
        for row, result in zip(readable, results, strict=True):
            if isinstance(result, InvalidRow):
                rejected += [
                    RejectedCell(row.number, name, reason) for name, reason in result.by_column.items()
                ]
                continue
            accepted_row = AcceptedRow(row.number, self._command(result, context))
            if accepted_row.nik_hmac in accepted:
                rejected.append(RejectedCell(row.number, "nik", RowFault.DUPLICATE))
            else:
                accepted[accepted_row.nik_hmac] = accepted_row
        return ValidatedChunk(
            last_row,
            list(accepted.values()),
            sorted(rejected, key=lambda cell: cell.row),
            count - len(rows),
        )

    def _vocabulary(self, context: ChunkContext) -> Vocabulary:
        scopes = context.scopes
        return Vocabulary(self._regions, self._consents, scopes.campaigns, scopes.agencies, context.now)

    def _command(self, registration: Any, context: ChunkContext) -> RegisterCommand:
        return register_command(
            registration,
            self._cipher,
            CHANNEL,
            self._new_id,
            steps=registration.steps,
            import_id=context.import_id,
            stock=context.counts_as is CountsAs.STOCK,
        )


def _unreadable(row: Row, names: Sequence[str]) -> list[RejectedCell]:
    """Return the faults because of which a row's cells cannot be validated; empty if they can be."""
    cells = row.cells
    if cells is None:
        return [RejectedCell(row.number, WHOLE_ROW, RowFault.UNREADABLE)]
    if len(cells) != len(names):
        return [RejectedCell(row.number, WHOLE_ROW, RowFault.CELLS)]
    if _is_text("".join(cells)):
        return []
    return [
        RejectedCell(row.number, name, RowFault.NOT_UTF8)
        for name, cell in zip(names, cells, strict=True)
        if name in COLUMNS and not _is_text(cell)
    ]


def _without_heading(row: Row, names: Sequence[str]) -> list[RejectedCell]:
    """Return a fault if a row has a value in a column without a heading; else nobody would see its loss."""
    if not row.cells or len(row.cells) != len(names):
        return []
    if any(cell.strip() for name, cell in zip(names, row.cells, strict=True) if name == UNNAMED):
        return [RejectedCell(row.number, WHOLE_ROW, RowFault.NO_HEADING)]
    return []


def _is_text(cell: str) -> bool:
    """Return whether a cell was valid UTF-8 in the file. Invalid bytes were decoded as lone surrogates."""
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
