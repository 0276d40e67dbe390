"""Finds in a sheet of an .xls file what calamine does not report: errors, and hidden rows and columns.

Sources: [MS-CFB] for the container (header, FAT, DIFAT, directory entries, mini stream), and [MS-XLS] for the
records BoundSheet8, Row, ColInfo, BoolErr and Formula.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from registration.imports.file_faults import FileFault, UnusableFileError
from registration.imports.spreadsheets.sheet_findings import SheetFindings

HEADER_BYTES: Final = 512
ENTRY_BYTES: Final = 128
FAT_SECTORS_IN_HEADER: Final = 109
LAST_SECTOR: Final = 0xFFFFFFFA
"""Sector numbers above it have a meaning of their own, such as the end of a chain."""
STREAM_NAMES: Final = ("Workbook", "Book")
ROOT_ENTRY: Final = 5
BOUND_SHEET, ROW, COL_INFO, BOOL_ERR, FORMULA, END_OF_SHEET = 0x85, 0x208, 0x7D, 0x205, 0x06, 0x0A
HIDDEN_ROW, HIDDEN_COLUMN = 0x20, 0x01
ERROR_RESULT: Final = 2
ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


def find_in_sheet(content: bytes, sheet: int) -> SheetFindings:
    """Read the records of a sheet, given its number in the workbook. Raises UnusableFileError."""
    findings = SheetFindings()
    try:
        stream = _workbook_stream(content)
        offsets = [
            struct.unpack_from("<I", data)[0] for kind, data in _records(stream, 0) if kind == BOUND_SHEET
        ]
        for kind, data in _records(stream, offsets[sheet]):
            _read(kind, data, findings)
    except (struct.error, IndexError):
        raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE) from None
    return findings


def _read(kind: int, data: bytes, findings: SheetFindings) -> None:
    if kind == ROW:
        findings.hidden_rows += bool(data[12] & HIDDEN_ROW)
    elif kind == COL_INFO:
        first, last = struct.unpack_from("<HH", data)
        findings.hidden_columns += (last - first + 1) * bool(data[8] & HIDDEN_COLUMN)
    elif kind == BOOL_ERR and data[7]:
        row, column = struct.unpack_from("<HH", data)
        findings.add(row, column, ERRORS.get(data[6], ERRORS[0x0F]))
    elif kind == FORMULA and data[12:14] == b"\xff\xff" and data[6] == ERROR_RESULT:
        row, column = struct.unpack_from("<HH", data)
        findings.add(row, column, ERRORS.get(data[8], ERRORS[0x0F]))


def _records(stream: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Iterate over the kinds and contents of the records up to the end of the workbook or sheet."""
    while offset + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, offset)
        if kind == END_OF_SHEET:
            return
        yield kind, stream[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _workbook_stream(content: bytes) -> bytes:
    """Return the stream of the container that holds the workbook."""
    sector_shift, mini_shift = struct.unpack_from("<HH", content, 30)
    directory, mini_max, mini_fat = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
    size = 1 << sector_shift
    sectors = _Chains(content[HEADER_BYTES:], size, _fat(content, size))
    entries = sectors.read(directory)
    root = b""
    for at in range(0, len(entries) - ENTRY_BYTES + 1, ENTRY_BYTES):
        name_bytes, kind = struct.unpack_from("<HB", entries, at + 64)
        start, length = struct.unpack_from("<II", entries, at + 116)
        if kind == ROOT_ENTRY:
            root = sectors.read(start)
        if entries[at : at + max(name_bytes - 2, 0)].decode("utf-16-le", "replace") in STREAM_NAMES:
            if length >= mini_max:
                return sectors.read(start)[:length]
            return _Chains(root, 1 << mini_shift, _numbers(sectors.read(mini_fat))).read(start)[:length]
    raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE)


def _fat(content: bytes, size: int) -> list[int]:
    """Return, for each sector, the number of the next sector of its chain."""
    listed = _numbers(content[76 : 76 + 4 * FAT_SECTORS_IN_HEADER])
    (more,) = struct.unpack_from("<I", content, 68)
    seen: set[int] = set()
    while more <= LAST_SECTOR and more not in seen:
        seen.add(more)
        *numbers, following = _numbers(content[HEADER_BYTES + more * size :][:size])
        listed += numbers
        more = following
    return [
        following
        for number in listed
        if number <= LAST_SECTOR
        for following in _numbers(content[HEADER_BYTES + number * size :][:size])
    ]


def _numbers(data: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack("<I", data[: len(data) // 4 * 4])]


class _Chains:
    """Reads chains of sectors of one size."""

    def __init__(self, content: bytes, size: int, following: list[int]) -> None:
        self._content = content
        self._size = size
        self._following = following

    def read(self, sector: int) -> bytes:
        """Return the content of the chain that begins with a sector."""
        parts: list[bytes] = []
        while sector <= LAST_SECTOR and len(parts) <= len(self._following):
            parts.append(self._content[sector * self._size : (sector + 1) * self._size])
            sector = self._following[sector]
        return b"".join(parts)
