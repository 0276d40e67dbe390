"""A small filesystem in a sparse file, which can be filled to the last block and freed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BALLAST = ".ballast"
PIECE_BYTES = 1 << 30
NO_SPACE = (errno.ENOSPC, errno.EFBIG)


class Disk:
    """A filesystem mounted at `folder`. Mounting needs root and loop devices; `can_mount` checks for both."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.folder = folder
        self._image = folder.with_name(f"{folder.name}.img")
        folder.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(size_mb << 20)
        try:
            # Without blocks reserved for root, the disk is full for every user.
            _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", str(self._image))
            _run("mount", "-o", "loop", str(self._image), str(folder))
        except BaseException:
            self._image.unlink()
            raise
        folder.chmod(0o755)

    def fill(self) -> None:
        """Allocate every free block."""
        piece = PIECE_BYTES
        with (self.folder / BALLAST).open("ab") as file:
            while piece >= 4096:
                if not _extend(file.fileno(), piece):
                    piece //= 2

    def free(self) -> None:
        """Free the blocks that `fill` allocated."""
        (self.folder / BALLAST).unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount the filesystem and delete its image."""
        _run("umount", "--lazy", str(self.folder))
        self._image.unlink()


def can_mount() -> bool:
    """Whether this process may mount a filesystem. The check is to mount a small one."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            Disk(Path(folder) / "disk", 8).close()
        except subprocess.CalledProcessError:
            return False
    return True


def _extend(file: int, size: int) -> bool:
    """Append `size` allocated bytes to an open file; return False if too few blocks are free."""
    try:
        os.posix_fallocate(file, os.fstat(file).st_size, size)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        return False
    return True


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
