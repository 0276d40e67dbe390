"""Records in each traced process the first call into each file of services/, once per phase (window).

A `.pth` file of the tracing interpreter imports this module and calls `install`, so the services'
code need not change. The module imports the standard library only. The tracing process writes the number of
the current window to a shared byte. In window 0, before and after the trace, nothing is recorded. Functions
compiled by Cython are not recorded.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

IS_FUNCTION: Final = 0x1
"""CO_OPTIMIZED: a flag that the code of a function has, and the body of a module or class has not."""
SHARED: Final = "shared"

Profile = Callable[[FrameType, str, Any], None]


def install(folder: str, services: str) -> None:
    """Trace this process if it runs a package of the folder `services` with `python -m`."""
    words = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
    roots = (Path(services), Path(services) / SHARED)
    if not words or not any((root / words[0].partition(".")[0]).is_dir() for root in roots):
        return
    with (Path(folder) / "window").open("rb") as file:
        window = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC  # a process may exec another program and keep its id
    log = os.open(Path(folder) / f"{os.getpid()}.log", flags, 0o600)
    os.write(log, f"{' '.join(words)}\n".encode())
    profile = first_entries(services + os.sep, window, lambda line: os.write(log, line.encode()))
    threading.setprofile(profile)
    sys.setprofile(profile)


def first_entries(services: str, window: Any, write: Callable[[str], object]) -> Profile:
    """Return a profile function that writes `window seconds file` at a file's first call in each window."""
    foreign: set[str] = set()
    seen: set[str] = set()
    current = 0

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal current, seen
        if event != "call" or not window[0]:
            return
        if window[0] != current:
            current, seen = window[0], set(foreign)
        file = frame.f_code.co_filename
        if file in seen:
            return
        if not file.startswith(services):
            foreign.add(file)
            seen.add(file)
        elif frame.f_code.co_flags & IS_FUNCTION:
            seen.add(file)
            write(f"{current} {time.monotonic():.6f} {file}\n")

    return profile
