"""Creates files without a name, of which nothing remains once the processes that use them have ended.

A process that is killed cannot delete a file, but the system deletes a file without a name with the last
descriptor that leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from telemetry.logs import get

log = get()

DESCRIPTORS: Final = Path("/proc/self/fd")


@contextmanager
def anonymous_file(folder: Path | None = None) -> Iterator[Path]:
    """Create an empty file on the disk of `folder`, and delete it after the block.

    The path leads to the file in this process, and in child processes that inherit its descriptor. Each
    opening of the path has a position of its own. Without a folder, the file is in the directory for
    temporary files. Raises OSError if the folder cannot be written.
    """
    with _open(folder) as file:
        yield DESCRIPTORS / str(file.fileno())


def _open(folder: Path | None) -> IO[bytes]:
    try:
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return TemporaryFile(dir=folder)
    except OSError as error:
        log.warning(
            "import folder cannot be written: see REGISTRATION_IMPORT_SPOOL_DIR in docs/settings.md",
            folder=str(folder),
            reason=error.strerror,
        )
        raise


def descriptors(*paths: Path) -> list[int]:
    """Return the descriptors that a child process must inherit to open these paths."""
    return [int(path.name) for path in paths if path.parent == DESCRIPTORS]
