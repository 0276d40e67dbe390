"""Reads the heading and the rows of a delimited text file, and groups the rows into chunks.

The encoding and the separator are detected. Blank lines, lines with a title and a line `sep=;` may precede
the line that names the columns. A row is one line of the file: no column may contain a line break, so a
quotation mark that is not closed damages only its own line. Rows are numbered by lines, as an editor does.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import dropwhile, islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from registration.imports.column_validation import COLUMNS, REQUIRED
from registration.imports.file_encoding import detect_encoding
from registration.imports.file_faults import FileFault, UnusableFileError
from registration.imports.heading_names import columns_of

LINE_CHARACTERS_MAX: Final = 65_536
CHUNK_CHARACTERS_MAX: Final = 2_000_000
LINES_BEFORE_HEADER_MAX: Final = 20
SEPARATORS: Final = ",;\t|"
SEPARATOR_MARK: Final = "sep="
UNKNOWN_NAMED_MAX: Final = 10

Cells = list[str] | None
"""The cells of a row; None if the row cannot be parsed. A blank row has no cells."""


class Header(NamedTuple):
    """The names of the columns in the order of the file, and the separator.

    A column that is not imported is IGNORED or UNNAMED. `line` is the number of the line that names the
    columns, and `blank_lines` of the lines before it are blank. `headings` are the columns' names as written.
    """

    columns: tuple[str, ...]
    separator: str
    line: int = 1
    blank_lines: int = 0
    headings: tuple[str, ...] = ()


class Row(NamedTuple):
    """A line of the file after the header, with its number. The first line of the file has number 1.

    `text` is the line itself if it cannot be parsed, unless it is too long.
    """

    number: int
    cells: Cells
    text: str | None = None


def open_csv(path: Path) -> TextIO:
    """Open a file with its detected encoding. Line breaks of any system are read as `\\n`.

    Invalid bytes become characters that row validation rejects.
    """
    encoding = detect_encoding(path)
    return path.open(encoding=encoding.codec, errors=encoding.errors)


def read_header(lines: TextIO, ignored: Collection[str] = ()) -> Header:
    """Read up to the line that names the columns, and validate it. Raises UnusableFileError.

    The columns with the headings in `ignored` are not imported.
    """
    candidates: list[set[str]] = []
    marked = None
    blank = 0
    for number, text in islice(numbered_lines(lines), LINES_BEFORE_HEADER_MAX):
        if text is None or not text.strip(f'{SEPARATORS}" \xa0'):
            blank += text is not None
            continue
        if text.casefold().startswith(SEPARATOR_MARK):
            marked = text[len(SEPARATOR_MARK) : len(SEPARATOR_MARK) + 1] or "\t"
            continue
        for separator in marked or SEPARATORS:
            headings = _headings(text, separator)
            columns = columns_of(headings, ignored)
            if set(REQUIRED) <= set(columns):
                return Header(_validated(headings, columns), separator, number, blank, tuple(headings))
            candidates.append({column for column in columns if column in COLUMNS})
    if not candidates:
        raise UnusableFileError(FileFault.EMPTY)
    known = max(candidates, key=len)
    raise UnusableFileError(FileFault.COLUMN_MISSING, [name for name in REQUIRED if name not in known])


def skip_header(lines: TextIO, header: Header) -> None:
    """Read up to the line that names the columns, if it is known already."""
    for _ in islice(numbered_lines(lines), header.line):
        pass


def _headings(text: str, separator: str) -> list[str]:
    """Return the headings of a line, without the blank ones at its end."""
    headings = [heading.strip() for heading in split(text, separator) or ()]
    while headings and not headings[-1]:
        headings.pop()
    return headings


def _validated(headings: Sequence[str], columns: Sequence[str | None]) -> tuple[str, ...]:
    """Return the columns. Raises UnusableFileError if one is unknown or occurs twice."""
    unknown = [heading for heading, column in zip(headings, columns, strict=True) if column is None]
    if unknown:
        raise UnusableFileError(FileFault.COLUMN_UNKNOWN, unknown[:UNKNOWN_NAMED_MAX])
    known = tuple(column for column in columns if column is not None)
    twice = sorted({column for column in known if column in COLUMNS and known.count(column) > 1})
    if twice:
        raise UnusableFileError(FileFault.COLUMN_TWICE, twice)
    return known


def rows(lines: TextIO, header: Header) -> Iterator[Row]:
    """Iterate over the lines after the header."""
    width = len(header.columns)
    for number, text in numbered_lines(lines, header.line):
        cells = None if text is None else _cells(text, header.separator, width)
        yield Row(number, cells) if cells is not None else Row(number, None, text)


def numbered_lines(lines: TextIO, before: int = 0) -> Iterator[tuple[int, str | None]]:
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
    """Iterate over chunks of rows. The first chunk begins after row number `after`.

    A chunk has at most `rows_max` rows, and ends with the row with which it exceeds CHUNK_CHARACTERS_MAX.
    """
    chunk: list[Row] = []
    characters = 0
    for row in dropwhile(lambda row: row.number <= after, all_rows):
        chunk.append(row)
        characters += sum(map(len, row.cells)) if row.cells is not None else len(row.text or "")
        if len(chunk) >= rows_max or characters > CHUNK_CHARACTERS_MAX:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
