"""Why a whole file is refused or held. This module imports nothing, so that a small process can use it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class FileFault(StrEnum):
    """Why a whole file is refused, so that none of its rows is imported."""

    EMPTY = "file_empty"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_MISSING = "column_missing"


class HoldReason(StrEnum):
    """Why a file must be confirmed: a spreadsheet program has probably changed its numbers."""

    LAST_DIGITS_LOST = "nik_last_digits_lost"
    SCIENTIFIC_NOTATION = "scientific_notation"


class UnusableFileError(Exception):
    """The whole file is refused. `columns` are the columns or headings at fault."""

    def __init__(self, fault: FileFault, columns: Sequence[str] = ()) -> None:
        super().__init__(fault, columns)
        self.fault = fault
        self.columns = tuple(columns)

    def __str__(self) -> str:
        return f"{self.fault.value}: {', '.join(self.columns)}" if self.columns else self.fault.value
