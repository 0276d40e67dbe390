"""A disk of one's own is full when it is filled, for everybody, and has room again when it is freed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.support.small_filesystem import Disk, mountable

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not mountable(), reason="this machine lets nobody mount a filesystem"),
]


def test_a_filled_disk_takes_nothing_and_a_freed_one_takes_it(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 16)
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space left") as refused:
            (disk.folder / "page").write_bytes(b"x" * 8192)
        disk.free()
        (disk.folder / "page").write_bytes(b"x" * 8192)
        kept = (disk.folder / "page").read_bytes()
    finally:
        disk.close()

    assert refused.value.errno == errno.ENOSPC
    assert kept == b"x" * 8192
