"""Where an uploaded file waits on disk until it is imported, so that a restart loses none.

The files hold personal data in the clear: folder and files are for their owner alone, and each is deleted as
soon as its import is through. Several API processes need a folder each.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from registration.cipher import Cipher
from registration.imports.csv_reader import open_table, read_header

WHOLE: Final = ".csv"
PARTIAL: Final = ".part"


class UploadTooLargeError(Exception):
    """More came than is allowed."""


class UploadSpool:
    """A folder of files named by the id of their import."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max

    def open(self) -> None:
        """Make the folder; uploads that a crash cut short are thrown away: nobody was told of them."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob(f"*{PARTIAL}"):
            path.unlink(missing_ok=True)

    def path(self, import_id: str) -> Path:
        """Where the file of an import is, if it is here."""
        return self._folder / f"{import_id}{WHOLE}"

    def ids(self) -> list[str]:
        """The imports whose files are here."""
        return [path.stem for path in self._folder.glob(f"*{WHOLE}")]

    def drop(self, import_id: str) -> None:
        """Delete the file of an import that needs it no more."""
        self.path(import_id).unlink(missing_ok=True)

    async def receive(self, body: AsyncIterator[bytes], cipher: Cipher) -> str:
        """Take a file in and answer the id of its import, once the file is on disk for good.

        Raises UploadTooLargeError, or UnusableFile for a wrong first row; then nothing stays.
        """
        partial = self._folder / f"{secrets.token_hex(16)}{PARTIAL}"
        digest, size = cipher.file_hmac(), 0
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                async for block in body:
                    size += len(block)
                    if size > self._bytes_max:
                        raise UploadTooLargeError
                    digest.update(block)
                    file.write(block)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            with open_table(partial) as lines:
                read_header(lines)
            import_id: str = digest.hexdigest()
            partial.rename(self.path(import_id))
        finally:
            partial.unlink(missing_ok=True)
        await asyncio.to_thread(self._sync)
        return import_id

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
