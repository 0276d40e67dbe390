"""The end of a log file, for the messages of failed tests."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 6_000


def tail(path: Path) -> str:
    """Return the path and the last lines of a log, or a note if the file does not exist."""
    if not path.exists():
        return f"{path}: no log"
    with path.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - TAIL_BYTES))
        text = log.read().decode(errors="replace")
    return f"--- {path}\n{text}---"
