"""Receives an upload into a file without a name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from registration.cipher import Cipher
from registration.imports.anonymous_file import anonymous_file


class UploadTooLargeError(Exception):
    """The upload exceeds the maximum file size."""


class Upload(NamedTuple):
    """A received file, and the id of its import."""

    import_id: str
    path: Path


class UploadLimits(NamedTuple):
    """The folder on whose disk uploads are received, and their maximum size in bytes."""

    folder: Path
    bytes_max: int


@asynccontextmanager
async def receive(body: AsyncIterator[bytes], limits: UploadLimits, cipher: Cipher) -> AsyncIterator[Upload]:
    """Receive an upload. Its file exists while the block runs. Raises UploadTooLargeError."""
    with anonymous_file(limits.folder) as path:
        with path.open("wb") as file:
            import_id = await _copy(body, file, limits.bytes_max, cipher)
        yield Upload(import_id, path)


async def _copy(body: AsyncIterator[bytes], file: BinaryIO, bytes_max: int, cipher: Cipher) -> str:
    """Write the body to the file, and return the keyed digest of the bytes."""
    digest, size = cipher.file_hmac(), 0
    async for block in body:
        size += len(block)
        if size > bytes_max:
            raise UploadTooLargeError
        digest.update(block)
        file.write(block)
    return digest.hexdigest()
