"""Finds and stops every process of a local stack, even if its supervisor has died."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

from deploy.local.supervisor_client import MARKER

GRACE_S: Final = 15.0
PAUSE_S: Final = 0.05
EMPTY_SEARCHES: Final = 2


def stack_pids(folder: Path) -> list[int]:
    """Return the ids of the processes that have the stack's marker in their environment."""
    mark = f"{MARKER}={folder}".encode()
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    marked = [int(process.name) for process in processes if mark in _environment(process).split(b"\0")]
    return [pid for pid in marked if pid != os.getpid()]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # the process has ended, or belongs to another user
        return b""


def end_all(folder: Path, grace_s: float = GRACE_S) -> int:
    """Stop all processes of the stack, first by SIGINT and after `grace_s` by SIGKILL; return their number.

    SIGINT makes PostgreSQL stop without waiting for its clients. While a process executes exec(), it has no
    environment and is not found. So the search is repeated until two searches in a row have found no process.
    A process that is found late gets SIGINT at that time.
    """
    signalled: set[int] = set()
    deadline = time.monotonic() + grace_s
    empty_searches = 0
    while empty_searches < EMPTY_SEARCHES:
        running = stack_pids(folder)
        empty_searches = 0 if running else empty_searches + 1
        new = [pid for pid in running if pid not in signalled]
        for number in (signal.SIGCONT, signal.SIGINT):
            _signal(new, number)
        signalled.update(new)
        if time.monotonic() > deadline:
            _signal([pid for pid in running if pid not in new], signal.SIGKILL)
        time.sleep(PAUSE_S)
    return len(signalled)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
