"""How many viewers the limit of open files (`ulimit -n`) lets in: each one is an open file."""

from __future__ import annotations

import resource
from typing import Final

from telemetry.logs import get

log = get()

OTHER_FILES: Final = 200
"""What is open beside the viewers: the broker's connections, other requests, the process's own files."""


def viewers_allowed(wanted: int) -> int:
    """`wanted`, or as many as the limit allows, raised as far as it may be; says so where that is less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, wanted + OTHER_FILES)
    raised = min(hard, max(soft, wanted + OTHER_FILES))
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    allowed = max(1, min(wanted, raised - OTHER_FILES))
    if allowed < wanted:
        log.warning(
            "fewer viewers than BOARD_VIEWERS_MAX", allowed=allowed, wanted=wanted, open_files_max=raised
        )
    return allowed
