"""Reads a CSV file: its header, its rows with their numbers, and chunks of rows.

The header names the columns in any order and case. The separator is a comma or a semicolon, the encoding
UTF-8, with or without a byte order mark. Rows are numbered as in a spreadsheet: the header is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

REQUIRED: Final = ("name", "nik", "region", "consent")
OPTIONAL: Final = (
    "phone",
    "business_name",
    "business_category",
    "agency",
    "campaign",
    "booth",
    "occurred_at",
    "steps",
)
COLUMNS: Final = REQUIRED + OPTIONAL
# An unclosed quote takes in the following rows up to this length; then all of that is one unreadable row.
CELL_CHARACTERS_MAX: Final = 8_192
HEADER_CHARACTERS_MAX: Final = 4_096

Cells = list[str] | None
"""The cells of one row; None if the row cannot be parsed."""


class FileFault(StrEnum):
    """Why a file is refused as a whole."""

    EMPTY = "file_empty"
    NOT_UTF8 = "file_not_utf8"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_MISSING = "column_missing"


class UnusableFileError(Exception):
    """The file is refused as a whole. `column` is the column at fault, None unless its name is known."""

    def __init__(self, fault: FileFault, column: str | None = None) -> None:
        super().__init__(fault.value if column is None else f"{fault.value}: {column}")
        self.fault = fault
        self.column = column


class Header(NamedTuple):
    """The names of the columns in file order, and the separator."""

    columns: tuple[str, ...]
    separator: str


class Row(NamedTuple):
    """One row of the file. Row 1 is the header."""

    number: int
    cells: Cells


def open_csv(path: Path) -> TextIO:
    """Open a file for reading. Invalid UTF-8 becomes lone surrogates, which row validation rejects."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def read_header(lines: TextIO) -> Header:
    """Read and validate the header. Raises UnusableFileError."""
    line = lines.readline(HEADER_CHARACTERS_MAX)
    if not line.strip():
        raise UnusableFileError(FileFault.EMPTY)
    if not line.isprintable() and any("\udc80" <= character <= "\udcff" for character in line):
        raise UnusableFileError(FileFault.NOT_UTF8)
    separator = ";" if line.count(";") > line.count(",") else ","
    names = tuple(name.strip().lower() for name in next(csv.reader([line], delimiter=separator)))
    for name in names:
        if name not in COLUMNS:
            raise UnusableFileError(FileFault.COLUMN_UNKNOWN)
        if names.count(name) > 1:
            raise UnusableFileError(FileFault.COLUMN_TWICE, name)
    for name in REQUIRED:
        if name not in names:
            raise UnusableFileError(FileFault.COLUMN_MISSING, name)
    return Header(names, separator)


def rows(lines: Iterable[str], separator: str) -> Iterator[Row]:
    """Iterate over the rows after the header. Empty rows are skipped, but count in the numbering."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader = csv.reader(lines, delimiter=separator)
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(number, None)
            continue
        if any(cells):
            yield Row(number, cells)


def chunks(all_rows: Iterable[Row], after: int, rows_max: int) -> Iterator[list[Row]]:
    """Iterate over chunks of at most `rows_max` rows, beginning after row number `after`."""
    remaining = iter(all_rows)
    first = next((row for row in remaining if row.number > after), None)
    if first is None:
        return
    chunk = [first, *islice(remaining, rows_max - 1)]
    while chunk:
        yield chunk
        chunk = list(islice(remaining, rows_max))
