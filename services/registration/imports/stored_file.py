"""Stores the file of an import in the register until the import ends, so that any process can continue it.

The file is stored in parts, each compressed and encrypted with the register's key. It is stored in the
transaction that begins the import, and deleted in the transaction that ends it.
"""

from __future__ import annotations

import asyncio
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

import asyncpg

from registration.cipher import Cipher
from registration.imports.store import WAITING
from registration.store.register_rows import QUERIES, Connection

PART_BYTES: Final = 1 << 20
COMPRESSION_LEVEL: Final = 1
STORING_S_MAX: Final = 300
"""A large file on a busy server takes longer than the role may keep a transaction open."""


class StoredFiles:
    """Writes and reads the files of imports, one part in memory at a time."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        # A thread of its own: a transaction must not wait for the inspection of other files.
        self._thread = ThreadPoolExecutor(1, "stored-files")

    async def store_if_missing(self, connection: Connection, import_id: str, path: Path) -> None:
        """Store an import's file, unless the import does not wait for a file, or has it already.

        Call it in a transaction. It locks the import.
        """
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] not in WAITING:
            return
        if await QUERIES.import_has_file(connection, id=import_id):
            return
        await QUERIES.import_lengthen_transaction(connection, seconds=STORING_S_MAX)
        in_executor = asyncio.get_running_loop().run_in_executor
        with path.open("rb") as file:
            for number in count(1):
                sealed = await in_executor(self._thread, self._sealed_part, file, import_id, number)
                if sealed is None:
                    return
                await QUERIES.import_store_part(connection, id=import_id, number=number, sealed=sealed)

    async def copy_to(self, path: Path, pool: asyncpg.Pool[Any], import_id: str) -> bool:
        """Write an import's file to `path`. Return False if it is not stored, because the import has ended.

        No transaction lasts as long as the copy, because its time is limited. All parts are deleted at once,
        so the copy is whole if there are parts after it. Raises WrongKeyError.
        """
        in_executor = asyncio.get_running_loop().run_in_executor
        number = 0
        with path.open("wb") as file:
            while sealed := await QUERIES.import_part(pool, id=import_id, number=number + 1):
                number += 1
                await in_executor(self._thread, self._write_part, file, sealed, import_id, number)
        return bool(await QUERIES.import_has_file(pool, id=import_id))

    def _sealed_part(self, file: BinaryIO, import_id: str, number: int) -> bytes | None:
        """Return the next part of the file; None at its end."""
        data = file.read(PART_BYTES)
        if not data:
            return None
        return self._cipher.seal_bytes(zlib.compress(data, COMPRESSION_LEVEL), _part_data(import_id, number))

    def _write_part(self, file: BinaryIO, sealed: bytes, import_id: str, number: int) -> None:
        file.write(zlib.decompress(self._cipher.open_bytes(sealed, _part_data(import_id, number))))


def _part_data(import_id: str, number: int) -> bytes:
    """Return the associated data of a part: it can only be read at its place in its own file."""
    return f"import part\0{import_id}\0{number}".encode()
