"""Finds and ends every process of a local stack, also those whose supervisor is gone."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from deploy.local.supervision import MARKER

GRACE_S = 15.0
PAUSE_S = 0.05


def leftovers(folder: Path) -> list[int]:
    """Process ids that bear the stack's mark in their environment."""
    mark = f"{MARKER}={folder}".encode()
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    marked = [int(process.name) for process in processes if mark in _environment(process).split(b"\0")]
    return [pid for pid in marked if pid != os.getpid()]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it ended meanwhile, or is somebody else's
        return b""


def end_all(folder: Path, grace_s: float = GRACE_S) -> int:
    """End them: first by asking (SIGINT, on which PostgreSQL does not wait for its clients), then by SIGKILL.

    One that shows late is asked, too: in the midst of its exec a process has no environment. Answers how many
    there were.
    """
    asked: set[int] = set()
    ends = time.monotonic() + grace_s
    while left := leftovers(folder):
        unasked = [pid for pid in left if pid not in asked]
        for number in (signal.SIGCONT, signal.SIGINT):
            _signal(unasked, number)
        asked.update(unasked)
        if time.monotonic() > ends:
            _signal(left, signal.SIGKILL)
        time.sleep(PAUSE_S)
    return len(asked)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
