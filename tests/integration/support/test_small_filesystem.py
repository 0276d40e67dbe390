"""A small filesystem refuses writes while it is full, and accepts them again after space is freed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.support.small_filesystem import Disk, can_mount

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not can_mount(), reason="this machine does not allow mounting a filesystem"),
]


def test_a_filled_disk_refuses_a_write_and_accepts_it_after_it_is_freed(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 16)
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space left") as refused:
            (disk.folder / "page").write_bytes(b"x" * 8192)
        disk.free()
        (disk.folder / "page").write_bytes(b"x" * 8192)
        content = (disk.folder / "page").read_bytes()
    finally:
        disk.close()

    assert refused.value.errno == errno.ENOSPC
    assert content == b"x" * 8192
