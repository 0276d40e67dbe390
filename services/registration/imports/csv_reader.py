"""Reads the header and the numbered rows of a CSV file, and groups the rows into chunks.

The header names the columns in any order, in upper or lower case. The separator is a comma or a semicolon.
The encoding is UTF-8, with or without a byte order mark. Rows are numbered as in a spreadsheet, where the
header is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from registration.imports.column_validation import COLUMNS, REQUIRED

# If a cell's quotation mark is not closed, the rows that follow are read as part of the cell until it exceeds
# this length. Everything read for the cell then counts as one unreadable row.
CELL_CHARACTERS_MAX: Final = 8_192
HEADER_CHARACTERS_MAX: Final = 4_096

Cells = list[str] | None
"""The cells of a row; None if the row cannot be parsed."""


class FileFault(StrEnum):
    """Why a whole file is refused, so that none of its rows is imported."""

    EMPTY = "file_empty"
    NOT_UTF8 = "file_not_utf8"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_MISSING = "column_missing"


class UnusableFileError(Exception):
    """The whole file is refused. `column` is the column at fault; None if no known column is at fault."""

    def __init__(self, fault: FileFault, column: str | None = None) -> None:
        super().__init__(fault.value if column is None else f"{fault.value}: {column}")
        self.fault = fault
        self.column = column


class Header(NamedTuple):
    """The names of the columns in the order of the file, and the separator."""

    columns: tuple[str, ...]
    separator: str


class Row(NamedTuple):
    """A row of the file with its number. Row 1 is the header."""

    number: int
    cells: Cells


def open_csv(path: Path) -> TextIO:
    """Open a file for reading. Invalid UTF-8 is decoded as lone surrogates, which row validation rejects."""
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
    """Iterate over the rows after the header. An empty row is skipped, but also uses up a row number."""
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
    """Iterate over chunks of at most `rows_max` rows. The first chunk begins after row number `after`."""
    remaining = iter(all_rows)
    first = next((row for row in remaining if row.number > after), None)
    if first is None:
        return
    chunk = [first, *islice(remaining, rows_max - 1)]
    while chunk:
        yield chunk
        chunk = list(islice(remaining, rows_max))
