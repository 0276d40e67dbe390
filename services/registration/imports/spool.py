"""Stores uploaded files in a directory until they are imported, so that a restart loses none of them.

The files contain personal data in plain text. So only their owner can read the directory and the files, and
each file is deleted when its import ends. Each API process needs its own directory.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from registration.cipher import Cipher
from registration.imports.spreadsheets.conversion_process import CONVERTED

COMPLETE: Final = ".csv"
PARTIAL: Final = ".part"


class UploadTooLargeError(Exception):
    """The upload exceeds the maximum file size."""


class Upload(NamedTuple):
    """A received file, and the id of its import."""

    import_id: str
    path: Path


class UploadSpool:
    """A directory of files, each named by the id of its import. A spreadsheet lies there as text."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self.folder = folder
        self._bytes_max = bytes_max

    def open(self) -> None:
        """Create the directory, and delete incomplete uploads, whose clients have received no response."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self.folder.glob(f"*{PARTIAL}"):
            path.unlink(missing_ok=True)
        for folder in self.folder.glob(f"{CONVERTED}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def path(self, import_id: str) -> Path:
        """Return the path of an import's file."""
        return self.folder / f"{import_id}{COMPLETE}"

    def ids(self) -> list[str]:
        """Return the ids of the imports whose files are in this directory."""
        return [path.stem for path in self.folder.glob(f"*{COMPLETE}")]

    def delete(self, import_id: str) -> None:
        """Delete an import's file, if it exists."""
        self.path(import_id).unlink(missing_ok=True)

    @asynccontextmanager
    async def receive(self, body: AsyncIterator[bytes], cipher: Cipher) -> AsyncIterator[Upload]:
        """Store an upload while the block runs. Then it is deleted, unless the block keeps it.

        Raises UploadTooLargeError.
        """
        partial = self.folder / f"{secrets.token_hex(16)}{PARTIAL}"
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                import_id = await self._copy(body, file, cipher)
            yield Upload(import_id, partial)
        finally:
            partial.unlink(missing_ok=True)

    async def keep(self, import_id: str, text: Path) -> None:
        """Make a text in the directory the file of an import. When this returns, it is durably on disk."""
        await asyncio.to_thread(self._keep, import_id, text)

    def _keep(self, import_id: str, text: Path) -> None:
        _sync(text)
        text.rename(self.path(import_id))
        _sync(self.folder)

    async def _copy(self, body: AsyncIterator[bytes], file: BinaryIO, cipher: Cipher) -> str:
        """Write the body to the file, and return the keyed digest of the bytes."""
        digest, size = cipher.file_hmac(), 0
        async for block in body:
            size += len(block)
            if size > self._bytes_max:
                raise UploadTooLargeError
            digest.update(block)
            file.write(block)
        return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
