"""How many viewers the limit of open files (`ulimit -n`) lets in: each one is an open file."""

from __future__ import annotations

import resource
from typing import Final, NamedTuple

from telemetry.logs import get

log = get()

OTHER_FILES: Final = 200
"""What is open beside the viewers: the broker's connections, other requests, the process's own files."""


class Room(NamedTuple):
    """The limit to ask for, and how many viewers it leaves room for."""

    open_files_max: int
    viewers_max: int


def room(wanted: int, soft: int, hard: int | None) -> Room:
    """Room for `wanted` viewers, or as many as `hard` allows (None: no bound); `soft` is never lowered."""
    needed = max(soft, wanted + OTHER_FILES)
    open_files_max = needed if hard is None else max(soft, min(hard, needed))
    return Room(open_files_max, max(1, min(wanted, open_files_max - OTHER_FILES)))


def viewers_allowed(wanted: int) -> int:
    """Make room for so many viewers; says so, and how many there are, where there is less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    found = room(wanted, soft, None if hard == resource.RLIM_INFINITY else hard)
    if found.open_files_max > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (found.open_files_max, hard))
    if found.viewers_max < wanted:
        log.warning(
            "fewer viewers than BOARD_VIEWERS_MAX",
            allowed=found.viewers_max,
            wanted=wanted,
            open_files_max=found.open_files_max,
        )
    return found.viewers_max
