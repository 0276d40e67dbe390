"""The folders of the local stack, by default under `.local/` beside the sources."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def local_folder() -> Path:
    """Return the folder of the stack's data, which the command `forget` removes: LOCAL_DIR, or `.local/`."""
    return Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()


def broker_cache() -> Path:
    """Return the folder of the broker's jars and class archive: KAFKA_CACHE_DIR, or `.local/kafka`.

    Tests use the same folder, and the command `forget` keeps it.
    """
    return Path(os.environ.get("KAFKA_CACHE_DIR") or ROOT / ".local" / "kafka").resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, for which other processes wait; create the file if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
