"""The folders of the local stack: `.local/` beside the sources, or the folder in `LOCAL_DIR`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def local_folder() -> Path:
    """Return the folder of the stack's data, which the command `forget` removes."""
    return Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()


def broker_cache() -> Path:
    """Return the folder of the broker's jars and class archive, shared with tests and kept by `forget`."""
    return Path(os.environ.get("KAFKA_CACHE_DIR") or ROOT / ".local" / "kafka").resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, which is created if missing; other processes wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
