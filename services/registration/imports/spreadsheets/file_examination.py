"""Looks into a spreadsheet's file before it is read: its format, its size when unpacked, its encryption."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path
from typing import Final

from registration.imports.file_faults import FileFault, UnusableFileError

ZIP_MAGIC: Final = b"PK\x03\x04"
OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
"""The name of the stream in which an .xlsx with a password lies."""
UNPACKED_BYTES_MAX: Final = 768 << 20
MEMBERS_MAX: Final = 10_000
MANIFEST_BYTES_MAX: Final = 4 << 20
OLE_BYTES_MAX: Final = 128 << 20
ENCRYPTED_FLAG: Final = 1


class Format(StrEnum):
    """The format of a spreadsheet, by the ending that its files usually have."""

    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"


def is_spreadsheet(path: Path) -> bool:
    """Return whether a file is an archive or container of the kind that spreadsheets are."""
    with path.open("rb") as file:
        start = file.read(len(OLE_MAGIC))
    return start.startswith((ZIP_MAGIC, OLE_MAGIC))


def examine(path: Path) -> Format:
    """Return the format. Raises UnusableFileError if the file is encrypted, too large or no spreadsheet."""
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
            return _examine_container(path)
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if len(members) > MEMBERS_MAX:
            raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
        if any(member.flag_bits & ENCRYPTED_FLAG for member in members.values()):
            raise UnusableFileError(FileFault.SPREADSHEET_ENCRYPTED)
        if sum(member.file_size for member in members.values()) > UNPACKED_BYTES_MAX:
            raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
        if "xl/workbook.xml" in members:
            return Format.XLSX
        if "content.xml" not in members:
            raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE)
        manifest = (
            read_member(archive, "META-INF/manifest.xml") if "META-INF/manifest.xml" in members else b""
        )
    if b"encryption-data" in manifest:
        raise UnusableFileError(FileFault.SPREADSHEET_ENCRYPTED)
    return Format.ODS


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the content of a small member. Raises UnusableFileError if it is large."""
    if archive.getinfo(name).file_size > MANIFEST_BYTES_MAX:
        raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
    return archive.read(name)


def _examine_container(path: Path) -> Format:
    if path.stat().st_size > OLE_BYTES_MAX:
        raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
    if ENCRYPTED_PACKAGE in path.read_bytes():
        raise UnusableFileError(FileFault.SPREADSHEET_ENCRYPTED)
    return Format.XLS
