"""Runs inside each traced process: notes the first entry into each file of services/, window by window.

A `.pth` file of the tracing interpreter imports this module and calls `install`, so the product needs no
hook. It imports the standard library only. The tracing side says in a shared byte which window it is: 0
before and after, where nothing is noted. Functions that Cython compiled are not seen.
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
"""CO_OPTIMIZED: a function's code has this flag, the body of a module or a class does not."""
SHARED: Final = "shared"

Profile = Callable[[FrameType, str, Any], None]


def install(folder: str, services: str) -> None:
    """Trace this process if it is `python -m` a package of the folder `services`."""
    words = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
    roots = (Path(services), Path(services) / SHARED)
    if not words or not any((root / words[0].partition(".")[0]).is_dir() for root in roots):
        return
    with (Path(folder) / "window").open("rb") as file:
        window = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC  # a process may replace itself and keep its id
    log = os.open(Path(folder) / f"{os.getpid()}.log", flags, 0o600)
    os.write(log, f"{' '.join(words)}\n".encode())
    profile = first_entries(services + os.sep, window, lambda line: os.write(log, line.encode()))
    threading.setprofile(profile)
    sys.setprofile(profile)


def first_entries(services: str, window: Any, write: Callable[[str], object]) -> Profile:
    """A profile function that writes `window seconds file` for each file's first call in each window."""
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
