"""Where the local stack keeps its files: `.local/` beside the sources, or the folder in `LOCAL_DIR`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def local_folder() -> Path:
    """The folder of everything that `forget` forgets."""
    return Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()


def broker_cache() -> Path:
    """Jars and shared class archive of the broker: fetched once, shared with tests, kept by `forget`."""
    return Path(os.environ.get("KAFKA_CACHE_DIR") or ROOT / ".local" / "kafka").resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, made if missing; another process waits its turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
