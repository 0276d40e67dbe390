"""The clock of one process set wrong, by libfaketime; what measures time spent goes right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIBRARY: Final = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""Where Debian's package libfaketime puts it; None without the package."""


def clock_off(by: str) -> Mapping[str, str]:
    """The environment of a process whose clock is off, by "+1h" say; AssertionError without the library."""
    assert LIBRARY is not None, "install libfaketime (Debian's package of this name)"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
