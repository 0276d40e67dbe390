"""Finds and ends every process of a local stack, also those whose supervisor is gone."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

from deploy.local.supervisor import MARKER

GRACE_S: Final = 15.0
PAUSE_S: Final = 0.05
LOOKS_IN_VAIN: Final = 2


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

    In the midst of its exec a process has no environment: it is looked for twice, and asked when it shows.
    Answers how many there were.
    """
    asked: set[int] = set()
    ends = time.monotonic() + grace_s
    looks_in_vain = 0
    while looks_in_vain < LOOKS_IN_VAIN:
        left = leftovers(folder)
        looks_in_vain = 0 if left else looks_in_vain + 1
        unasked = [pid for pid in left if pid not in asked]
        for number in (signal.SIGCONT, signal.SIGINT):
            _signal(unasked, number)
        asked.update(unasked)
        if time.monotonic() > ends:
            _signal([pid for pid in left if pid not in unasked], signal.SIGKILL)
        time.sleep(PAUSE_S)
    return len(asked)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
