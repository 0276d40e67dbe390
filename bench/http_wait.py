"""Waits until a process that was started says over HTTP that it is ready."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from typing import Final

LOOK_EVERY_S: Final = 0.05


def until_answers(url: str, process: subprocess.Popen[bytes], seconds_max: float) -> bool:
    """Whether the URL was answered in time with a success, the process still running."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except OSError:
            time.sleep(LOOK_EVERY_S)
    return False
