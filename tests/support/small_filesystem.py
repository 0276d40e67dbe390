"""A small filesystem of one's own, in a sparse file, that can be filled to the last block and freed again."""

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
    """Mounted at `folder`. To mount, one must be root and have loop devices: see `mountable`."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.folder = folder
        self._image = folder.with_name(f"{folder.name}.img")
        folder.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(size_mb << 20)
        try:
            # No blocks kept back for root: full is full for everybody.
            _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", str(self._image))
            _run("mount", "-o", "loop", str(self._image), str(folder))
        except BaseException:
            self._image.unlink()
            raise
        folder.chmod(0o755)

    def fill(self) -> None:
        """Take every free block."""
        piece = PIECE_BYTES
        with (self.folder / BALLAST).open("ab") as file:
            while piece >= 4096:
                if not _extend(file.fileno(), piece):
                    piece //= 2

    def free(self) -> None:
        """Give them back."""
        (self.folder / BALLAST).unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it and throw away what it held."""
        _run("umount", "--lazy", str(self.folder))
        self._image.unlink()


def mountable() -> bool:
    """Whether this machine lets this process mount one; asked by mounting one."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            Disk(Path(folder) / "disk", 8).close()
        except subprocess.CalledProcessError:
            return False
    return True


def _extend(file: int, size: int) -> bool:
    """Append allocated blocks to an open file; False if there are not enough free ones."""
    try:
        os.posix_fallocate(file, os.fstat(file).st_size, size)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        return False
    return True


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
