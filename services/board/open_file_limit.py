"""Raises the limit of open files (`ulimit -n`), because each viewer's open stream is an open file."""

from __future__ import annotations

import resource
from typing import Final, NamedTuple

from telemetry.logs import get

log = get()

OTHER_FILES: Final = 200
"""Open files that are not streams: connections to the broker, other requests, the process's own files."""


class FileLimit(NamedTuple):
    """The limit of open files to set, and the number of viewers that it allows."""

    open_files_max: int
    viewers_max: int


def limit_for(viewers_max: int, soft: int, hard: int | None) -> FileLimit:
    """Return the limit for `viewers_max` viewers, or for fewer viewers if the hard limit is too low.

    `soft` and `hard` are the process's current limits; `hard` is None if there is no hard limit. The returned
    limit is never below the soft limit, and the returned number of viewers is at least one.
    """
    needed = max(soft, viewers_max + OTHER_FILES)
    open_files_max = needed if hard is None else max(soft, min(hard, needed))
    return FileLimit(open_files_max, max(1, min(viewers_max, open_files_max - OTHER_FILES)))


def raise_limit_for(viewers_max: int) -> int:
    """Raise the soft limit for `viewers_max` viewers, and return how many viewers the new limit allows.

    If the new limit allows fewer than `viewers_max`, log a warning.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return viewers_max
    limit = limit_for(viewers_max, soft, None if hard == resource.RLIM_INFINITY else hard)
    if limit.open_files_max > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit.open_files_max, hard))
    if limit.viewers_max < viewers_max:
        log.warning(
            "fewer viewers than BOARD_VIEWERS_MAX",
            allowed=limit.viewers_max,
            wanted=viewers_max,
            open_files_max=limit.open_files_max,
        )
    return limit.viewers_max
