"""How a file becomes numbered rows: its separator, its columns, its end.

The first row names the columns, in any order, whatever their case; commas or semicolons separate them; the
encoding is UTF-8, with or without byte order mark. Rows are numbered as a spreadsheet does: the header is 1.
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
# A quote left open swallows rows until here, then is refused as one unreadable row.
CELL_CHARACTERS_MAX: Final = 8_192
HEADER_CHARACTERS_MAX: Final = 4_096

Cells = list[str] | None
"""The cells of one row; None where it could not be told apart."""


class FileFault(StrEnum):
    """Why a file is refused as a whole."""

    EMPTY = "file_empty"
    NOT_UTF8 = "file_not_utf8"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    COLUMN_MISSING = "column_missing"


class UnusableFileError(Exception):
    """The file is refused as a whole; `column` is one of ours, or None."""

    def __init__(self, fault: FileFault, column: str | None = None) -> None:
        super().__init__(fault.value if column is None else f"{fault.value}: {column}")
        self.fault = fault
        self.column = column


class Header(NamedTuple):
    """The columns in their order, and what separates them."""

    columns: tuple[str, ...]
    separator: str


class Row(NamedTuple):
    """One row as it stands in the file, numbered from 1, which is the header."""

    number: int
    cells: Cells


def open_table(path: Path) -> TextIO:
    """Open a file for reading; bytes that are no UTF-8 come as lone surrogates, for the rows to refuse."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def read_header(lines: TextIO) -> Header:
    """Read the first row. Raises UnusableFileError."""
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
    """The rows after the header; those with nothing in them are numbered and left out."""
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
    """The rows numbered above `after`, at most so many at a time."""
    left = iter(all_rows)
    first = next((row for row in left if row.number > after), None)
    if first is None:
        return
    chunk = [first, *islice(left, rows_max - 1)]
    while chunk:
        yield chunk
        chunk = list(islice(left, rows_max))
