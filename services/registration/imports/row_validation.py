"""Rows as registrations to be, or what is wrong with them: the rules of the API, word for word.

Nothing is told of a rejected row but its number, columns and reasons: never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from registration.cipher import Cipher
from registration.domain.decide import RegisterCommand
from registration.imports.column_validation import Faults, ImportedRegistration, validate_columns
from registration.imports.csv_reader import Header, Row
from registration.regions import Regions
from registration.requests.command_mapping import register_command
from registration.requests.request_models import Vocabulary

CHANNEL: Final = "import"
WHOLE_ROW: Final = "row"


class RowFault(StrEnum):
    """Why a row is rejected before any rule of the API is asked, or beside them."""

    UNREADABLE = "row_unreadable"
    CELLS = "cell_count"
    NOT_UTF8 = "not_utf8"
    DUPLICATE = "duplicate_in_file"
    UNSTORABLE = "unstorable"


class RejectedCell(msgspec.Struct, frozen=True, array_like=True):
    """One thing wrong with one row: its column (`row` where it is the whole) and a stable code."""

    row: int
    field: str
    reason: str


class AcceptedRow(msgspec.Struct, frozen=True, array_like=True):
    """A registration, and the row it stands in."""

    row: int
    command: RegisterCommand

    @property
    def nik_hmac(self) -> bytes:
        """The fingerprint of its NIK."""
        fingerprint = self.command.person.nik_hmac
        assert fingerprint is not None, "nobody is imported without a NIK"
        return fingerprint


class ValidatedChunk(msgspec.Struct, frozen=True):
    """A chunk: what can be registered, no NIK twice, and what is wrong with the rest; both in row order."""

    last_row: int
    placed: list[AcceptedRow]
    rejected: list[RejectedCell]


class Scopes(msgspec.Struct, frozen=True):
    """The campaigns and agencies that rows may name."""

    campaigns: frozenset[str]
    agencies: frozenset[str]


class Source(msgspec.Struct, frozen=True):
    """Where a chunk comes from, and what its rows may name at that time."""

    import_id: str
    header: Header
    scopes: Scopes
    now: datetime


class RowValidator:
    """Checks chunks with the register's keys and lists."""

    def __init__(
        self, cipher: Cipher, regions: Regions, consents: frozenset[str], new_id: Callable[[], UUID]
    ) -> None:
        self._cipher = cipher
        self._regions = regions
        self._consents = consents
        self._new_id = new_id

    def check(self, rows: Sequence[Row], source: Source) -> ValidatedChunk:
        """Check the rows of a chunk; a NIK that stands in it twice counts for its first valid row."""
        names = source.header.columns
        rejected = [fault for row in rows for fault in _unreadable(row, names)]
        spoilt = {fault.row for fault in rejected}
        readable = [row for row in rows if row.number not in spoilt]
        checked = validate_columns(names, [row.cells or () for row in readable], self._vocabulary(source))
        placed: dict[bytes, AcceptedRow] = {}
        for row, form in zip(readable, checked, strict=True):
            if isinstance(form, Faults):
                rejected += [
                    RejectedCell(row.number, name, reason) for name, reason in form.by_column.items()
                ]
                continue
            one = AcceptedRow(row.number, self._command(form, source.import_id))
            if one.nik_hmac in placed:
                rejected.append(RejectedCell(row.number, "nik", RowFault.DUPLICATE))
            else:
                placed[one.nik_hmac] = one
        return ValidatedChunk(
            rows[-1].number, list(placed.values()), sorted(rejected, key=lambda one: one.row)
        )

    def _vocabulary(self, source: Source) -> Vocabulary:
        scopes = source.scopes
        return Vocabulary(self._regions, self._consents, scopes.campaigns, scopes.agencies, source.now)

    def _command(self, form: ImportedRegistration, import_id: str) -> RegisterCommand:
        return register_command(
            form, self._cipher, CHANNEL, self._new_id, steps=form.steps, import_id=import_id
        )


def _unreadable(row: Row, names: Sequence[str]) -> list[RejectedCell]:
    """Why a row has no cells to check; empty where it has."""
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
        if not _is_text(cell)
    ]


def _is_text(cell: str) -> bool:
    """Whether a text was UTF-8 in the file: bytes that were not stand in it as lone surrogates."""
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
