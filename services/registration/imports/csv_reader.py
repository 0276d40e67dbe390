"""Reads the heading and the rows of a delimited text file, and groups the rows into chunks.

The encoding and the separator are detected. Blank lines, lines with a title and a line `sep=;` may precede
the line that names the columns. A row is one line of the file: no column may contain a line break, so a
quotation mark that is not closed damages only its own line. Rows are numbered by lines, as an editor does.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from registration.imports.column_validation import COLUMNS, REQUIRED
from registration.imports.file_encoding import detect_encoding
from registration.imports.file_faults import FileFault, UnusableFileError
from registration.imports.heading_names import column_of

LINE_CHARACTERS_MAX: Final = 65_536
LINES_BEFORE_HEADER_MAX: Final = 20
SEPARATORS: Final = ",;\t|"
SEPARATOR_MARK: Final = "sep="
UNKNOWN_NAMED_MAX: Final = 10

Cells = list[str] | None
"""The cells of a row; None if the row cannot be parsed. A blank row has no cells."""


class Header(NamedTuple):
    """The names of the columns in the order of the file, and the separator.

    `line` is the number of the line that names the columns, and `blank_lines` of the lines before it are
    blank.
    """

    columns: tuple[str, ...]
    separator: str
    line: int = 1
    blank_lines: int = 0


class Row(NamedTuple):
    """A line of the file after the header, with its number. The first line of the file has number 1."""

    number: int
    cells: Cells


def open_csv(path: Path) -> TextIO:
    """Open a file with its detected encoding. Line breaks of any system are read as `\\n`.

    Invalid bytes become characters that row validation rejects.
    """
    encoding = detect_encoding(path)
    return path.open(encoding=encoding.codec, errors=encoding.errors)


def read_header(lines: TextIO) -> Header:
    """Read up to the line that names the columns, and validate it. Raises UnusableFileError."""
    candidates: list[tuple[int, str]] = []
    marked = None
    blank = 0
    for number, text in islice(_numbered(lines), LINES_BEFORE_HEADER_MAX):
        if text is None or not text.strip(f'{SEPARATORS}" \xa0'):
            blank += text is not None
            continue
        if text.casefold().startswith(SEPARATOR_MARK):
            marked = text[len(SEPARATOR_MARK) : len(SEPARATOR_MARK) + 1] or "\t"
            continue
        for separator in marked or SEPARATORS:
            columns = [column_of(heading) for heading in _headings(text, separator)]
            if set(REQUIRED) <= set(columns):
                return _validated(text, separator, number, blank)
        candidates.append((number, text))
    if not candidates:
        raise UnusableFileError(FileFault.EMPTY)
    _, text = max(candidates, key=lambda candidate: len(_known(candidate[1], marked)))
    missing = [name for name in REQUIRED if name not in _known(text, marked)]
    raise UnusableFileError(FileFault.COLUMN_MISSING, missing)


def _known(text: str, marked: str | None) -> set[str]:
    """Return the columns that a line names, read with the separator with which it names most."""
    return max(
        (
            {column for heading in _headings(text, separator) if (column := column_of(heading))}
            for separator in marked or SEPARATORS
        ),
        key=len,
    )


def _headings(text: str, separator: str) -> list[str]:
    """Return the headings of a line, without the blank ones at its end."""
    headings = [heading.strip() for heading in split(text, separator) or ()]
    while headings and not headings[-1]:
        headings.pop()
    return headings


def _validated(text: str, separator: str, line: int, blank_lines: int) -> Header:
    headings = _headings(text, separator)
    names = [column_of(heading) for heading in headings]
    unknown = [heading for heading, name in zip(headings, names, strict=True) if name is None]
    if unknown:
        raise UnusableFileError(FileFault.COLUMN_UNKNOWN, unknown[:UNKNOWN_NAMED_MAX])
    columns = tuple(name for name in names if name is not None)
    assert set(columns) <= COLUMNS, "every heading means a column"
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UnusableFileError(FileFault.COLUMN_TWICE, twice)
    return Header(columns, separator, line, blank_lines)


def rows(lines: TextIO, header: Header) -> Iterator[Row]:
    """Iterate over the lines after the header."""
    width = len(header.columns)
    for number, text in _numbered(lines, header.line):
        yield Row(number, None if text is None else _cells(text, header.separator, width))


def _numbered(lines: TextIO, before: int = 0) -> Iterator[tuple[int, str | None]]:
    """Iterate over the numbered lines, without their line breaks. A line that is too long is None."""
    number = before
    while text := lines.readline(LINE_CHARACTERS_MAX):
        number += 1
        if text[-1] == "\n":
            yield number, text[:-1]
        elif len(text) < LINE_CHARACTERS_MAX:
            yield number, text  # the last line
        else:
            while text and text[-1] != "\n":
                text = lines.readline(LINE_CHARACTERS_MAX)
            yield number, None


def split(text: str, separator: str) -> Cells:
    """Split a line into its cells. Return None if a quotation mark is not closed or text follows it."""
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error:
        return None


def _cells(text: str, separator: str, width: int) -> Cells:
    cells = split(text, separator)
    if cells is None:
        return None
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        del cells[width:]
    return cells if any(cell.strip() for cell in cells) else []


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
