"""Named points at which a fault test ends the process, as a power cut would: nothing is flushed or closed.

A point does nothing unless the composition root armed it from the service's `CRASH_AT` setting, which is
for fault tests alone. `relay.after_ack` dies at the first pass, `relay.after_ack:3` at the third.
"""

from __future__ import annotations

import os
import signal

_armed: dict[str, int] = {}


def arm(where: str) -> None:
    """Arm one point (`name` or `name:nth`), or several with commas; an empty text arms none."""
    for text in filter(None, where.split(",")):
        name, _, nth = text.partition(":")
        _armed[name.strip()] = int(nth or 1)


def failpoint(name: str) -> None:
    """Die here by SIGKILL if this point is armed and its turn has come."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
