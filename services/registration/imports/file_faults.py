"""Why a whole file is refused or held, and what else is to be known about it.

This module imports little, because the small process that converts spreadsheets uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class FileFault(StrEnum):
    """Why a whole file is refused, so that none of its rows is imported."""

    EMPTY = "file_empty"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_MISSING = "column_missing"
    SPREADSHEET_ENCRYPTED = "spreadsheet_encrypted"
    SPREADSHEET_TOO_LARGE = "spreadsheet_too_large"
    SPREADSHEET_UNREADABLE = "spreadsheet_unreadable"
    SPREADSHEET_FORMULAS = "spreadsheet_formulas"


class HoldReason(StrEnum):
    """Why a file must be confirmed: a spreadsheet program has probably changed its numbers."""

    LAST_DIGITS_LOST = "nik_last_digits_lost"
    SCIENTIFIC_NOTATION = "scientific_notation"


class FileNote(StrEnum):
    """What an officer should know about a file that is imported."""

    SHEET_NOT_READ = "sheet_not_read"
    HIDDEN_ROWS = "hidden_rows"
    HIDDEN_COLUMNS = "hidden_columns"
    MERGED_CELLS = "merged_cells"


Note = tuple[FileNote, Sequence[str]]
"""A note and what it is about: the names of sheets, or a number of rows or columns."""


class UnusableFileError(Exception):
    """The whole file is refused. `columns` are the columns or headings at fault."""

    def __init__(self, fault: FileFault, columns: Sequence[str] = ()) -> None:
        super().__init__(fault, columns)
        self.fault = fault
        self.columns = tuple(columns)

    def __str__(self) -> str:
        return f"{self.fault.value}: {', '.join(self.columns)}" if self.columns else self.fault.value
