"""Encrypts the cells of rejected rows with the register's key, until they are deleted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from registration.cipher import Cipher
from registration.imports.csv_reader import Row


class CellEncryption:
    """Encrypts the cells of a row. They can only be decrypted as those of the same row of the same import."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def seal(self, import_id: str, rows: Sequence[Row]) -> list[bytes]:
        """Encrypt the cells of rows. A row that cannot be read has its line as its only cell."""
        return [
            self._cipher.seal(msgspec.json.encode(_cells(row)).decode(), _row_data(import_id, row.number))
            for row in rows
        ]

    def open(self, import_id: str, number: int, sealed: bytes) -> list[str]:
        """Decrypt the cells of a row. Raises WrongKeyError."""
        text = self._cipher.open(sealed, _row_data(import_id, number))
        return msgspec.json.decode(text, type=list[str])


def _cells(row: Row) -> list[str]:
    """Return the cells. Bytes that are no text become replacement characters, which validation rejects."""
    cells = row.cells if row.cells is not None else [row.text or ""]
    return [cell.encode(errors="surrogateescape").decode(errors="replace") for cell in cells]


def _row_data(import_id: str, number: int) -> bytes:
    return f"import row\0{import_id}\0{number}".encode()
