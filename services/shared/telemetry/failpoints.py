"""Failpoints are named places in the code at which a fault test kills the process, as a power failure would.

The process kills itself with SIGKILL, so that nothing is flushed or closed. A failpoint does nothing unless
the composition root arms it from the service's `CRASH_AT` setting, which only fault tests set.
`relay.after_ack` kills the process the first time it passes that failpoint, `relay.after_ack:3` the third
time.
"""

from __future__ import annotations

import os
import signal

_armed: dict[str, int] = {}


def arm(failpoints: str) -> None:
    """Arm the failpoints of a comma-separated list, each `name` or `name:nth`; an empty string arms none."""
    for text in filter(None, failpoints.split(",")):
        name, _, nth = text.partition(":")
        _armed[name.strip()] = int(nth or 1)


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL if the failpoint is armed for this pass, for example the third."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
